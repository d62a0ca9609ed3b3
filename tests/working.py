"""Work for processes of their own: they import it by this name."""

from __future__ import annotations

import logging

from imednet import ImednetSDK


def forms_of(study_key: str, sdk: ImednetSDK, logger: logging.Logger) -> tuple[str, int]:
    """Which study, and how many forms it has."""
    logger.info("counting")
    return study_key, len(sdk.forms.list())


def records_of(study_key: str, sdk: ImednetSDK, logger: logging.Logger, form_key: str) -> int:
    """How many records of a form a study has."""
    logger.info("counting in %s", study_key)
    return sdk.records.count(form_key=form_key)
