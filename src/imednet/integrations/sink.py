"""The interface of an export's target, a sink of batches, and the retries of its temporary failures.

A sink's life: its constructor checks the settings and connects, `begin` gets all tables, `write_batch` gets rows table
by table, `flush` is called once everything is written, and `close` at the end. Nothing of a run may be visible in the
target before `flush`, and everything after it. MongoDB and Neo4j are the exception: they take each record by its
identity as it comes, so that a run that fails leaves some records new and the others as they were.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import tenacity

from ..errors import ExportBatchError, ExportError, ImednetError
from ..utils.interruptions import raised_from_outside
from .tables.batches import Batch, Cells, Issue, RawReader, Reader
from .tables.layout import Shape, StudyTables, Table

if TYPE_CHECKING:
    from types import TracebackType

    from .on_disk.folder import ExportFolder


class ExportSink(ABC):
    """Base class of all sinks. A sink of your own needs `write_batch`, `flush` and `close`.

    Attributes:
        kind: name of the target in the manifest.
        shape: limits of the target.
        batch_rows, batch_bytes: maximum size of a batch.
        raw: whether it takes records as they came (`batch.lines`, `batch.records`), without columns.
        arrow: whether it prefers batches as Arrow (`tables.arrow.record_batch`); needs pyarrow.
        needs: lists it needs in addition to the records.
        own_tables: whether it also takes the tables an export adds, the dictionary of columns and the issues.
        cuts: whether it cuts long texts, so that the issues are also written, uncut, to a file beside the manifest.
        files: whether it writes local files, so that an error of the file system is never retried.
        whole: whether the target is replaced as a whole, so that a run must write every table it holds.
        data: the folder of partitions, for a sink that writes any.
        file: the one file that is the target, for a sink that writes one.
        shared: whether others may write to that file too, as to a database, so that it need not stay as it was.
        gone: table key -> facts of an earlier manifest, for tables that `flush` has to remove if they are there: those
            that were asked to go, and that of unassigned records where there are none. The facts are empty where no
            manifest has any.
        foreign: exception classes of the target's driver.
        outputs: table key -> facts for the manifest, such as the file.
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
    whole: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    data: Path | None = None
    file: Path | None = None
    shared: ClassVar[bool] = False
    gone: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    own_tables: bool = True
    foreign: tuple[type[BaseException], ...] = ()
    staged: Sequence[str] = ()
    """Files in the staging folder, to be moved into place after `flush`."""

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Table key -> facts for the manifest."""
        outputs: dict[str, dict[str, Any]] = self.__dict__.setdefault("_outputs", {})
        return outputs

    @property
    def losses(self) -> list[Issue]:
        """Cells that the target cannot hold as they are."""
        losses: list[Issue] = self.__dict__.setdefault("_losses", [])
        return losses

    def reader(self, table: Table, drop: Callable[[Sequence[Cells]], list[bool]] | None) -> Reader | RawReader:
        """The reader that builds the batches of a table; `drop` tells which rows to leave out."""
        if self.raw:
            return RawReader(table, drop)
        if self.arrow:
            from .tables.arrow_reader import ArrowReader

            return ArrowReader(table, drop)
        return Reader(table, drop)

    def begin(self, tables: StudyTables, home: ExportFolder | None) -> None:  # noqa: B027  (not every target needs it)
        """Check limits and prepare tables; called once, before records are read.

        Raises ExportConfigurationError if the study does not fit the target.
        """

    @abstractmethod
    def write_batch(self, batch: Batch) -> None:
        """Write one batch; called with the same batch again after a temporary failure, and must not write it twice."""

    @abstractmethod
    def flush(self) -> None:
        """Make everything written visible in the target, all or nothing."""

    @abstractmethod
    def close(self) -> None:
        """Release the target; whatever was not flushed is discarded."""

    def end_table(self, table: Table) -> None:  # noqa: B027  (not every target needs it)
        """Finish a table; called after its last batch."""

    def kept_batches(self, kept: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002  (for sinks that need it)
        """Batches with rows of earlier runs that must be written again, because they share a table with this run's.

        Args:
            kept: keys of the tables of earlier runs that stay in the target beside those of this run.
        """
        return iter(())

    def end_forms(self, kept: Collection[str]) -> None:  # noqa: B027  (not every target needs it)
        """Finish the forms; called after the last of them, before the tables of the export itself.

        Args:
            kept: keys of the tables of earlier runs that stay in the target beside those of this run.
        """

    def earlier_rows(self, table: Table) -> Iterator[Sequence[Any]]:  # noqa: ARG002  (for sinks that can)
        """The rows that a table of the export itself, such as the dictionary, has before this run."""
        return iter(())

    def give_up(self, table: Table) -> bool:  # noqa: ARG002  (for sinks that can)
        """Remove what was written of a table that failed; return whether that was possible.

        If it was, the other tables are written all the same, and the export reports this one as missing.
        """
        return False

    def transient(self, error: BaseException) -> bool:
        """Whether an error is temporary, so that the batch is written again; by default any `OSError` of a server."""
        return isinstance(error, OSError) and not self.files

    def explain(self, error: BaseException) -> str:
        """What went wrong in the target and what to do next; never quotes a cell or a password."""
        return f"{type(error).__name__}. Next: check that the target accepts writes, then run the export again"

    def lost(self, table: Table, row: Any, column: str, value: str | None, reason: str) -> None:
        """Record a cell that the target could not hold as it is."""
        self.losses.append(Issue(table.key, row, column, value, reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def call_with_retries(
    sink: ExportSink, batch_id: str, work: Callable[[], None], max_retries: int, backoff: float
) -> None:
    """Call `work`, and call it again after a temporary failure of the sink.

    Args:
        sink: the sink whose `transient` and `explain` judge a failure.
        batch_id: the batch, for the error message.
        work: the call that writes.
        max_retries: number of further attempts.
        backoff: seconds to wait after the first failure, roughly; later waits are longer, up to 30 seconds.

    Raises:
        ExportBatchError: all attempts failed.
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
        attempted = f" ({attempts} attempts)" if attempts > 1 else ""
        if isinstance(error, sink.foreign):
            raise ExportBatchError(batch_id, f"{sink.explain(error)}{attempted}") from None
        raise ExportBatchError(batch_id, f"{ExportSink.explain(sink, error)}{attempted}") from error


_SECRET = re.compile(r"(?i)(password|passwd|pwd|token|secret|key)=([^&;\s]+)")


def _redact_uri(uri: str) -> str:
    """A connection string with user, password and secret parameters masked, for messages and logs.

    >>> _redact_uri("postgresql://app:s3cret@db.example.org/x?password=y")
    'postgresql://***@db.example.org/x?password=***'
    """
    # Everything up to the last `@` is masked, because a password may itself contain one.
    return _SECRET.sub(r"\1=***", re.sub(r"://.*@", "://***@", uri, flags=re.DOTALL))
