"""`Form`, under the path that the reference names."""

from imednet_api.models import Form as Form

__all__ = ["Form"]
