"""All long runs by name."""

from collections.abc import Awaitable, Callable
from functools import partial

from tests.faults.field import Size
from tests.faults.kills import kills
from tests.faults.report import Report
from tests.faults.world import World

RUNS: dict[str, Callable[[World, Size], Awaitable[Report]]] = {
    "kills": kills,
    "naive": partial(kills, naive=True),
}
