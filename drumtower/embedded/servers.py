"""PostgreSQL and Valkey of our own, for the test suite and for whoever needs no supervisor."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from drumtower.embedded import logs
from drumtower.embedded.binaries import postgres_programs, valkey_program
from drumtower.embedded.cluster import SUPERUSER
from drumtower.embedded.layout import Layout, layout_at
from drumtower.embedded.postgres import database_url, postgres_child
from drumtower.embedded.processes import Child, ChildProcess
from drumtower.embedded.valkey import redis_url, valkey_child


class EmbeddedServers:
    """Both servers in a state directory, ended with the process that started them, whatever ends it.

    `durable=False` is faster and loses data when the machine (not merely a server) crashes. Not for two
    processes at once: hold `instance_lock` where that can happen.
    """

    def __init__(self, state: Path, *, durable: bool = True, pg_bin: Path | None = None) -> None:
        self.layout = layout_at(state)
        postgres, valkey = server_children(self.layout, durable=durable, pg_bin=pg_bin)
        self.postgres = ChildProcess(postgres, self.layout)
        self.valkey = ChildProcess(valkey, self.layout)

    @property
    def database_url(self) -> str:
        return database_url(self.layout)

    @property
    def admin_url(self) -> str:
        """As the superuser, which bypasses row-level security: for tests that break the server on purpose."""
        return database_url(self.layout, SUPERUSER, "postgres")

    @property
    def redis_url(self) -> str:
        return redis_url(self.layout)

    def start(self) -> None:
        """Returns when both take connections. Raises `CannotStart`."""
        for server in (self.postgres, self.valkey):
            logs.rotate(server.log_file)
            server.start()
        for server in (self.postgres, self.valkey):
            server.wait_ready()

    def stop(self) -> None:
        for server in (self.valkey, self.postgres):
            server.stop()

    def __enter__(self) -> "EmbeddedServers":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()


def server_children(
    layout: Layout,
    *,
    postgres: bool = True,
    valkey: bool = True,
    durable: bool = True,
    pg_bin: Path | None = None,
) -> list[Child]:
    """The wanted servers, in that order, for a supervisor. Prepares the directories, so hold the lock."""
    layout.prepare()
    children = []
    if postgres:
        children.append(postgres_child(layout, postgres_programs(layout, pg_bin), durable=durable))
    if valkey:
        children.append(valkey_child(layout, valkey_program(layout), durable=durable))
    return children


@contextlib.contextmanager
def temporary_servers() -> Iterator[EmbeddedServers]:
    """Running servers, not durable, in a directory of their own that is removed at the end."""
    state = Path(tempfile.mkdtemp(prefix="drumtower-"))
    servers = EmbeddedServers(state, durable=False)
    try:
        with servers:
            yield servers
    finally:
        for path in {state, servers.layout.servers, servers.layout.run}:
            shutil.rmtree(path, ignore_errors=True)
