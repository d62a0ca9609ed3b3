"""`Query`, under the path that the reference names."""

from imednet_api.models import Query as Query

__all__ = ["Query"]
