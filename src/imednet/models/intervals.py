"""`Interval`, under the path that the reference names."""

from imednet_api.models import Interval as Interval

__all__ = ["Interval"]
