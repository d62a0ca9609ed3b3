"""Authentication: the headers that prove who sends a request."""

from .api_key import ApiKeyAuth
from .strategy import AuthStrategy

__all__ = ["ApiKeyAuth", "AuthStrategy"]
