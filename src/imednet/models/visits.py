"""`Visit`, under the path that the reference names."""

from imednet_api.models import Visit as Visit

__all__ = ["Visit"]
