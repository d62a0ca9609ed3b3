"""`Site`, under the path that the reference names."""

from imednet_api.models import Site as Site

__all__ = ["Site"]
