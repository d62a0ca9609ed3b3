"""`User`, under the path that the reference names."""

from imednet_api.models import User as User

__all__ = ["User"]
