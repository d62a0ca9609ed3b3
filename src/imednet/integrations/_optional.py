"""The libraries of exports, under the name that their modules and tests know."""

from ..utils.optional_library import optional_library as _require_optional_dep

__all__ = ["_require_optional_dep"]
