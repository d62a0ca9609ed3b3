"""What every target of an export is: a sink that is given batches, and how its passing failures are waited out.

A sink is made (which checks its settings and connects), begun with all tables, given batches table by table, flushed
once everything is written, and closed. Before `flush` nothing of a run may be visible in the target; after it all is.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import tenacity

from ..errors import ExportBatchError, ExportError, ImednetError
from ..utils.interruptions import raised_from_outside
from .tables.batches import Batch, Cells, Issue, RawReader, Reader
from .tables.layout import Shape, StudyTables, Table

if TYPE_CHECKING:
    from types import TracebackType

    from .on_disk.folder import Home


class ExportSink(ABC):
    """Base of all sinks. A sink of your own needs `write_batch`, `flush` and `close`.

    Attributes:
        kind: name of the target, as in the manifest.
        shape: what the target can hold.
        batch_rows, batch_bytes: how large a batch may become.
        raw: whether it takes records as they came (`batch.lines`, `batch.records`), without columns.
        arrow: whether it takes batches as Arrow where they can be had (`arrow.record_batch`); needs pyarrow.
        needs: lists beside the records without which it cannot do.
        own_tables: whether it takes the export's own tables too, the dictionary of columns and the issues.
        cuts: whether long texts are cut, so that a file beside the manifest holds the issues uncut.
        files: whether it writes files here, so that no failure of the file system passes by itself.
        foreign: errors of the target's driver.
        outputs: table key -> what the manifest says of it, such as the file.
        losses: cells that the target cannot hold as they are; the export lists them as issues.

    >>> from imednet.integrations import ExportSink
    >>> class Counter(ExportSink):
    ...     kind, rows = "counter", 0
    ...     def write_batch(self, batch):
    ...         self.rows += len(batch)
    ...     def flush(self): ...
    ...     def close(self): ...
    >>> Counter().rows
    0
    """

    kind: ClassVar[str] = "custom"
    shape: ClassVar[Shape] = Shape()
    batch_rows: ClassVar[int] = 4_000
    batch_bytes: ClassVar[int] = 16_000_000
    raw: bool = False
    arrow: ClassVar[bool] = False
    cuts: ClassVar[bool] = False
    files: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    own_tables: bool = True
    foreign: tuple[type[BaseException], ...] = ()
    staged: Sequence[str] = ()
    """Files in the staging folder that are to be put in place."""

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Table key -> what the manifest says of it."""
        found: dict[str, dict[str, Any]] = self.__dict__.setdefault("_outputs", {})
        return found

    @property
    def losses(self) -> list[Issue]:
        """Cells that the target cannot hold as they are."""
        found: list[Issue] = self.__dict__.setdefault("_losses", [])
        return found

    def reader(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None) -> Reader | RawReader:
        """What makes the batches of a table; `drop` says which rows are left out."""
        if self.raw:
            return RawReader(table, drop)
        if self.arrow:
            from .tables.arrow_reader import ArrowReader

            return ArrowReader(table, drop)
        return Reader(table, drop)

    def begin(self, tables: StudyTables, home: Home | None) -> None:  # noqa: B027  (not every target needs it)
        """Called once, before anything is read: check limits, prepare tables.

        Raises ExportConfigurationError where the study does not fit the target.
        """

    @abstractmethod
    def write_batch(self, batch: Batch) -> None:
        """Write one batch; called again with the same batch after a passing failure, so it must not write it twice."""

    @abstractmethod
    def flush(self) -> None:
        """Everything was written: put it in place, all or nothing."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the target; what was not flushed is given up."""

    def end_table(self, table: Table) -> None:  # noqa: B027  (not every target needs it)
        """Called after the last batch of a table."""

    def give_up(self, table: Table) -> bool:  # noqa: ARG002  (for sinks that can)
        """Take back what was written of one table that cannot be written; whether that was possible.

        Where it is, the other tables are written all the same, and the export says that this one is missing.
        """
        return False

    def transient(self, error: BaseException) -> bool:
        """Whether a failure may pass, so that the batch is written again: by default one of the network or the disk."""
        return isinstance(error, OSError) and not self.files

    def explain(self, error: BaseException) -> str:
        """What a failure of the target means and what to do; never with a value of a cell or a password."""
        return f"{type(error).__name__}. Next: see that the target can be written to, then run the export again"

    def lost(self, table: Table, row: Any, column: str, value: str | None, reason: str) -> None:
        """List a cell that could not be kept as it is."""
        self.losses.append(Issue(table.key, row, column, value, reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def retried(sink: ExportSink, batch_id: str, work: Callable[[], None], max_retries: int, backoff: float) -> None:
    """Do a piece of work on a target, again where its failure may pass.

    Raises:
        ExportBatchError: with `batch_id`, once all attempts failed.
        ExportError: a file could not be written.
    """
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(max_retries + 1),
        wait=tenacity.wait_random_exponential(multiplier=backoff, max=30),
        retry=tenacity.retry_if_exception(sink.transient),
        reraise=True,
    )
    try:
        retrying(work)
    except (ImednetError, MemoryError):
        raise
    except Exception as error:
        if raised_from_outside(error) is not None:
            raise
        if sink.files and isinstance(error, OSError):
            raise ExportError(
                f"the files could not be written ({error.strerror or type(error).__name__}); the target is as it was. "
                "Next: make room, or choose another target"
            ) from None
        attempts = retrying.statistics.get("attempt_number", 1)
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        if isinstance(error, sink.foreign):
            raise ExportBatchError(batch_id, f"{sink.explain(error)}{tried}") from None
        raise ExportBatchError(batch_id, f"{ExportSink.explain(sink, error)}{tried}") from error


_SECRET = re.compile(r"(?i)(password|passwd|pwd|token|secret|key)=([^&;\s]+)")


def _redact_uri(uri: str) -> str:
    """A connection string without user, password and secret parameters, for messages and logs.

    >>> _redact_uri("postgresql://app:s3cret@db.example.org/x?password=y")
    'postgresql://***@db.example.org/x?password=***'
    """
    # Up to the last sign of its kind: a password may hold any other one.
    return _SECRET.sub(r"\1=***", re.sub(r"://.*@", "://***@", uri, flags=re.DOTALL))
