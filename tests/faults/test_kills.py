"""kill -9 loses nothing and doubles nothing; and the rig sees doubles where the guard is off."""

import pytest

from tests.faults.field import Size
from tests.faults.kills import kills
from tests.faults.world import World

pytestmark = pytest.mark.long


async def test_kill_nine_loses_and_doubles_nothing(world: World) -> None:
    report = await kills(world, Size(posts=60, kills=3))
    assert report.problems == [], report.to_json()


async def test_naive_resend_is_seen(world: World) -> None:
    report = await kills(world, Size(posts=40, kills=2), naive=True)
    assert report.problems == [], report.to_json()
