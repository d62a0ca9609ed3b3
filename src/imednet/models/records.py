"""`Record`, under the path that the reference names."""

from imednet_api.models import Record as Record

__all__ = ["Record"]
