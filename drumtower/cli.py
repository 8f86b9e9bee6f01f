"""The command line: `drumtower …`, or `python -m drumtower.cli …`."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from drumtower import jobs, rehearsal
from drumtower.crypto import new_key
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions
from drumtower.db.repositories.restores import doubt
from drumtower.domain.clock import SystemClock
from drumtower.domain.health import Status
from drumtower.embedded.errors import CannotStart
from drumtower.embedded.instance import AlreadyRunning
from drumtower.embedded.servers import temporary_servers
from drumtower.health.readiness import Readiness, readiness
from drumtower.platforms import registry
from drumtower.platforms.declaration import problems_of
from drumtower.sandbox.app import create_app as create_sandbox
from drumtower.seed import SeedRefused
from drumtower.settings import Settings
from drumtower.testkit import template
from drumtower.testkit.serving import BreakableProtocol

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Drumtower: publish on time, and know it.",
)
db_app = typer.Typer(no_args_is_help=True, help="The schema.")
adapters_app = typer.Typer(no_args_is_help=True, help="Platform adapters.")
key_app = typer.Typer(no_args_is_help=True, help="Encryption keys.")
app.add_typer(db_app, name="db")
app.add_typer(adapters_app, name="adapters")
app.add_typer(key_app, name="key")
console = Console(highlight=False)

ROOT = Path(__file__).resolve().parents[1]
# The exit code of a second `up`; the demo waits for the first one then.
ALREADY_RUNNING = 3
PortOption = Annotated[int, typer.Option(help="Where the API listens; the sandbox takes the next two ports.")]


StateOption = Annotated[Path, typer.Option(help="Where this instance keeps everything it knows.")]


def run_module(name: str, *words: str) -> int:
    """Run what drumtower may not import (services, examples, tests) in a process of its own."""
    return subprocess.call([sys.executable, "-m", name, *words], cwd=ROOT)  # noqa: S603 - our own modules


@app.command()
def up(port: PortOption = 8000, state: StateOption = ROOT / ".state") -> None:
    """Start everything on this machine, with a demo workspace on sandbox platforms. Ctrl-C stops it."""
    try:
        rehearsal.up(ROOT, state, port, console.print)
    except (CannotStart, SeedRefused) as refusal:
        console.print(str(refusal), style="red")
        raise typer.Exit(ALREADY_RUNNING if isinstance(refusal, AlreadyRunning) else 1) from refusal


@app.command()
def demo(state: StateOption = ROOT / ".state") -> None:
    """Play the whole loop on the sandbox: from a draft to KPIs. Uses a running `up`, or starts one."""
    raise typer.Exit(run_module("examples.demo", str(state)))


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def faults(context: typer.Context) -> None:
    """Run the fault suite; its own --help says what it takes."""
    raise typer.Exit(run_module("tests.faults", *context.args))


@app.command()
def sandbox(
    port: PortOption = 8001,
    state: Annotated[Path | None, typer.Option(help="Where its memory survives a restart.")] = None,
) -> None:
    """Serve the sandbox platforms; the mail server takes the next port."""
    uvicorn.run(create_sandbox(state, port + 1), port=port, http=BreakableProtocol, log_level="warning")


@app.command()
def openapi(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it has drifted.")] = False,
) -> None:
    """Write docs/openapi.json from the code."""
    raise typer.Exit(run_module("services.api.document", *(["--check"] if check else [])))


@app.command()
def doctor() -> None:
    """Say whether this installation does its work: each dependency, role and step, with the age of its last success."""
    found = asyncio.run(_examine(Settings()))
    for name, check in found.checks.items():
        _say(name, check.status, check.age_seconds, check.detail)
        for step, one in check.steps.items():
            _say(f"  {step}", one.status, one.age_seconds)
    if found.status is Status.FAIL:
        raise typer.Exit(1)


async def _examine(settings: Settings) -> Readiness:
    database = Database(settings.database_url, application="drumtower-cli")
    found = await readiness(database, jobs.is_up(settings.redis_url))
    await database.close()
    return found


def _say(name: str, status: Status, age: float | None, detail: str = "") -> None:
    colour = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "red"}[status]
    since = "" if age is None else f"{age:.1f} s ago"
    console.print(f"{name:<22} {status.value:<5} {since:<12} {detail}".rstrip(), style=colour)


@db_app.command()
def upgrade(revision: str = "head") -> None:
    """Bring the schema up to date."""
    settings = Settings()
    migrate.upgrade(settings.database_url, revision)
    asyncio.run(_partitions(settings.database_url))


async def _partitions(url: str) -> None:
    database = Database(url, application="drumtower-cli")
    async with database.transaction() as tx:
        await ensure_partitions(tx, SystemClock().now())
    await database.close()


@db_app.command()
def restored() -> None:
    """Say that this database has just been restored from a backup, before any scheduler starts on it.

    What is due by now may have gone out after the backup was made: it is looked up, and not sent again unseen.
    """
    count = asyncio.run(_doubt(Settings().database_url))
    console.print(
        f"{count} {'delivery' if count == 1 else 'deliveries'} will be looked up before anything is sent."
    )


async def _doubt(url: str) -> int:
    database, count = Database(url, application="drumtower-cli"), 0
    while True:
        async with database.transaction() as tx:
            some = await doubt(tx)
        count += some
        if not some:
            await database.close()
            return count


@db_app.command("check")
def db_check() -> None:
    """Say whether models and migrations agree, and whether every migration goes down and up again."""
    with temporary_servers() as servers:
        migrate.upgrade(servers.database_url)
        migrate.check(servers.database_url)
        migrate.downgrade(servers.database_url, "base")
        migrate.upgrade(servers.database_url)


@db_app.command()
def revision(message: str) -> None:
    """Write a migration from the difference between models and schema."""
    with temporary_servers() as servers:
        migrate.upgrade(servers.database_url)
        migrate.new_revision(servers.database_url, message)


@adapters_app.command("list")
def list_adapters() -> None:
    """Name every adapter, and why others are refused."""
    found = registry.load()
    for slug, adapter in found.adapters.items():
        console.print(f"{slug:<12} {adapter.name.zh_cn} / {adapter.name.en}")
    for slug, reason in found.refused.items():
        console.print(f"{slug:<12} refused: {reason}", style="red")
    if found.refused:
        raise typer.Exit(1)


@adapters_app.command("check")
def check_adapter(
    slug: Annotated[str, typer.Argument(help="The adapter's slug, as `list` names it.")],
) -> None:
    """Say what is wrong with an adapter's declaration. What it does is tested by its conformance suite."""
    found = registry.load()
    reason = found.refused.get(slug)
    if slug in found.adapters:
        wrong = problems_of(found.adapters[slug])
    else:
        wrong = [f"refused: {reason}" if reason else "no installed package offers it; see `adapters list`"]
    for sentence in wrong:
        console.print(f"{slug}: {sentence}", style="red")
    if wrong:
        raise typer.Exit(1)
    console.print(f"{slug}: the declaration is whole.")


@adapters_app.command("new")
def new_adapter(
    slug: Annotated[str, typer.Argument(help="The new platform's slug: lower-case letters and digits.")],
    into: Annotated[Path, typer.Option(help="The directory that gets the new package.")] = Path(),
) -> None:
    """Start an adapter: a package with a sandbox, data to fill in, and the conformance suite, green from the start."""
    try:
        target = template.make(slug, into)
    except template.CannotMake as refusal:
        console.print(str(refusal), style="red")
        raise typer.Exit(1) from refusal
    console.print(f"{target}: made. Its README says how to go on.")


@key_app.command("new")
def make_key() -> None:
    """Make a key for DRUMTOWER_SECRET_KEYS."""
    console.print(new_key())


if __name__ == "__main__":
    app()
