"""`imednet sandbox serve|manifest|describe`: the sandbox as a server, what its study holds, what can be switched.

The global option `--sandbox`, which starts one for a single command, is in `connection`.
"""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..command_group import CommandGroup
from ..output import print_message

if TYPE_CHECKING:
    from ...sandbox import Dialect, Sandbox

app = CommandGroup("A local server with an invented study.")

SizeOption = Annotated[str, typer.Option(help="demo: 2,800 records; medium: 66,000; large: a million.")]
ProfileOption = Annotated[
    str | None, typer.Option(help="Instead of a size: a study made to break one thing, such as wide; see `describe`.")
]
SeedOption = Annotated[int | None, typer.Option(help="The same seed gives the same data.", show_default=False)]


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="An address of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 0,
    size: SizeOption = "demo",
    profile: ProfileOption = None,
    seed: SeedOption = None,
    dialect: Annotated[
        str | None,
        typer.Option(help="documented; or live, for what the real server seems to do.", show_default="documented"),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="Answer like the server of this report of `imednet probe`.", show_default=False),
    ] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Accept what the strict server refuses.")] = False,
    switch: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set one switch; may be repeated.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORDS", help='Fault to inject, such as "status GET records nth=3 status=429"; may be repeated.'
        ),
    ] = None,
) -> None:
    """Serve until interrupted; the first line printed holds the address.

    imednet sandbox serve --port 8080 --dialect live --switch jobStates=unknown --fault "reset GET visits every=5"
    """
    from ...sandbox import Dialect

    switches = {}
    for setting in switch or []:
        name, equals, value = setting.partition("=")
        if not equals:
            raise typer.BadParameter(f"--switch takes NAME=VALUE, as in roleDates=string, not {setting!r}")
        if name in switches:
            raise typer.BadParameter(f"--switch {name} is given twice. Next: give it once")
        switches[name] = value
    if like is not None and dialect is not None:
        raise typer.BadParameter("--like says how the server speaks, and so does --dialect. Next: leave one out")
    spoken: str | Dialect = dialect or "documented"
    if like is not None:
        try:
            spoken = Dialect.from_probe(like)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(f"--like: {like} cannot be used: {error}") from None
    box, url = _open_sandbox(
        size, profile, seed,
        host=host, port=port, dialect=spoken, lenient=lenient, switches=switches, faults=fault or [],
    )  # fmt: skip
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with box:
        typer.echo(f"sandbox ready at {url}")
        keys = box.credentials
        print_message(f"keys: IMEDNET_API_KEY={keys['api_key']} IMEDNET_SECURITY_KEY={keys['security_key']} (invented)")
        while not stopped.wait(0.2):
            pass
    print_message("sandbox stopped")


@app.command("manifest")
def manifest(
    size: SizeOption = "demo",
    profile: ProfileOption = None,
    seed: SeedOption = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of the screen.")] = None,
    ledger: Annotated[bool, typer.Option(help="Include the list of planted defects.")] = True,
) -> None:
    """Print counts, hashes and answers of a study as JSON: what a correct extract of it must contain.

    imednet sandbox manifest --size medium --no-ledger --out manifest.json
    """
    from ...sandbox.invent.sizes import scale_of
    from ...sandbox.server.manifest import manifest_of
    from ...sandbox.server.server import DEFAULT_SEED
    from ...sandbox.study.study import build
    from ...utils.disk import write_whole

    try:
        studies = build(scale_of(size, profile), DEFAULT_SEED if seed is None else seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    text = json.dumps(manifest_of(studies, ledger=ledger), ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
        return
    try:
        write_whole(out, text + "\n")
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}") from None
    print_message(f"manifest: {out}")


@app.command("dictionary")
def dictionary(
    out: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The file to write.")],
    size: SizeOption = "demo",
    profile: ProfileOption = None,
    seed: SeedOption = None,
) -> None:
    """Write the study's data dictionary, a zip as the web application exports it.

    imednet sandbox dictionary dictionary.zip
    """
    from ...sandbox.invent.sizes import scale_of
    from ...sandbox.server.server import DEFAULT_SEED
    from ...sandbox.study.data_dictionary import data_dictionary
    from ...sandbox.study.study import build

    try:
        studies = build(scale_of(size, profile), DEFAULT_SEED if seed is None else seed)
        out.write_bytes(data_dictionary(next(iter(studies.values()))))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written: {error.strerror}") from None
    print_message(f"data dictionary: {out}")


@app.command("describe")
def describe() -> None:
    """Print the sizes, profiles, switches and faults, and what each of them does.

    imednet sandbox describe
    """
    from dataclasses import fields

    from ...sandbox.invent.sizes import PROFILES, PURPOSES, SIZES
    from ...sandbox.server.faults import KINDS, OPTIONS, Fault
    from ...sandbox.server.switches import CONTENT, DIALECT, STRICTNESS, Switches

    defaults = dict(Switches())
    typer.echo("Sizes (--size)")
    for name, scale in SIZES.items():
        typer.echo(f"  {name}: {scale.sites} sites, {scale.subjects:,} subjects, {scale.users:,} users")
    typer.echo("\nProfiles (--profile)")
    for name in PROFILES:
        typer.echo(f"  {name}: {PURPOSES[name]}")
    for title, group in (
        ("Dialect: the form of correct answers", DIALECT),
        ("Strictness: what is refused; --lenient takes the second value", STRICTNESS),
        ("Content", CONTENT),
    ):
        typer.echo(f"\n{title} (--switch NAME=VALUE; the first value is the default)")
        for name, switch in group.items():
            typer.echo(f"  {name} = {' | '.join(switch.values)}\n      {switch.meaning}")
    live = ", ".join(f"{name}={value}" for name, value in Switches(dialect="live").items() if value != defaults[name])
    typer.echo(f"\nDialects (--dialect): documented, the default; live: {live}")
    typer.echo('\nFaults (--fault "KIND [METHOD] [LIST] [NAME=VALUE ...]")')
    typer.echo(
        f"  with {', '.join(f'{option.name}={option.default}' for option in fields(Fault) if option.name in OPTIONS)}"
    )
    for name, meaning in KINDS.items():
        typer.echo(f"  {name}: {meaning}")


def _open_sandbox(size: str, profile: str | None, seed: int | None, **options: object) -> tuple[Sandbox, str]:
    """A sandbox that has bound its port, and its address."""
    from ...sandbox import Sandbox
    from ...sandbox.server.server import DEFAULT_SEED

    if seed is None:
        seed = DEFAULT_SEED
    try:
        box = Sandbox(size, profile=profile, seed=seed, **options)  # type: ignore[arg-type]
        url = box.url  # binds the port
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(
            f"port {options['port']} of {options['host']} cannot be used: {error.strerror}"
        ) from None
    return box, url
