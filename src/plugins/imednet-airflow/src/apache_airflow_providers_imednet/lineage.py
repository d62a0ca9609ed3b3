"""OpenLineage: which study a task read, what it wrote, and how many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

Named = tuple[str, str]
"""Namespace and name of a dataset."""


def study_dataset(base_url: str, study_key: str) -> Named:
    """The dataset of a study."""
    return f"imednet://{urlsplit(base_url).hostname}", study_key


def lineage(reads: Sequence[Named], writes: Sequence[Named], rows: int | None = None) -> Any:
    """The lineage of a task, for `get_openlineage_facets_on_complete`, which the OpenLineage provider calls."""
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )
    from airflow.providers.openlineage.extractors import OperatorLineage

    facets = {} if rows is None else {"outputStatistics": OutputStatisticsOutputDatasetFacet(rowCount=rows)}
    return OperatorLineage(
        inputs=[Dataset(namespace=namespace, name=name) for namespace, name in reads],
        outputs=[OutputDataset(namespace=namespace, name=name, outputFacets=facets) for namespace, name in writes],
    )
