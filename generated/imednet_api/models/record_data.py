# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
from typing import Any, TypeAlias

RecordData: TypeAlias = dict[str, Any]
"""Answers by variable name, as the form defines them; mostly text, also for numbers. Also holds dateCreated,
dateModified and unvnum, the number of an unscheduled visit as text, which are no questions.
"""
