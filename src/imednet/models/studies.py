"""`Study`, under the path that the reference names."""

from imednet_api.models import Study as Study

__all__ = ["Study"]
