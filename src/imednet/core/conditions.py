"""The documented path of `filtering.conditions`."""

from .filtering.conditions import Condition, F, row_test

__all__ = ["Condition", "F", "row_test"]
