"""A crash at every named point loses nothing and doubles nothing."""

import pytest

from tests.faults.field import Size
from tests.faults.points import points
from tests.faults.world import World

pytestmark = pytest.mark.long


@pytest.mark.timeout(300)  # seventeen crashes, each with its wait for a lease, on a machine that may be busy
async def test_a_crash_at_any_point_loses_and_doubles_nothing(world: World) -> None:
    report = await points(world, Size(posts=17))
    assert report.problems == [], report.to_json()
