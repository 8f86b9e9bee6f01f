"""The embedded PostgreSQL: started on a unix socket only, and on what any kind of death left behind."""

import signal
import time
from pathlib import Path

from drumtower.embedded import cluster, leftovers
from drumtower.embedded.cluster import DATABASE, ROLE
from drumtower.embedded.layout import POSTGRES_SOCKET, Layout
from drumtower.embedded.processes import Child, ChildFailed, run_once

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
        env=cluster.surroundings(layout, programs).env,
        cwd=layout.servers,
        owner=layout.owner,
        prepare=lambda: prepare(layout, programs, durable),
        ready=lambda: is_ready(layout, programs),
        ready_seconds=300.0,
        tier=0,
        stop_signals=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
        hurry_signal=signal.SIGQUIT,
        # An immediate stop: within two seconds whatever the load, and recovery replays what was committed.
        death_signal=signal.SIGQUIT,
    )


def database_url(layout: Layout, role: str = ROLE, database: str = DATABASE) -> str:
    """For SQLAlchemy. Our role is no superuser, so that row-level security applies to it."""
    return f"postgresql+asyncpg://{role}@/{database}?host={layout.run}"


def server_command(layout: Layout, programs: Path, durable: bool) -> list[str]:
    settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(layout.postgres_data), "-k", str(layout.run), *options]


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
        run_once(command, cluster.surroundings(layout, programs))
    except (ChildFailed, OSError):
        return False
    return True


def prepare(layout: Layout, programs: Path, durable: bool) -> None:
    """Leaves a data directory that a server can be started on."""
    if layout.postgres_data.exists():
        cluster.require_same_major(layout, programs)
        clear_stale_lock(layout.postgres_data)
    else:
        cluster.initialise(layout, programs, durable=durable)


def clear_stale_lock(data: Path) -> None:
    """Ends backends that outlived their postmaster, and removes a lock file that no living server holds.

    Backends notice the death only between statements, and no new server starts on their shared memory. A lock
    file's pid may belong to some other program after a reboot. Where `/proc` cannot tell, PostgreSQL decides.
    """
    deadline = time.monotonic() + STRAGGLER_SECONDS
    while stragglers := leftovers.inside(data, "postgres"):
        if time.monotonic() > deadline:
            raise ChildFailed(f"a PostgreSQL that is not ours uses {data}: pids {stragglers}")
        leftovers.kill(stragglers)
    if leftovers.CAN_LOOK_INSIDE:
        (data / "postmaster.pid").unlink(missing_ok=True)
