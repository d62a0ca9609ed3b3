"""Results of earlier runs, kept in a CSV file: one row a group, an indicator and a day. It holds no answers."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from ....errors import ConfigurationError
from ....utils import disk
from .snapshots import Result

_COLUMNS = tuple(field.name for field in fields(Result))


def read_history(path: str | Path) -> list[Result]:
    """The results in a file; none where there is no file yet.

    Raises:
        ConfigurationError: it is not such a file.
    """
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"cannot read {file}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ConfigurationError(f"{file} holds no results of indicators. Next: name another file")
    try:
        results = [_result(row) for row in reader]
        if not all(map(math.isfinite, (number for one in results for number in (one.numerator, one.denominator)))):
            raise ValueError
        return results
    except (TypeError, ValueError):
        raise ConfigurationError(f"{file}, line {reader.line_num}: not a result of an indicator") from None


def keep(path: str | Path, results: Iterable[Result]) -> None:
    """Add results to a file; those of the same study, level, day and indicator take the place of earlier ones."""
    new = list(results)
    file = Path(path)
    try:
        lock = disk.Lock(file.with_name(f".{file.name}.lock"))
    except disk.InUseError:
        raise ConfigurationError(f"{file} is being written by another run. Next: start this one again") from None
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from None
    try:
        _rewrite(file, new)
    finally:
        lock.release()


def _rewrite(file: Path, new: list[Result]) -> None:
    taken = {(one.study, one.level, one.day, one.indicator) for one in new}
    kept = [one for one in read_history(file) if (one.study, one.level, one.day, one.indicator) not in taken]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in [*kept, *new])
    disk.write_whole(file, text.getvalue())


def _result(row: dict[str, str]) -> Result:
    if None in row.values() or None in row:
        raise ValueError("a line is cut off")
    return Result(
        row["study"], row["indicator"], row["level"], row["group"], row["day"], float(row["numerator"]),
        float(row["denominator"]), float(row["metric"]), float(row["score"]) if row["score"] else None,
        int(row["flag"]) if row["flag"] else None,
    )  # fmt: skip
