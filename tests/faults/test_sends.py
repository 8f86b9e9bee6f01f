"""Lying answers, equal texts, cancel races: each run once, small."""

import pytest

from tests.faults.field import Size
from tests.faults.runs import RUNS
from tests.faults.world import World

pytestmark = pytest.mark.long

SIZES = {
    "answers": Size(posts=36),
    "texts": Size(posts=24),
    "cancels": Size(posts=40),
}


@pytest.mark.parametrize("name", SIZES)
async def test_it_holds(world: World, name: str) -> None:
    report = await RUNS[name].play(world, SIZES[name])
    assert report.problems == [], report.to_json()
