"""A loop that stands still is told of, with the place where it hangs; one that is only busy is not."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from drumtower.stalls import watched


def stalls(seconds: str) -> float:
    """How many answers took longer."""
    count = REGISTRY.get_sample_value("event_loop_lag_seconds_count") or 0.0
    return count - (REGISTRY.get_sample_value("event_loop_lag_seconds_bucket", {"le": seconds}) or 0.0)


def hang_here() -> None:
    time.sleep(0.7)


@pytest.mark.long
async def test_where_it_hangs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    before = stalls("0.1")
    with watched(stall=0.2):
        await asyncio.sleep(0.3)
        hang_here()
        await asyncio.sleep(0.1)
    told = capsys.readouterr().err
    assert told.count("loop.stalled") == 1
    assert "in hang_here" in told
    assert stalls("0.1") > before


async def test_a_loop_that_answers_is_left_in_peace(capsys: pytest.CaptureFixture[str]) -> None:
    with watched(stall=0.6):
        await asyncio.sleep(0.4)
    assert "loop.stalled" not in capsys.readouterr().err
