"""How requests prove who sends them."""

from .api_key import ApiKeyAuth
from .strategy import AuthStrategy

__all__ = ["ApiKeyAuth", "AuthStrategy"]
