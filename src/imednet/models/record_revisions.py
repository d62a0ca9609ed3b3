"""`RecordRevision`, under the path that the reference names."""

from imednet_api.models import RecordRevision as RecordRevision

__all__ = ["RecordRevision"]
