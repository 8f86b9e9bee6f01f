"""A PostgreSQL data directory: made whole or not at all, with our role and database in it."""

import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from drumtower.embedded.layout import Layout, make_private
from drumtower.embedded.processes import ChildFailed, Surroundings, run_once

DATABASE = "drumtower"
ROLE = "app"
SUPERUSER = "postgres"
# Not every system has every locale, and with a plain C ctype trigram search scores all Chinese text 0.
LOCALES = ("C.UTF-8", "en_US.UTF-8", "zh_CN.UTF-8")
PROVIDERS = (("--locale-provider=builtin", "--builtin-locale=C.UTF-8"), ())
# `app` is no superuser, as in production: row-level security would not apply to it. pg_stat_statements goes
# to template1 because only a superuser may create it.
FIRST_STATEMENTS = (
    f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE",
    f"GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {ROLE}",
    "CREATE EXTENSION pg_stat_statements",
)


def initialise(layout: Layout, programs: Path, *, durable: bool) -> None:
    """Makes cluster, role and database beside their final place, so that a half-made one is never used."""
    for old in layout.servers.glob("pg.new.*"):
        shutil.rmtree(old)
    draft = layout.servers / f"pg.new.{os.getpid()}"
    make_cluster(layout, programs, draft, durable)
    single_user(layout, programs, draft, "template1", FIRST_STATEMENTS)
    single_user(layout, programs, draft, SUPERUSER, (f"CREATE DATABASE {DATABASE} OWNER {ROLE}",))
    draft.rename(layout.postgres_data)


def make_cluster(layout: Layout, programs: Path, draft: Path, durable: bool) -> None:
    """Runs initdb with the first combination of locale and provider that this system has."""
    command = initdb_command(programs, draft, durable)
    refusals: list[str] = []
    for provider, locale in itertools.product(PROVIDERS, LOCALES):
        make_private(draft, layout.owner)
        try:
            run_once([*command, *provider, f"--lc-ctype={locale}"], surroundings(layout, programs))
        except ChildFailed as refusal:
            refusals.append(str(refusal))
        else:
            return
    shutil.rmtree(draft, ignore_errors=True)
    raise ChildFailed(refusals[0])


def initdb_command(programs: Path, draft: Path, durable: bool) -> list[str]:
    """Everyone may log in who reaches the socket: its directory is private."""
    options = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--lc-collate=C"]
    return [str(programs / "initdb"), "-D", str(draft), *options, *([] if durable else ["--no-sync"])]


def single_user(layout: Layout, programs: Path, data: Path, database: str, statements: Sequence[str]) -> None:
    """Runs statements without a server. `exit_on_error` turns a failed one into an exit code."""
    command = [str(programs / "postgres"), "--single", "-D", str(data), "-c", "exit_on_error=on", database]
    run_once(command, surroundings(layout, programs), "".join(f"{statement};\n" for statement in statements))


def surroundings(layout: Layout, programs: Path) -> Surroundings:
    """A clean environment: PGDATA, PGHOST and their like in ours must not lead the programs elsewhere."""
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    return Surroundings(env=environment, cwd=layout.servers, owner=layout.owner)


def require_same_major(layout: Layout, programs: Path) -> None:
    """Raises `ChildFailed` when another major version of PostgreSQL wrote the data directory."""
    data = layout.postgres_data
    made_by = (data / "PG_VERSION").read_text().strip()
    printed = run_once([str(programs / "postgres"), "--version"], surroundings(layout, programs))
    ours = printed.split()[2].split(".")[0]
    if made_by != ours:
        raise ChildFailed(
            f"{data} was made by PostgreSQL {made_by}, but this is {ours}. Dump it with the old version, "
            f"or move it away to start empty."
        )
