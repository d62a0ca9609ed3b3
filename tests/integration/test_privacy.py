"""A key appears nowhere, ever; a subject's answer only where data belong.

Keys and answers are planted, everything that can go wrong is made to go wrong, and every text that comes out on the way
is searched: messages, representations, logs, pickles, tracebacks, file names, the command's output.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imednet.config import Config
from imednet.core.client import Client
from imednet.errors import ImednetError
from imednet.integrations import export_to_csv
from imednet.sandbox import Answer, Sandbox
from imednet.sdk import ImednetSDK
from support import STUDY, Ways

KEY = "PLANTED-api-key-5f1c"
OTHER = "PLANTED-security-key-77aa"
ANSWER = "PLANTED answer of a subject"

VENDOR = (
    b'{"metadata":{"status":"BAD_REQUEST","error":{"code":"1000","description":"bad value PLANTED answer of a subject",'
    b'"field":{"attribute":"filter","value":"PLANTED answer of a subject"}}}}'
)


def planted(own_box: Callable[..., Sandbox], **options: Any) -> Sandbox:
    box = own_box(**options)
    box.api._visibility[(KEY, OTHER)] = "all"
    for place in range(50):
        box.studies[STUDY].records.change(place, recordData={"AETERM": ANSWER, ANSWER: "as a name"})
    return box


FAILURES: dict[str, Callable[[Any, Any], Answer]] = {
    "400": lambda *_: Answer(400, VENDOR),
    "401": lambda *_: Answer(401, VENDOR),
    "403": lambda *_: Answer(403, VENDOR),
    "500": lambda *_: Answer(500, ANSWER.encode()),
    "cut": lambda request, answer: Answer(200, answer(request).body[:-40]),
    "web page": lambda *_: Answer(200, f"<html>{ANSWER} {KEY}</html>".encode()),
    "hidden": lambda *_: Answer(200, VENDOR),
    "no page": lambda *_: Answer(200, f'["{ANSWER}"]'.encode()),
    "no pagination": lambda *_: Answer(200, f'{{"data":[{{"recordId":1,"recordData":{{"A":"{ANSWER}"}}}}]}}'.encode()),
}


def texts_of(error: BaseException) -> str:
    """Everything that error handling prints or stores of an error."""
    whole = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), str(error.args), whole, repr(pickle.dumps(error))])


def assert_clean(text: str) -> None:
    assert KEY not in text
    assert OTHER not in text
    assert ANSWER not in text
    assert "PLANTED" not in text


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_key_or_an_answer(
    own_box: Callable[..., Sandbox], door: Ways, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box = planted(own_box, intercept=FAILURES[failure])
    sdk = door(box, api_key=KEY, security_key=OTHER, retries=1)
    for arguments in ({}, {"raw": True}):
        with pytest.raises(ImednetError) as caught:
            sdk.call("records.list", STUDY, **arguments)
        assert_clean(texts_of(caught.value))
    assert_clean("\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records))


@pytest.mark.parametrize("fails", [False, True])
def test_values_of_filters_stand_in_no_log_and_no_message(
    own_box: Callable[..., Sandbox], door: Ways, fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A filter may hold an answer; httpx logs the address of every request. The server gets it whole all the same."""
    caplog.set_level(logging.DEBUG)
    box = planted(own_box, intercept=(lambda *_: Answer(500, VENDOR)) if fails else None)
    sdk = door(box, api_key=KEY, security_key=OTHER, retries=0)
    arguments = {"record_data_filter": f'AETERM=="{ANSWER}"', "raw": True}
    if fails:
        with pytest.raises(ImednetError) as caught:
            sdk.call("records.list", STUDY, **arguments)
        assert_clean(texts_of(caught.value))
    else:
        assert len(sdk.call("records.list", STUDY, **arguments)) == 50
    assert ANSWER in dict(box.requests[0].query)["recordDataFilter"]
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "recordDataFilter=***" in text
    assert_clean(text)


