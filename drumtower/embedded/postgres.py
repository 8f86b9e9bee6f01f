"""The embedded PostgreSQL: made once, started on a unix socket only, recovered after any kind of death."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from drumtower.embedded import leftovers
from drumtower.embedded.layout import POSTGRES_SOCKET, Layout
from drumtower.embedded.processes import Child, ChildFailed, run_once

DATABASE = "drumtower"
ROLE = "app"
SUPERUSER = "postgres"
# Not every system has every locale, and with a plain C ctype trigram search scores all Chinese text 0.
LOCALES = ("C.UTF-8", "en_US.UTF-8", "zh_CN.UTF-8")
PROVIDERS = (("--locale-provider=builtin", "--builtin-locale=C.UTF-8"), ())
# `app` is no superuser, as in production: row-level security would not apply to it. pg_stat_statements goes to
# template1 because only a superuser may create it. psql quoting is not available in single-user mode.
FIRST_STATEMENTS = (
    f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE",
    f"GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO {ROLE}",
    "CREATE EXTENSION pg_stat_statements",
)
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_preload_libraries": "pg_stat_statements",
    "max_connections": "200",
    "log_line_prefix": "%m [%p] ",
}
# For tests: a crash of the machine may lose the data, which nobody wants back.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
STRAGGLER_SECONDS = 5.0


def postgres_child(layout: Layout, programs: Path, *, durable: bool = True) -> Child:
    """PostgreSQL in `layout`, whose data directory is made at the first start."""
    return Child(
        name="postgres",
        argv=server_command(layout, programs, durable),
        env=environment(programs),
        cwd=layout.servers,
        owner=layout.owner,
        prepare=lambda: prepare(layout, programs),
        ready=lambda: is_ready(layout, programs),
        ready_seconds=300.0,
        tier=0,
        stop_signals=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
        hurry_signal=signal.SIGQUIT,
        # An immediate stop: within two seconds whatever the load, and recovery replays what was committed.
        death_signal=signal.SIGQUIT,
    )


def database_url(layout: Layout, *, role: str = ROLE, database: str = DATABASE) -> str:
    return f"postgresql+asyncpg://{role}@/{database}?host={layout.run}"


def server_command(layout: Layout, programs: Path, durable: bool) -> list[str]:
    settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(layout.postgres_data), "-k", str(layout.run), *options]


def environment(programs: Path) -> dict[str, str]:
    """A clean one: PGDATA, PGHOST and their like in ours must not lead the servers elsewhere."""
    return {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def is_ready(layout: Layout, programs: Path) -> bool:
    """Whether a connection would be taken; false while the server recovers."""
    if not (layout.run / POSTGRES_SOCKET).exists():
        return False
    command = (
        str(programs / "pg_isready"),
        "-q",
        "-t",
        "2",
        "-h",
        str(layout.run),
        "-U",
        ROLE,
        "-d",
        DATABASE,
    )
    try:
        run_once(command, env=environment(programs), cwd=layout.servers, owner=layout.owner)
    except ChildFailed:
        return False
    return True


def prepare(layout: Layout, programs: Path) -> None:
    """Leaves a data directory that a server can be started on."""
    if layout.postgres_data.exists():
        require_same_major(layout.postgres_data, programs)
        clear_stale_lock(layout.postgres_data)
    else:
        initialise(layout, programs)


def require_same_major(data: Path, programs: Path) -> None:
    """Raises `ChildFailed` when another major version of PostgreSQL wrote the data directory."""
    made_by = (data / "PG_VERSION").read_text().strip()
    printed = run_once((str(programs / "postgres"), "--version"), env=None, cwd=Path("/"), owner=None)
    ours = printed.split()[2].split(".")[0]
    if made_by != ours:
        raise ChildFailed(
            f"{data} was made by PostgreSQL {made_by}, but this is {ours}. Dump it with the old version, "
            f"or move it away to start empty."
        )


def clear_stale_lock(data: Path) -> None:
    """Ends backends of a postmaster that is gone, and removes its lock file when its pid is not a postmaster's."""
    deadline = time.monotonic() + STRAGGLER_SECONDS
    for pid in iter_until_none(data, deadline):
        # They notice their postmaster's death only between statements, and hold its shared memory until then.
        leftovers.end(pid)
    lock = data / "postmaster.pid"
    if lock.exists() and Path("/proc").is_dir():
        lock.unlink()


def iter_until_none(data: Path, deadline: float) -> Iterator[int]:
    while (found := leftovers.inside(data, "postgres")) and time.monotonic() < deadline:
        yield from found


def initialise(layout: Layout, programs: Path) -> None:
    """Makes the cluster, the role and the database beside their final place, so that a half-made one is never used."""
    draft = layout.servers / f"pg.new.{os.getpid()}"
    for old in layout.servers.glob("pg.new.*"):
        shutil.rmtree(old)
    make_cluster(layout, programs, draft)
    single_user(layout, programs, draft, "template1", FIRST_STATEMENTS)
    single_user(layout, programs, draft, "postgres", (f"CREATE DATABASE {DATABASE} OWNER {ROLE}",))
    draft.rename(layout.postgres_data)
