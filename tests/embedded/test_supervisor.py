"""An instance that is hurt in every way: nothing stays behind, nothing committed is lost."""

import asyncio
import os
import signal
import time
from pathlib import Path

import asyncpg
import pytest

from drumtower.embedded import leftovers
from drumtower.embedded.logs import last_lines
from tests.embedded.conftest import StartStack, connect, keep_rows, kept_rows, wait_until

pytestmark = pytest.mark.long

ROWS = 20_000
# Never waits for a client, so this backend does not notice that its postmaster died.
BUSY = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"


async def test_a_killed_postgres_comes_back_with_its_rows(start_stack: StartStack) -> None:
    stack = start_stack("servers")
    up = stack.wait_up()
    await keep_rows(up, ROWS)
    busy = await connect(up)
    query = asyncio.create_task(busy.execute(BUSY))
    await asyncio.sleep(0.2)

    os.kill(up["up"]["postgres"], signal.SIGKILL)

    wait_until(lambda: stack.said("postgres died (killed by SIGKILL)"), 10)
    wait_until(lambda: stack.said("postgres is back"), 30)
    assert await kept_rows(up) == ROWS
    with pytest.raises((ConnectionError, asyncpg.PostgresConnectionError)):
        await query


async def test_a_killed_supervisor_leaves_nobody_and_the_next_start_has_the_rows(
    start_stack: StartStack,
) -> None:
    first = start_stack("servers", "api", "stubborn")
    up = first.wait_up()
    await keep_rows(up, ROWS)
    backends = leftovers.inside(Path(up["data"]), "postgres")
    writer = await connect(up)
    write = asyncio.create_task(writer.execute("INSERT INTO kept SELECT generate_series(1, 100000000)"))
    await asyncio.sleep(0.3)

    first.process.kill()
    everybody = [*up["up"].values(), *backends]
    assert len(everybody) > 5
    # Well under a second by itself; this machine may have much else to do.
    wait_until(lambda: not any(leftovers.is_alive(pid) for pid in everybody), 5)

    with pytest.raises((ConnectionError, asyncpg.PostgresConnectionError)):
        await write
    second = start_stack("servers")
    assert await kept_rows(second.wait_up()) == ROWS

    # At once this time: the next one must not stumble over the dying.
    second.process.kill()
    assert await kept_rows(start_stack("servers").wait_up()) == ROWS


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (signal.SIGTERM, ("servers", "api")),
        (signal.SIGINT, ("api",)),
        (signal.SIGHUP, ("api", "worker")),
    ],
)
def test_a_request_to_stop_ends_everybody_and_succeeds(
    start_stack: StartStack, number: signal.Signals, names: tuple[str, ...]
) -> None:
    stack = start_stack(*names)
    up = stack.wait_up()

    assert stack.end(number) == 0
    assert stack.events("stopped")
    assert not any(leftovers.is_alive(pid) for pid in up["up"].values())


def test_ctrl_c_in_the_terminal_reaches_no_child_before_us(start_stack: StartStack) -> None:
    child = start_stack("api").wait_up()["up"]["api"]
    assert os.getsid(child) == os.getpgid(child) == child


def test_a_second_request_does_not_wait_for_a_stubborn_child(start_stack: StartStack, state: Path) -> None:
    stack = start_stack("stubborn")
    child = stack.wait_up()["up"]["stubborn"]
    wait_until(lambda: last_lines(state / "logs" / "stubborn.log") == ["refusing"], 10)
    stack.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert stack.process.poll() is None
    assert leftovers.is_alive(child)

    assert stack.end(signal.SIGTERM, seconds=5) == 0
    assert not leftovers.is_alive(child)


def test_what_a_child_started_ends_with_it(start_stack: StartStack, state: Path) -> None:
    stack = start_stack("grandparent")
    parent = stack.wait_up()["up"]["grandparent"]
    log = state / "logs" / "grandparent.log"
    wait_until(lambda: len(last_lines(log)) == 1, 10)

    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: stack.said("grandparent is back"), 10)
    wait_until(lambda: len(last_lines(log)) == 2, 10)
    first, second = (int(line) for line in last_lines(log))
    assert (leftovers.is_alive(first), leftovers.is_alive(second)) == (False, True)

    stack.end(signal.SIGTERM)
    assert not leftovers.is_alive(second)


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly(start_stack: StartStack) -> None:
    stack = start_stack("flapping")
    stack.wait_up()
    wait_until(lambda: stack.said("in 0.8 s"), 20)
    delays = [
        event["say"].rsplit(" ", 2)[1] for event in stack.events("say") if "died (exit 3)" in event["say"]
    ]
    assert delays[:3] == ["0.2", "0.4", "0.8"]


def test_a_child_that_never_gets_up_is_an_error_with_the_end_of_its_log(start_stack: StartStack) -> None:
    stack = start_stack("api", "crasher")
    assert stack.process.wait(10) == 1
    assert "crasher ended: exit 3" in stack.output.read_text()
    assert "the reason why" in stack.output.read_text()