def test_filters_that_cannot_be_sent_do_not_tell_their_value(own_box: Callable[..., Sandbox], door: Ways) -> None:
    sdk = door(planted(own_box), api_key=KEY, security_key=OTHER)
    for arguments in (
        {"subject_key": f"{ANSWER}\n"},
        {"filters": {"x": f"'\"{ANSWER}"}},
        {"record_data_filter": f"A=={ANSWER};B==1,C==2"},
        {"record_data_filter": f"A=={ANSWER}\x00"},
        {"filter": f"A=={ANSWER}\n"},
    ):
        with pytest.raises(ImednetError) as caught:
            sdk.call("records.list", STUDY, **arguments)
        assert_clean(texts_of(caught.value))


def test_no_representation_tells_a_key_or_an_answer(own_box: Callable[..., Sandbox]) -> None:
    box = planted(own_box)
    with ImednetSDK(KEY, OTHER, box.url) as sdk:
        rows = sdk.records.list(STUDY)
        assert rows[0].record_data is not None
        assert rows[0].record_data["AETERM"] == ANSWER
        things: list[Any] = [sdk, sdk.config, sdk.records, rows, rows[0], rows.proof, sdk._client, sdk._client.auth]
        things += [Config(KEY, OTHER), Client(KEY, OTHER), sdk.records.iter(STUDY), sdk.records.pages(STUDY)]
        for thing in things:
            assert_clean(f"{thing!r} {thing!s}")
        assert ANSWER.encode() in pickle.dumps(rows)
        assert KEY.encode() not in pickle.dumps(rows)


def test_files_hold_answers_and_no_keys_and_names_hold_neither(own_box: Callable[..., Sandbox], tmp_path: Path) -> None:
    box = planted(own_box)
    with ImednetSDK(KEY, OTHER, box.url) as sdk:
        report = export_to_csv(sdk, STUDY, tmp_path / "x")
    assert_clean(repr(report.folder) + " ".join(path.name for path in report.folder.iterdir()))
    assert_clean(repr(report))
    whole = b"".join(path.read_bytes() for path in report.folder.iterdir() if path.suffix == ".csv")
    assert ANSWER.encode() in whole
    for path in report.folder.iterdir():
        assert KEY.encode() not in path.read_bytes()


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("words", [("records", "list", STUDY), ("export", "csv", STUDY, "x"), ("check", STUDY)])
def test_the_command_tells_neither(
    own_box: Callable[..., Sandbox], failure: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    box = planted(own_box, intercept=FAILURES[failure])
    done = run(box, words, tmp_path)
    assert done.returncode == 1
    assert_clean(done.stdout + done.stderr)


def test_the_command_prints_answers_only_where_data_are_asked_for(
    own_box: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = planted(own_box)
    listed = run(box, ("records", "list", STUDY), tmp_path)
    assert ANSWER in listed.stdout
    assert_clean(listed.stderr)
    exported = run(box, ("export", "csv", STUDY, "x"), tmp_path)
    assert exported.returncode == 0
    assert_clean(exported.stdout + exported.stderr)
    assert_clean(run(box, ("check", STUDY), tmp_path).stdout)


def test_a_crash_shows_no_local_variables(box: Sandbox, tmp_path: Path) -> None:
    """Even a mistake of our own prints a plain traceback."""
    code = (
        "from imednet.sdk import ImednetSDK\n"
        "def crash(self, *a, **k): raise RuntimeError('a mistake')\n"
        "ImednetSDK.__enter__ = crash\n"
        "from imednet.cli import main; main()"
    )
    environment = {
        "PATH": os.environ["PATH"], "IMEDNET_API_KEY": KEY, "IMEDNET_SECURITY_KEY": OTHER, "IMEDNET_BASE_URL": box.url,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, "check"], capture_output=True, text=True, env=environment, check=False
    )
    assert "a mistake" in done.stderr
    assert_clean(done.stdout + done.stderr)


def run(box: Sandbox, words: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "IMEDNET_API_KEY": KEY, "IMEDNET_SECURITY_KEY": OTHER, "IMEDNET_BASE_URL": box.url,
    }  # fmt: skip
    code = "from imednet import constants; import imednet.sdk as s; from imednet.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
