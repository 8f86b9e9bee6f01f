"""All long runs by name."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from tests.faults.answers import answers
from tests.faults.cancels import cancels
from tests.faults.clocks import downtime, skews
from tests.faults.cuts import cuts
from tests.faults.field import Size
from tests.faults.hostile import hostile
from tests.faults.kills import kills
from tests.faults.outages import bell_gone, flushes, hints, postgres
from tests.faults.pauses import pauses
from tests.faults.points import points
from tests.faults.poison import poison
from tests.faults.report import Report
from tests.faults.stops import hurry, stops
from tests.faults.texts import texts
from tests.faults.tokens import tokens
from tests.faults.world import World

RUNS: dict[str, Callable[[World, Size], Coroutine[Any, Any, Report]]] = {
    "kills": kills,
    "naive": partial(kills, naive=True),
    "pauses": pauses,
    "unguarded": partial(pauses, unguarded=True),
    "answers": answers,
    "points": points,
    "texts": texts,
    "cancels": cancels,
    "expired": tokens,
    "voided": partial(tokens, voided=True),
    "skews": skews,
    "downtime": downtime,
    "postgres": postgres,
    "flushes": flushes,
    "bell_gone": bell_gone,
    "hints": hints,
    "cuts": cuts,
    "stops": stops,
    "hurry": hurry,
    "poison": poison,
    "hostile": hostile,
}
