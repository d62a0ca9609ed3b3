"""Print which files and functions of this package a call passes: how long the way is that somebody must follow.

    python scripts/trace_call.py list      # sdk.records.list
    python scripts/trace_call.py export    # a Parquet export of one form
    python scripts/trace_call.py write     # one record, planned, sent, waited for and read back

The second call of a program is traced, without the sandbox and without what runs while a module is imported.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import imednet
from imednet import ImednetSDK
from imednet.sandbox import Sandbox

PACKAGE = Path(imednet.__file__).parent
STUDY = "TIDEWATER-201"


def read_list(sdk: ImednetSDK) -> None:
    """Read the records of one form."""
    sdk.records.list(STUDY, form_key="AE")


def export(sdk: ImednetSDK) -> None:
    """Export one form as Parquet."""
    from imednet.integrations import export_to_parquet

    with tempfile.TemporaryDirectory() as folder:
        export_to_parquet(sdk, STUDY, f"{folder}/out", forms=["AE"])


def write(sdk: ImednetSDK) -> None:
    """Write one record."""
    answers = {"AENUM": 9, "AETERM": "Cough"}
    sdk.workflows.record_update.create_new_record(f"{STUDY}-DEV", "AE", "301-901", answers)


CALLS = {"list": read_list, "export": export, "write": write}


def traced(call: Callable[[], None]) -> set[CodeType]:
    """Every function of the package, but for the sandbox, that a call runs in any thread."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return {code for code in seen if _counts(code)}


def _counts(code: CodeType) -> bool:
    file = Path(code.co_filename)
    if not file.is_relative_to(PACKAGE) or file.is_relative_to(PACKAGE / "sandbox"):
        return False
    return code.co_name not in ("<module>", "<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>") and not (
        code.co_flags & 0x0004 == 0 and code.co_name == code.co_qualname.rpartition(".")[2] and _is_class_body(code)
    )


def _is_class_body(code: CodeType) -> bool:
    """Whether this is the body of a class, which runs when its module is imported."""
    return "__module__" in code.co_names and "__qualname__" in code.co_names


def main() -> None:
    """Trace one call and print its way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call", choices=CALLS)
    parser.add_argument("--names", action="store_true", help="print every function")
    parser.add_argument("--cold", action="store_true", help="trace the first call, which also connects and imports")
    options = parser.parse_args()
    with Sandbox(switches={"jobSeconds": "0"}) as box, ImednetSDK(**box.credentials) as sdk:
        if not options.cold:
            CALLS[options.call](sdk)
        codes = traced(lambda: CALLS[options.call](sdk))
    files: dict[str, list[str]] = {}
    for code in codes:
        files.setdefault(Path(code.co_filename).relative_to(PACKAGE).as_posix(), []).append(code.co_qualname)
    for file, names in sorted(files.items()):
        print(f"{len(names):4} {file}")
        if options.names:
            print("".join(f"       {name}\n" for name in sorted(names)), end="")
    print(f"{len(files)} files, {len(codes)} functions")


if __name__ == "__main__":
    main()
