"""Versions of a `StudyConfiguration`, each of which names the one before it by its hash.

A version that was changed, taken out of the middle or put in is found. The last ones can be cut off unseen, and who
computes all hashes anew is not found either, unless the last digest is written down elsewhere. Where versions are kept
is not decided here; they are plain values that go to JSON and back.

>>> saved = {"author": "ada", "reason": "start", "moment": "2026-03-01T08:00:00Z"}
>>> first = next_version([], StudyConfiguration("S-1"), **saved)
>>> second = next_version([first], StudyConfiguration("S-2"), **saved)
>>> second.number, second.previous == first.digest, broken_link([first, second])
(2, True, None)
>>> differences(first.configuration, second.configuration)
[Difference(path='study_key', before='"S-1"', after='"S-2"')]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ..errors import ArgumentError, ConfigurationError
from ..utils.settings_file import plain_table, read_json
from .study_config import StudyConfiguration

_FIELDS = ("number", "moment", "author", "reason", "previous", "digest", "configuration")


@attrs.frozen
class ConfigurationVersion:
    """A configuration as it was saved.

    Attributes:
        number: 1 for the first version.
        moment: when it was saved (UTC, ISO 8601).
        author, reason: who saved it, and why.
        previous: the digest of the version before it; empty for the first.
        digest: SHA-256 over all the other fields.
        configuration: the configuration.
    """

    number: int
    moment: str
    author: str
    reason: str
    previous: str
    digest: str
    configuration: StudyConfiguration

    def to_json(self) -> str:
        """The version as one line of JSON in ASCII, which `from_json` reads again."""
        return json.dumps({**_signed(self), "digest": self.digest})

    @classmethod
    def from_json(cls, text: str) -> ConfigurationVersion:
        """A version from JSON. Raises ConfigurationError where it is none; the digest is not checked."""
        entry = plain_table(read_json(text, "the version"), "the version", _FIELDS)
        if missing := [name for name in _FIELDS if name not in entry]:
            raise ConfigurationError(f"the version lacks {', '.join(missing)}")
        return cls(**{**entry, "configuration": StudyConfiguration.from_dict(entry["configuration"])})


@attrs.frozen
class Difference:
    """A value that differs between two configurations.

    Attributes:
        path: where it is, such as `mappings.adverse_events.fields.term`.
        before, after: the values as JSON writes them; `None` where there is none.
    """

    path: str
    before: str | None
    after: str | None


def next_version(
    versions: Sequence[ConfigurationVersion],
    configuration: StudyConfiguration,
    *,
    author: str,
    reason: str,
    moment: str,
) -> ConfigurationVersion:
    """The version that follows others. To restore an earlier one, give its configuration.

    Raises:
        ArgumentError: nobody is named as its author, or no reason is given.
        ConfigurationError: the versions before it are not as they were saved.
    """
    if not author.strip() or not reason.strip():
        raise ArgumentError("a version needs an author and a reason")
    if (broken := broken_link(versions)) is not None:
        raise ConfigurationError(f"version {broken} is not as it was saved; restore the file from a backup first")
    previous = versions[-1].digest if versions else ""
    made = ConfigurationVersion(
        len(versions) + 1, moment, author.strip(), reason.strip(), previous, "", configuration
    )  # fmt: skip
    return attrs.evolve(made, digest=_digest(made))


def broken_link(versions: Sequence[ConfigurationVersion]) -> int | None:
    """The number of the first version that is not as it was saved, or does not follow the one before it."""
    previous = ""
    for place, version in enumerate(versions, 1):
        if version.number != place or version.previous != previous or version.digest != _digest(version):
            return place
        previous = version.digest
    return None


def differences(before: StudyConfiguration, after: StudyConfiguration) -> list[Difference]:
    """What differs between two configurations, in the order of its places."""
    old, new = dict(_leaves(before.to_dict())), dict(_leaves(after.to_dict()))
    paths = sorted({*old, *new})
    return [Difference(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if not parts and path:
        yield path, json.dumps(value, ensure_ascii=False)
        return
    for name, part in parts or ():
        yield from _leaves(part, f"{path}.{name}" if path else str(name))


def _signed(version: ConfigurationVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "moment": version.moment,
        "author": version.author,
        "reason": version.reason,
        "previous": version.previous,
        "configuration": version.configuration.to_dict(),
    }


def _digest(version: ConfigurationVersion) -> str:
    text = json.dumps(_signed(version), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
