"""Lists that the description of the API has and the invented study does not: their example rows are served.

`described_lists.json` is written by scripts/resource_code.py. A list of the invented study itself never stands in it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

DESCRIBED: dict[str, dict[str, Any]] = json.loads(
    files(__package__).joinpath("described_lists.json").read_text("utf-8")
)
"""Path of a list -> its `key`, `fields` and `rows`."""
