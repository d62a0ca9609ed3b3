"""What Airflow asks of a provider first. It imports nothing, because every process of Airflow reads it."""

from __future__ import annotations

from typing import Any

_HERE = "apache_airflow_providers_imednet"
_NAME = "iMednet"


def get_provider_info() -> dict[str, Any]:
    """The parts of this provider, and the form of its connections."""
    return {
        "package-name": "imednet-airflow",
        "name": _NAME,
        "description": "Reads, exports, mirrors and writes studies of the iMednet EDC. Unofficial.",
        "integrations": [{"integration-name": _NAME, "tags": ["service"]}],
        "hooks": [{"integration-name": _NAME, "python-modules": [f"{_HERE}.hooks"]}],
        "operators": [
            {
                "integration-name": _NAME,
                "python-modules": [f"{_HERE}.operators.{name}" for name in ("export", "mirror", "records")],
            }
        ],
        "sensors": [{"integration-name": _NAME, "python-modules": [f"{_HERE}.sensors"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": [f"{_HERE}.triggers"]}],
        "connection-types": [
            {
                "connection-type": "imednet",
                "hook-name": _NAME,
                "hook-class-name": f"{_HERE}.hooks.ImednetHook",
                "conn-fields": {
                    "security_key_secret": {
                        "label": "Security key",
                        "description": "The second key, sent as x-imn-security-key.",
                        "schema": {"type": ["string", "null"], "format": "password"},
                    },
                    "study_key": {"label": "Default study", "schema": {"type": ["string", "null"]}},
                    "timeout": {
                        "label": "Seconds without an answer",
                        "schema": {"type": ["integer", "null"], "default": 30, "minimum": 1},
                    },
                    "allow_http": {
                        "label": "Plain http to another machine",
                        "description": "The keys then travel unencrypted.",
                        "schema": {"type": ["boolean", "null"], "default": False},
                    },
                },
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "port", "extra"],
                    "relabeling": {"host": "Base URL", "password": "API key"},
                    "placeholders": {"host": "empty for production"},
                },
            }
        ],
    }
