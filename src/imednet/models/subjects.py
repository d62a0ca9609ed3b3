"""`Subject`, under the path that the reference names."""

from imednet_api.models import Subject as Subject

__all__ = ["Subject"]
