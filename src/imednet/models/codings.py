"""`Coding`, under the path that the reference names."""

from imednet_api.models import Coding as Coding

__all__ = ["Coding"]
