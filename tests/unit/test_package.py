"""What the package loads, ships and says of itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import imednet
import imednet_api

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = [
    "pyarrow",
    "pandas",
    "numpy",
    "duckdb",
    "sqlalchemy",
    "pymongo",
    "neo4j",
    "snowflake",
    "rich",
    "typer",
    "click",
]


def loaded_by(code: str) -> set[str]:
    """Modules a fresh process has after running the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules))"],
        capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return set(done.stdout.split())


def test_the_sandbox_shares_nothing_with_the_client() -> None:
    modules = loaded_by("import imednet.sandbox; imednet.sandbox.Sandbox().answer")
    assert not {
        name for name in modules if name.split(".")[0] in ("imednet_api", "httpx", "attrs", "tenacity", "msgspec")
    }
    ours = {name for name in modules if name.startswith("imednet.") and not name.startswith("imednet.sandbox")}
    assert ours == {"imednet._lazy"}  # what loads the names of the package


def test_importing_the_package_loads_no_optional_library() -> None:
    assert not loaded_by("import imednet") & set(OPTIONAL)
    doors = ("from imednet import *", "import imednet; imednet.ImednetSDK('k', 's')", "import imednet.async_sdk")
    of_httpx = loaded_by("import httpx")  # it loads rich and click for its own command where they are installed
    for code in (*doors, "from imednet.sdk import ImednetSDK", "from imednet.core.client import Client"):
        assert not (loaded_by(code) - of_httpx) & set(OPTIONAL), code
    assert not loaded_by("import imednet") & {"httpx", "attrs", "tenacity", "imednet.core", "imednet_api"}
    assert not loaded_by("import imednet.errors") & {"httpx", "imednet.core", "imednet_api"}
    assert not loaded_by("import imednet.integrations") & set(OPTIONAL)
    assert not loaded_by("import imednet.cli.app") & {"pyarrow", "pandas", "httpx", "imednet.core"}


def test_every_public_name_is_there_and_no_other_is() -> None:
    assert imednet.__all__ == tuple(sorted(imednet.__all__, key=lambda name: (name.islower(), name)))
    for name in imednet.__all__:
        assert getattr(imednet, name) is not None
        assert name in dir(imednet)
    assert imednet.ImednetClient is imednet.ImednetSDK
    with pytest.raises(AttributeError, match="has no attribute 'ImedNetSDK'"):
        imednet.ImedNetSDK  # noqa: B018


@pytest.mark.skipif(not os.environ.get("IMEDNET_TEST_INSTALLED"), reason="not run by `nox -s tests`")
def test_the_suite_runs_against_the_built_wheel() -> None:
    for package in (imednet, imednet_api):
        assert package.__file__ is not None
        home = Path(package.__file__)
        assert not home.is_relative_to(ROOT / "src")
        assert not home.is_relative_to(ROOT / "generated")
        assert (home.parent / "py.typed").exists()
    assert Path(str(imednet.__file__)).parent.joinpath("sandbox", "invent", "design.json").exists()


def test_the_readme_has_one_command_to_try_and_one_to_test() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for heading, command in (("## Try it", "try"), ("## Test it", "test")):
        section = text.split(f"{heading}\n")[1].split("\n## ")[0]
        blocks = re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)
        assert blocks == [f"python3 scripts/bootstrap.py {command}\n"]


def test_the_readme_s_example_runs() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    example = next(block for block in blocks if "Sandbox(" in block)
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True)
    assert done.stdout == "48 proven\n"
    five = next(block for block in blocks if "Sandbox(" not in block)
    around = (
        "import os\nfrom imednet.sandbox import Sandbox\nwith Sandbox() as box:\n"
        "    for name, value in box.credentials.items(): os.environ[f'IMEDNET_{name.upper()}'] = value\n"
    ) + "".join(f"    {line}\n" for line in five.replace("ABC-01", "TIDEWATER-201").splitlines())
    done = subprocess.run([sys.executable, "-c", around], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 40


def test_no_file_of_the_project_is_too_long_to_read() -> None:
    """What a person wrote: the twin that a script writes below it does not count."""
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        written, _, _ = path.read_text("utf-8").partition("\n# ---- blocking twin")
        assert len(written.splitlines()) <= 600, path


def test_an_sdk_loads_little_more_than_httpx() -> None:
    """Making an SDK costs what importing httpx costs and some forty small modules of ours; the bench has the times."""
    modules = loaded_by("from imednet import ImednetSDK; ImednetSDK('k', 's')") - loaded_by("import httpx")
    ours = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name.partition(".")[0] for name in ours} == {"imednet", "imednet_api"}
    assert len(ours) <= 42
