"""One running instance for each state directory, and the ports it needs."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator

from drumtower.embedded.errors import CannotStart
from drumtower.embedded.layout import Layout
from drumtower.embedded.upfile import read_up_file

PORTS_TRIED = 100


class AlreadyRunning(CannotStart):
    """Another process holds this state directory; the message says which and where."""


class PortTaken(CannotStart):
    """Another program listens on the port; the message names a free one."""


@contextlib.contextmanager
def instance_lock(layout: Layout) -> Iterator[None]:
    """Holds the state directory until the block, or the process, ends. Raises `AlreadyRunning`."""
    layout.prepare_state()
    descriptor = os.open(layout.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        take(descriptor, layout)
        yield
    finally:
        os.close(descriptor)


def take(descriptor: int, layout: Layout) -> None:
    """Locks the file and leaves our pid in it for whoever comes second."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(whereabouts(layout)) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def whereabouts(layout: Layout) -> str:
    """What a second `up` says."""
    holder = layout.lock_file.read_text().strip() or "unknown"
    known = read_up_file(layout.up_file)
    place = f"at {known.api} " if known else ""
    return f"Drumtower already runs {place}(process {holder}, state in {layout.state})."


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As uvicorn does: connections of the last run that still wait for their end are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free(port: int, host: str = "127.0.0.1") -> None:
    """Raises `PortTaken` when another program listens there."""
    if is_free(port, host):
        return
    other = next(
        (near for near in range(port + 1, min(port + PORTS_TRIED, 65536)) if is_free(near, host)), None
    )
    advice = f"try --port {other}" if other else "choose another with --port"
    raise PortTaken(f"Port {port} on {host} is taken by another program; {advice}.")
