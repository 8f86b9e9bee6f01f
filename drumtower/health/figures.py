"""Prometheus figures that are read from the database at the moment they are asked for: ages, not counts.

Every role tells the same ones; take the maximum over replicas. No label holds an id.
"""

from prometheus_client import Gauge, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from drumtower.db.engine import Database, Tx
from drumtower.db.repositories import breakers
from drumtower.health.readiness import beats_by_role

OLDEST_DUE = Gauge("oldest_due_age_seconds", "For how long the oldest delivery that waits has been due")
QUEUES = Gauge("queue_age_seconds", "For how long the oldest row of a queue has been due", ["queue"])
BEATS = Gauge("heartbeat_age_seconds", "Age of the last good run of a step, in any replica", ["role", "step"])
BREAKERS = Gauge(
    "breakers_open", "How many circuit breakers let nothing or a probe through", ["scope", "platform"]
)
HANDOFFS = Gauge("handoffs", "How many deliveries wait for a person to publish them", ["late"])
DATABASE = Gauge("database_up", "Whether the database answered just now; 0: the ages are unknown")

# The oldest of each queue is the first entry of an index.
_QUEUES = text("""
SELECT 'send', (SELECT min(next_at) FROM deliveries WHERE state IN ('planned', 'retrying'))
UNION ALL SELECT 'confirm', (SELECT min(next_at) FROM deliveries WHERE state = 'accepted')
UNION ALL SELECT 'reconcile', (SELECT min(next_at) FROM deliveries WHERE state = 'unknown')
UNION ALL SELECT 'reap', (SELECT min(next_at) FROM deliveries WHERE state IN ('claimed', 'sending'))
UNION ALL SELECT 'clean', (SELECT min(next_at) FROM leftovers WHERE next_at IS NOT NULL)
UNION ALL SELECT 'relay', (SELECT occurred_at FROM outbox_events WHERE relayed_at IS NULL ORDER BY id LIMIT 1)
UNION ALL SELECT 'sample', (SELECT min(next_at) FROM sample_plans)
""")

_HANDOFFS = text("""
SELECT count(*) FILTER (WHERE deadline > now() OR deadline IS NULL), count(*) FILTER (WHERE deadline <= now())
FROM deliveries WHERE state = 'handoff'
""")


async def exposition(db: Database) -> bytes:
    """Return the figures of this process, with the ages as they are now."""
    try:
        async with db.transaction() as tx:
            await _read(tx)
        DATABASE.set(1)
    except (SQLAlchemyError, OSError):
        # An age that nobody knows is told as none, not as the last one seen.
        DATABASE.set(0)
        OLDEST_DUE.set(float("nan"))
        QUEUES.clear()
        BEATS.clear()
        BREAKERS.clear()
        HANDOFFS.clear()
    return generate_latest()


async def _read(tx: Tx) -> None:
    now = (await tx.execute(text("SELECT now()"))).scalar_one()
    for queue, oldest in await tx.execute(_QUEUES):
        age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
        QUEUES.labels(queue).set(age)
        if queue == "send":
            OLDEST_DUE.set(age)
    BREAKERS.clear()
    for (scope, platform), count in (await breakers.count_open(tx)).items():
        BREAKERS.labels(scope, platform).set(count)
    in_time, late = (await tx.execute(_HANDOFFS)).one()
    HANDOFFS.labels("no").set(in_time)
    HANDOFFS.labels("yes").set(late)
    BEATS.clear()
    for role, beats in (await beats_by_role(tx)).items():
        newest: dict[str, float] = {}
        for beat in beats:
            newest[beat.step] = min(beat.age, newest.get(beat.step, beat.age))
        for step, age in newest.items():
            BEATS.labels(role, step).set(age)
