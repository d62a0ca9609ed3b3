"""Assets: a study, and what a task tells with one that it wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import Asset, Context

PRODUCTION = "edc.prod.imednetapi.com"


def study_asset(study_key: str, *, host: str = PRODUCTION, watchers: Iterable[Any] = ()) -> Asset:
    """The asset of a study: `imednet://HOST/STUDY`.

    Args:
        study_key: the study.
        host: host of the server.
        watchers: `AssetWatcher`s, such as one with `ImednetStudyChangedTrigger`.
    """
    name = f"imednet {study_key}" if host == PRODUCTION else f"imednet {study_key} at {host}"  # unique in Airflow, too
    return Asset(name=name, uri=f"imednet://{host}/{quote(study_key, safe='')}", watchers=list(watchers))


def tell_outlets(context: Context, outlets: Iterable[Any], facts: Mapping[str, Any]) -> None:
    """Put facts, such as rows and proof, into the event of each asset that a task writes."""
    events = context["outlet_events"]
    for outlet in outlets:
        if isinstance(outlet, Asset):
            events[outlet].extra.update(facts)
