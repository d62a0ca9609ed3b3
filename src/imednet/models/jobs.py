"""`Job`, under the path that the reference names."""

from imednet_api.models import Job as Job

__all__ = ["Job"]
