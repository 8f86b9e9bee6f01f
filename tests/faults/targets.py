"""R13: one post for eight channels, of which one hangs, one refuses and one takes it and says nothing."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from asgi_lifespan import LifespanManager
from sqlalchemy import select

from drumtower.db.models import Delivery, Post
from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Behaviour, Fault
from services.api.main import create_app
from tests.conftest import client_for
from tests.faults.field import Field, Size
from tests.faults.report import Report, history
from tests.faults.world import World
from tests.scheduler.stage import Stage

GOOD = {"weibo": 3, "bluesky": 2}
BAD = {"wechat": 1, "weibo refuses": 1, "blind": 1}
TARGETS = sum(GOOD.values()) + sum(BAD.values())
FOR_EVER = 10**6
# The good ones wait for none of the bad: their share must be out by then.
WITHIN = 20.0


async def targets(world: World, size: Size) -> Report:
    """Publish posts to eight channels each; five go out at once, and each of the others says what became of it."""
    count = max(2, size.posts // TARGETS)
    async with world.field({**GOOD, **BAD}, twins={"weibo refuses": "weibo"}, seed=size.seed) as field:
        hanging = _spoil(field)
        await field.commit([pair for number in range(count) for pair in _post(field, number / 10)])
        await field.crew.start(2)
        await _until_out(field, count * sum(GOOD.values()), count / 10 + WITHIN)
        early = await field.rows()
        hanging.times = 0
        field.platforms.made["wechat"].faults.waiting.clear()
        drained = await field.drain(120)
        verdict = await field.verdict(State.PUBLISHED, State.FAILED)
        answers = await _answer(field)
        rows, attempts = await field.rows(), await field.attempts()
        async with field.db.transaction() as tx:
            wanted = select(Post.status).where(Post.id.in_([row.post_id for row in rows]))
            statuses = Counter(await tx.scalars(wanted))
        fired = {name: field.platforms.made[name].faults.fired for name in BAD}
        lives = [history(row, attempts) for row in rows if row.state != State.PUBLISHED][:3]
    good = [row for row in early if _is_good(field, row)]
    return Report(
        name="R13 one post, eight channels",
        posts=len(rows),
        fired=fired,
        verdict=verdict,
        drained_after=drained,
        claims={
            "the good ones did not wait": all(row.state == State.PUBLISHED for row in good),
            "the refused ones failed": verdict.states[State.FAILED] == count,
            "of the blind ones a person is asked": len(verdict.flagged) == count,
            "what the person answers settles them": answers == [200] * count,
            "what hung went out in the end": verdict.states[State.PUBLISHED] == count * (TARGETS - 2),
            "every post says that it is out in part": set(statuses) == {"partly_published"},
        },
        numbers={"posts": dict(statuses)},
        told={"lives": lives},
    )


def _spoil(field: Field) -> Fault:
    hanging = Fault(path="freepublish/submit", behaviour=Behaviour.HANG, seconds=60, times=FOR_EVER)
    refusal = Fault(path="statuses/share", status=400, body='{"error_code":20021}', times=FOR_EVER)
    silence = Fault(path="/send", status=502, acts=True, times=FOR_EVER)
    for name, fault in (("wechat", hanging), ("weibo refuses", refusal), ("blind", silence)):
        field.platforms.made[name].faults.waiting.append(fault)
    return hanging


def _post(field: Field, after: float) -> list[tuple[Post, Delivery]]:
    """Make one post with a delivery for every channel; each delivery's text has a mark of its own."""
    due = datetime.now(UTC) + timedelta(seconds=1 + after)
    channels: Sequence[Stage] = [stage for stages in field.stages.values() for stage in stages]
    made = [field.promise(stage, due) for stage in channels]
    post = made[0][0]
    for _, delivery in made:
        delivery.post_id, delivery.content_hash = post.id, post.content_hash
    return [(post, delivery) for _, delivery in made]


async def _answer(field: Field) -> list[int]:
    """Be the person who is asked, and has looked: it is live."""
    out = {post.mark: post.id for post in field.platforms.posts()}
    app = create_app(field.settings)
    async with LifespanManager(app), client_for(app, field.team.owner_key) as client:
        return [
            (
                await client.post(
                    f"/v1/deliveries/{row.id}/reconcile",
                    json={"verdict": "live", "external_id": out[row.id]},
                    headers={"Idempotency-Key": row.id.hex},
                )
            ).status_code
            for row in await field.rows()
            if row.needs_check
        ]


def _is_good(field: Field, row: Delivery) -> bool:
    return any(row.channel_id == stage.channel_id for name in GOOD for stage in field.stages[name])


async def _until_out(field: Field, least: int, within: float) -> None:
    try:
        await field.until(State.PUBLISHED, least=least, within=within)
    except TimeoutError:
        await asyncio.sleep(0)  # the rows say which were too slow
