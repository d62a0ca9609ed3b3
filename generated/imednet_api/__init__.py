# Generated from openapi/imednet.yaml, version 1.3.6. Do not edit: run `nox -s generate`.
"""The iMednet EDC REST API, typed: models and operations as pure facts, no I/O.

`imednet` is the client built on it.
"""

from typing import Final

SPEC_VERSION: Final = "1.3.6"
"""The version of the description."""
