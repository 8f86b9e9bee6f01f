"""The embedded Valkey: a unix socket only; a killed server loses nothing, a power cut at most a second."""

import signal
import socket
from pathlib import Path

from drumtower.embedded.layout import Layout
from drumtower.embedded.processes import Child

PING_SECONDS = 1.0
SETTINGS = {"port": "0", "unixsocketperm": "700", "save": "", "daemonize": "no", "set-proc-title": "no"}


def valkey_child(layout: Layout, program: Path, *, durable: bool = True) -> Child:
    """Valkey in `layout`; without `durable` it keeps its data in memory only."""
    return Child(
        name="valkey",
        argv=server_command(layout, program, durable),
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        cwd=layout.servers,
        owner=layout.owner,
        prepare=lambda: layout.valkey_socket.unlink(missing_ok=True),
        ready=lambda: answers(layout.valkey_socket),
        tier=0,
        stop_signals=((signal.SIGTERM, 10.0),),
        death_signal=signal.SIGTERM,
    )


def redis_url(layout: Layout) -> str:
    return f"unix://{layout.valkey_socket}"


def server_command(layout: Layout, program: Path, durable: bool) -> list[str]:
    settings = SETTINGS | {
        "unixsocket": str(layout.valkey_socket),
        "dir": str(layout.valkey_data),
        "appendonly": "yes" if durable else "no",
    }
    return [str(program), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def answers(path: Path) -> bool:
    """Whether the server takes commands: not before it has read its data."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PING_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
