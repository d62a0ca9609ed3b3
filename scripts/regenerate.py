"""Make generated/imednet_api from openapi/imednet.yaml, or check that it is up to date.

The generator and the formatter are pinned exactly and live in an environment of their own (.generator/ in the
checkout), because custom templates are no public interface of the generator.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "openapi" / "imednet.yaml"
TEMPLATES = ROOT / "generator-templates"
RUNTIME = TEMPLATES / "runtime"
"""Hand-written modules of the generated package, copied as they are."""
TARGET = ROOT / "generated" / "imednet_api"
PINS = ("openapi-python-client==0.29.1", "ruff==0.17.6")


def tools() -> Path:
    """The folder of the pinned commands, installed at first use."""
    home = ROOT / ".generator"
    commands = home / ("Scripts" if os.name == "nt" else "bin")
    stamp = home / "pins"
    if not stamp.exists() or stamp.read_text() != "\n".join(PINS):
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        python = commands / ("python.exe" if os.name == "nt" else "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        stamp.write_text("\n".join(PINS))
    return commands


def generate(target: Path, spec: Path = SPEC, commands: Path | None = None) -> None:
    """Write the client for `spec` to `target`, which is replaced only when everything went well."""
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not _is_ours(target))):
        sys.exit(f"{target} holds something that was not generated here: choose another --target")
    commands = commands or tools()
    with tempfile.TemporaryDirectory() as scratch:  # outside any project, so that no settings are picked up
        made = Path(scratch) / TARGET.name
        done = subprocess.run(
            [
                commands / "openapi-python-client",
                "generate",
                "--path", spec,
                "--output-path", made,
                "--meta", "none",
                "--fail-on-warning",
                "--custom-template-path", TEMPLATES,
                "--config", TEMPLATES / "config.yml",
            ],
            check=False,
            cwd=scratch,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\nthe generator failed; nothing was changed")
        for module in ("client.py", "errors.py"):  # the client lives in src/imednet
            (made / module).unlink()
        for source in RUNTIME.glob("*.py"):
            header = f"# Copied from generator-templates/runtime/{source.name}. Do not edit: run `nox -s generate`.\n"
            (made / source.name).write_text(header + source.read_text("utf-8"), "utf-8")
        (made / "py.typed").touch()
        shutil.rmtree(made / ".ruff_cache", ignore_errors=True)
        _check_whole(made, commands)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(made, fresh, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)


def _is_ours(folder: Path) -> bool:
    package = folder / "__init__.py"
    return package.exists() and package.read_text("utf-8").startswith("# Generated from openapi/")


CHECK = """
import sys
from imednet_api import api, models
wanted_operations, wanted_models = map(int, sys.argv[1:])
operations = api.operations()
assert len(operations) == wanted_operations, f"{len(operations)} operations of {wanted_operations}: do names clash?"
homes = models._MODULES
found = len(set(homes.values()))
assert len(homes) == found == wanted_models, f"{found} models of {len(homes)}: do names clash?"
for name in models.__all__:
    fields = getattr(getattr(models, name), "FIELDS", {})
    assert len(set(fields.values())) == len(fields), f"{name}: two fields have one attribute"
"""


def _check_whole(made: Path, commands: Path) -> None:
    """Import everything that was made, and count: a name clash would silently drop an operation or a model."""
    files = [path for path in made.rglob("*.py") if path.name != "__init__.py"]
    wanted_models = sum(path.parent.name == "models" for path in files)
    wanted_operations = sum(path.parent.parent.name == "api" for path in files)
    described = _described_operations(made)
    python = commands / ("python.exe" if os.name == "nt" else "python")
    done = subprocess.run(
        [python, "-c", CHECK, str(max(wanted_operations, described)), str(wanted_models)],
        cwd=made.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stderr}\nthe generated client is not whole; nothing was changed")


def _described_operations(made: Path) -> int:
    """Entries of the registry as they were written, clashes included."""
    registry = (made / "api" / "__init__.py").read_text("utf-8")
    return registry.count('": ".')


def differences(left: Path, right: Path) -> list[str]:
    """Files that are not byte-equal in both trees."""

    def files(root: Path) -> set[str]:
        found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return {path.as_posix() for path in found if "__pycache__" not in path.parts}

    ours, theirs = files(left), files(right)
    changed = {name for name in ours & theirs if not filecmp.cmp(left / name, right / name, shallow=False)}
    return sorted((ours ^ theirs) | changed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 when the tree is stale")
    parser.add_argument("--spec", type=Path, default=SPEC, help="description to read (default: openapi/imednet.yaml)")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder to write (default: generated/imednet_api)")
    parser.add_argument(
        "--tools", type=Path, help="folder of a generator and a ruff to use in place of the pinned ones"
    )
    options = parser.parse_args()
    if not options.check:
        generate(options.target.resolve(), options.spec.resolve(), options.tools)
        print(f"wrote {options.target}")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / TARGET.name
        generate(fresh, options.spec.resolve())
        stale = differences(fresh, options.target.resolve())
    for name in stale:
        print(f"stale: {name}")
    print("generated code is out of date: run `nox -s generate`" if stale else "generated code is up to date")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
