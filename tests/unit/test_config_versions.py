"""Versions of a configuration: what was changed afterwards is found, and differences name their place."""

from __future__ import annotations

import attrs
import pytest

from imednet.errors import ArgumentError, ConfigurationError
from imednet.models.config_versions import (
    ConfigurationVersion,
    Difference,
    broken_link,
    differences,
    next_version,
)
from imednet.models.study_config import StudyConfiguration


def configuration(term: str) -> StudyConfiguration:
    return StudyConfiguration.from_dict(
        {"mappings": {"adverse_events": {"form": "AE", "fields": {"term": term, "onset": "AESTDAT"}}}}
    )


@pytest.fixture
def versions() -> list[ConfigurationVersion]:
    made: list[ConfigurationVersion] = []
    for day, term in enumerate(("AETERM", "AEDECOD", "AETERM"), 1):
        moment = f"2026-03-0{day}T08:00:00Z"
        made.append(next_version(made, configuration(term), author="ada", reason="a reason", moment=moment))
    return made


def test_versions_read_again_are_whole_and_one_line_each(versions: list[ConfigurationVersion]) -> None:
    odd = next_version(
        versions, configuration("AETERM"), author="Zoë\u2028\ud800", reason="x\ny", moment="2026-03-04T08:00:00Z"
    )
    lines = [version.to_json() for version in (*versions, odd)]
    assert all(len(line.splitlines()) == 1 for line in lines)
    again = [ConfigurationVersion.from_json(line) for line in lines]
    assert again == [*versions, odd]
    assert broken_link(again) is None


@pytest.mark.parametrize(
    "change",
    [{"author": "eve"}, {"reason": "other"}, {"moment": "2020-01-01T00:00:00Z"}, {"number": 7}, {"previous": ""},
     {"digest": "0" * 64}, {"configuration": StudyConfiguration("S-9")}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_any_change_of_a_saved_version_is_found(
    versions: list[ConfigurationVersion], change: dict[str, object]
) -> None:
    versions[1] = attrs.evolve(versions[1], **change)  # type: ignore[arg-type]
    assert broken_link(versions) == 2
    with pytest.raises(ConfigurationError, match="version 2 is not as it was saved"):
        next_version(versions, configuration("AETERM"), author="ada", reason="r", moment="2026-03-05T08:00:00Z")


def test_a_version_that_was_taken_out_or_put_elsewhere_is_found(versions: list[ConfigurationVersion]) -> None:
    assert broken_link([versions[0], versions[2]]) == 2
    assert broken_link([versions[1], versions[0], versions[2]]) == 1


def test_a_version_needs_an_author_a_reason_and_all_its_parts(versions: list[ConfigurationVersion]) -> None:
    for author, reason in (("", "r"), ("ada", "  ")):
        with pytest.raises(ArgumentError, match="an author and a reason"):
            next_version(versions, configuration("AETERM"), author=author, reason=reason, moment="m")
    with pytest.raises(ConfigurationError, match="lacks moment"):
        ConfigurationVersion.from_json('{"number": 1}')


def test_differences_name_places_and_values(versions: list[ConfigurationVersion]) -> None:
    one, two, three = (version.configuration for version in versions)
    assert differences(one, two) == [
        Difference("mappings.adverse_events.fields.term", '"AETERM"', '"AEDECOD"'),
    ]
    assert differences(one, three) == []
    gone = differences(one, StudyConfiguration())
    assert Difference("mappings.adverse_events.form", '"AE"', None) in gone
