"""What is kept between visits: added and never changed, by one person or several at once, without keys or answers."""

from __future__ import annotations

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imednet.errors import ArgumentError, ConfigurationError
from imednet.models.study_config import StudyConfiguration
from imednet_streamlit.store import Store
from support import STUDY


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    Store(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert sorted(path.name for path in folder.iterdir()) == ["digest.key", "workbench.sqlite"]


@pytest.mark.parametrize("table", ["figures", "reviews", "versions", "reports"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET study = 'X'"])
def test_an_entry_is_never_changed(tmp_path: Path, table: str, change: str) -> None:
    store = Store(tmp_path)
    store.keep_figures("p", STUDY, "home", "2026-01-01T00:00:00Z", {"open": 1})
    store.review(STUDY, "p", "ada", [(1, "AE", "m")], "reviewed")
    store.save_version(STUDY, StudyConfiguration(STUDY), "ada", "start", after=0)
    store.keep_report(STUDY, "ada", "html", "queries", "2026-01-01", b"x")
    with sqlite3.connect(tmp_path / "workbench.sqlite") as base, pytest.raises(sqlite3.IntegrityError):
        base.execute(change.format(table))
    base.close()


def test_figures_are_those_of_the_visit_before(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.figures_before("p", STUDY, "home", "2026-01-02") is None
    store.keep_figures("p", STUDY, "home", "2026-01-01", {"open": 4})
    store.keep_figures("p", STUDY, "home", "2026-01-02", {"open": 6})
    store.keep_figures("p", STUDY, "home", "2026-01-02", {"open": 99})  # the same visit: kept once
    assert store.figures_before("p", STUDY, "home", "2026-01-02") == ("2026-01-01", {"open": 4})
    assert store.figures_before("p", STUDY, "home", "2026-01-03") == ("2026-01-02", {"open": 6})
    for other in (("q", STUDY, "home"), ("p", "OTHER", "home"), ("p", STUDY, "sites")):
        assert store.figures_before(*other, "2026-01-03") is None


def test_who_reads_with_other_keys_is_somebody_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names = {store.digest("a", "b", "ada"), store.digest("a", "c", "ada"), store.digest("a", "b", "bob")}
    assert len(names) == 3
    assert store.digest("a", "b", "ada") == Store(tmp_path).digest("a", "b", "ada")
    assert Store(tmp_path / "other").digest("a", "b", "ada") not in names


def test_a_version_is_not_saved_over_one_that_was_not_seen(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.save_version(STUDY, StudyConfiguration(STUDY), "ada", "start", after=0)
    assert first is not None
    assert first.number == 1
    assert store.save_version(STUDY, StudyConfiguration(), "bob", "meanwhile", after=0) is None
    second = store.save_version(STUDY, StudyConfiguration(), "bob", "seen", after=1)
    assert second is not None
    assert second.previous == first.digest
    assert [one.author for one in store.versions(STUDY)] == ["ada", "bob"]
    assert store.versions("OTHER") == []
    with pytest.raises(ArgumentError, match="reason"):
        store.save_version(STUDY, StudyConfiguration(), "bob", " ", after=2)


def test_several_at_once_lose_nothing(tmp_path: Path) -> None:
    def work(number: int) -> int:
        store = Store(tmp_path)
        return store.review(STUDY, f"p{number}", "ada", [(record, "AE", "m") for record in range(50)], "reviewed")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(16))) == 800
    entries = Store(tmp_path).reviews(STUDY)
    assert [entry.number for entry in entries] == list(range(1, 801))
    assert len(Store(tmp_path).reviews(STUDY, "p3")) == 50


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "workbench.sqlite").write_bytes(b"something else entirely, and not short" * 100)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Store(tmp_path)
    assert (tmp_path / "workbench.sqlite").read_bytes().startswith(b"something else")


def test_a_key_of_digests_that_is_cut_is_refused(tmp_path: Path) -> None:
    Store(tmp_path)
    (tmp_path / "digest.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="backup"):
        Store(tmp_path)
