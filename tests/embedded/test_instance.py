"""One instance for each state directory, free ports, and the file that says where it is."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from drumtower.embedded.instance import AlreadyRunning, PortTaken, instance_lock, is_free, require_free
from drumtower.embedded.layout import Layout, layout_at
from drumtower.embedded.upfile import UpFile, read_up_file, write_up_file
from tests.embedded.conftest import StartStack

CONTENT = UpFile(
    api="http://127.0.0.1:8000",
    api_key="dt_key",
    reviewer_api_key="dt_reviewer",
    email="demo@example.com",
    password="钟鼓楼",
    sandbox={"weibo": "http://127.0.0.1:8100/weibo"},
)


@pytest.fixture
def layout(state: Path) -> Layout:
    return layout_at(state)


def test_a_second_start_says_that_one_runs_and_where(start_stack: StartStack, layout: Layout) -> None:
    first = start_stack("api")
    first.wait_up()
    write_up_file(layout.up_file, CONTENT)
    second = start_stack("api")
    assert second.process.wait(10) == 1
    assert second.events("refused") == [
        {
            "refused": f"Drumtower already runs at http://127.0.0.1:8000 "
            f"(process {first.process.pid}, state in {layout.state})."
        }
    ]
    assert first.process.poll() is None


def test_a_killed_instance_holds_no_lock(start_stack: StartStack) -> None:
    first = start_stack("api")
    first.wait_up()
    first.end(signal.SIGKILL)
    start_stack("api").wait_up()


def test_the_lock_ends_with_its_block(layout: Layout) -> None:
    with instance_lock(layout), pytest.raises(AlreadyRunning, match=str(os.getpid())), instance_lock(layout):
        pytest.fail("held twice")
    with instance_lock(layout):
        pass


def test_a_taken_port_is_named_with_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} on 127\.0\.0\.1 .* --port \d+") as refusal:
            require_free(port)
        offered = int(str(refusal.value).rstrip(".").rsplit(" ", 1)[1])
        assert offered != port
        assert is_free(offered)
    require_free(port)


def test_the_up_file_is_private_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_up_file(path, CONTENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_up_file(path) == CONTENT
    assert os.listdir(tmp_path) == ["up.json"]


def test_no_secret_of_the_up_file_is_in_its_repr() -> None:
    shown = repr(CONTENT)
    assert not [
        secret for secret in (CONTENT.api_key, CONTENT.reviewer_api_key, CONTENT.password) if secret in shown
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"api": 1}', '{"other": 1}'])
def test_an_up_file_that_is_none_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "up.json"
    path.write_text(content)
    assert read_up_file(path) is None
