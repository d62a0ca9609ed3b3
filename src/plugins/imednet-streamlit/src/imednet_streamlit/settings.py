"""What whoever starts the dashboard decides for all who use it; the command hands it to the app in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PREFIX: Final = "IMEDNET_DASHBOARD_"


@dataclass(frozen=True)
class Settings:
    """The settings of one running dashboard.

    Attributes:
        base_url: address of the API; that of iMednet where it is left out.
        study_key: the study that the sign-in proposes.
        mirror: a mirror that is read in place of the API.
        access_code: what a reader of the mirror must know.
        state: folder for configurations, reviews and figures of earlier visits; nothing is kept without one.
        sandbox: whether the API is the sandbox, whose keys everybody knows.
    """

    base_url: str | None = None
    study_key: str | None = None
    mirror: Path | None = None
    access_code: str | None = None
    state: Path | None = None
    sandbox: bool = False

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings in an environment, as `environment` writes them."""

        def text(name: str) -> str | None:
            return environment.get(_PREFIX + name) or None

        mirror, state = text("MIRROR"), text("STATE")
        return cls(
            text("BASE_URL"),
            text("STUDY"),
            Path(mirror) if mirror else None,
            text("ACCESS_CODE"),
            Path(state) if state else None,
            text("SANDBOX") == "1",
        )

    def environment(self) -> dict[str, str]:
        """The settings as variables of an environment.

        >>> Settings(study_key="S-1", sandbox=True).environment()
        {'IMEDNET_DASHBOARD_STUDY': 'S-1', 'IMEDNET_DASHBOARD_SANDBOX': '1'}
        >>> Settings.of(_) == Settings(study_key="S-1", sandbox=True)
        True
        """
        given = {
            "BASE_URL": self.base_url,
            "STUDY": self.study_key,
            "MIRROR": str(self.mirror) if self.mirror else None,
            "ACCESS_CODE": self.access_code,
            "STATE": str(self.state) if self.state else None,
            "SANDBOX": "1" if self.sandbox else None,
        }
        return {_PREFIX + name: value for name, value in given.items() if value}
