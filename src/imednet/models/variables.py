"""`Variable`, under the path that the reference names."""

from imednet_api.models import Variable as Variable

__all__ = ["Variable"]
