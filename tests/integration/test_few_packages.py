"""With httpx, attrs, tenacity and certifi alone, as in a Python function of a warehouse, the SDK imports and lists."""

from __future__ import annotations

import json
import subprocess
import sys

from imednet.sandbox import Sandbox
from support import STUDY

CODE = """
import json, sys
ALLOWED = {"httpx", "httpcore", "h11", "anyio", "sniffio", "idna", "certifi", "attr", "attrs", "tenacity",
           "typing_extensions", "imednet", "imednet_api"}


class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Nothing())
from imednet import ImednetSDK

with ImednetSDK(*sys.argv[1:4]) as sdk:
    rows = sdk.records.list(sys.argv[4], form_key="AE", raw=True)
    print(json.dumps([len(rows), rows.proof.status, len(sdk.records.list(sys.argv[4]))]))
assert not {"msgspec", "typer", "rich", "pandas", "pyarrow"} & set(sys.modules)
"""


def test_four_packages_are_enough_to_list(box: Sandbox) -> None:
    keys = box.credentials
    command = [sys.executable, "-c", CODE, keys["api_key"], keys["security_key"], box.url, STUDY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = box.studies[STUDY].rows("records")
    assert json.loads(done.stdout) == [sum(r["formKey"] == "AE" for r in rows), "proven", len(rows)]
