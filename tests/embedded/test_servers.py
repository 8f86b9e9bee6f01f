"""The servers as tests and tools use them: where they listen, who may log in, what Chinese text finds."""

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from drumtower.embedded import leftovers
from drumtower.embedded.layout import SOCKET_PATH_BYTES, server_owner
from drumtower.embedded.processes import ChildFailed
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from tests.embedded.conftest import remove_state, wait_until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def servers() -> Iterator[EmbeddedServers]:
    with temporary_servers() as running:
        yield running


async def ask(url: str, question: str) -> object:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        answer: object = (await connection.execute(text(question))).scalar()
    await engine.dispose()
    return answer


def connect_valkey(servers: EmbeddedServers) -> redis.asyncio.Redis:
    return redis.asyncio.Redis(unix_socket_path=str(servers.layout.valkey_socket), decode_responses=True)


async def test_trigrams_see_chinese_text(servers: EmbeddedServers) -> None:
    engine = create_async_engine(servers.database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        similar = await connection.scalar(text("SELECT similarity('合同到期', '合同到期提醒')"))
    await engine.dispose()
    assert similar == pytest.approx(0.5)


async def test_our_role_is_one_that_row_level_security_applies_to(servers: EmbeddedServers) -> None:
    question = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    assert await ask(servers.database_url, question) is False
    assert await ask(servers.admin_url, question) is True


async def test_statistics_of_statements_are_there_in_new_databases(servers: EmbeddedServers) -> None:
    assert await ask(servers.database_url, "SELECT count(*) > 0 FROM pg_stat_statements") is True


async def test_they_listen_on_private_sockets_only(servers: EmbeddedServers) -> None:
    assert await ask(servers.database_url, "SHOW listen_addresses") == ""
    client = connect_valkey(servers)
    assert (await client.config_get("port"))["port"] == "0"
    await client.aclose()
    assert stat.S_IMODE(servers.layout.run.stat().st_mode) == 0o700


def test_temporary_servers_leave_nothing() -> None:
    with temporary_servers() as servers:
        pids = [server.pid or 0 for server in (servers.postgres, servers.valkey)]
        assert all(leftovers.is_alive(pid) for pid in pids)
    assert not any(leftovers.is_alive(pid) for pid in pids)
    layout = servers.layout
    assert not any(path.exists() for path in (layout.state, layout.servers, layout.run))


async def test_a_path_too_long_for_a_socket_gets_a_short_run_directory(state: Path) -> None:
    deep = state / "深" / ("long" * 20) / "er" / "state"
    deep.parent.mkdir(parents=True)
    assert len(os.fsencode(deep)) > SOCKET_PATH_BYTES - 20
    try:
        with EmbeddedServers(deep, durable=False) as servers:
            assert not servers.layout.run.is_relative_to(deep)
            assert await ask(servers.database_url, "SELECT 1") == 1
    finally:
        remove_state(deep)


@pytest.fixture
def other_program() -> Iterator[subprocess.Popen[bytes]]:
    """One of the servers' user, so that PostgreSQL would take it for a server of its own."""
    owner = server_owner()
    with subprocess.Popen(["/bin/sleep", "600"], user=owner.uid if owner else None) as other:
        yield other
        other.kill()


async def test_a_lock_file_with_the_pid_of_another_program_is_no_obstacle(
    state_with_cluster: Path, other_program: subprocess.Popen[bytes]
) -> None:
    servers = EmbeddedServers(state_with_cluster, durable=False)
    data = servers.layout.postgres_data
    (data / "postmaster.pid").write_text(f"{other_program.pid}\n{data}\n1763900000\n5432\n\n\n")
    with servers:
        assert await ask(servers.database_url, "SELECT 1") == 1
    assert other_program.poll() is None


async def test_a_cluster_half_made_by_a_killed_start_is_made_anew(state: Path) -> None:
    servers = EmbeddedServers(state, durable=False)
    layout = servers.layout
    half = layout.servers / "pg.new.1"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with servers:
        assert await ask(servers.database_url, "SELECT current_user") == "app"
    assert not half.exists()


def test_another_major_version_s_data_is_refused_and_kept(state: Path) -> None:
    servers = EmbeddedServers(state, durable=False)
    servers.layout.postgres_data.mkdir()
    version = servers.layout.postgres_data / "PG_VERSION"
    version.write_text("13\n")
    with pytest.raises(ChildFailed, match="made by PostgreSQL 13, but this is 18"):
        servers.start()
    assert version.read_text() == "13\n"


async def test_valkey_keeps_what_a_killed_server_had(state: Path) -> None:
    servers = EmbeddedServers(state)
    valkey = servers.valkey
    valkey.start()
    valkey.wait_ready()
    client = connect_valkey(servers)
    await client.set("钥匙", "值")
    await client.aclose()

    valkey.kill()
    wait_until(lambda: not valkey.is_running, 2)
    valkey.start()
    valkey.wait_ready()

    client = connect_valkey(servers)
    assert await client.get("钥匙") == "值"
    await client.aclose()
    valkey.stop()
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match=r"refused|No such"):
        probe.connect(str(servers.layout.valkey_socket))
