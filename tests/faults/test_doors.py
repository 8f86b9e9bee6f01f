"""Lost commits, late commits, a day without a scheduler, voided tokens, lists that lag: each run once, small."""

import pytest

from tests.faults.field import Size
from tests.faults.runs import RUNS
from tests.faults.world import World

pytestmark = pytest.mark.long

SIZES = {
    "commits": Size(posts=100),
    "interleavings": Size(posts=200),
    "downtime": Size(posts=30),
    "voided": Size(posts=12),
    "trusting": Size(posts=30),
}


@pytest.mark.parametrize("name", SIZES)
async def test_it_holds(world: World, name: str) -> None:
    report = await RUNS[name].play(world, SIZES[name])
    assert report.problems == [], report.to_json()
