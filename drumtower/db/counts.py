"""Counts what deliveries did, once it is committed: a change that was rolled back never happened."""

from prometheus_client import Counter, Histogram

from drumtower.db.engine import Tx, after_commit
from drumtower.domain.deliveries import State

DELIVERIES = Counter("deliveries_total", "Deliveries that came into a state", ["state"])
LATENESS = Histogram(
    "delivery_lateness_seconds",
    "How much later than planned a delivery was published",
    ["platform"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400),
)
LATE = Counter("handoffs_late_total", "Handoffs that had no proof by their deadline", ["platform"])


def count_late(tx: Tx, platform: str) -> None:
    """Count that a handoff was found late."""
    after_commit(tx, LATE.labels(platform).inc)


_IN = {state: DELIVERIES.labels(state.value) for state in State}


def count(tx: Tx, platform: str, state: State, lateness_ms: int | None) -> None:
    """Count that a delivery came into `state`; `lateness_ms` where it was published."""

    def counted() -> None:
        _IN[state].inc()
        if state is State.PUBLISHED and lateness_ms is not None:
            LATENESS.labels(platform).observe(lateness_ms / 1000)

    after_commit(tx, counted)
