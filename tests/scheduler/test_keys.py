"""R7: one delivery has one key, whatever happens to its row, in whatever process, however often it is tried."""

import asyncio
import multiprocessing
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from drumtower.db.engine import Database
from drumtower.db.models import Brand, Channel, Delivery
from drumtower.db.repositories.deliveries import payload_of, plan
from drumtower.domain import failures
from drumtower.domain.content import Content, Kind, Nature, for_channel
from drumtower.domain.deliveries import Action, State
from drumtower.domain.facts import Standards
from drumtower.platforms import Adapter, Credentials, PlatformError, Published, PublishRequest
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from services.scheduler.requests import Facts, publish_request
from tests.scheduler.keying import key_of
from tests.scheduler.scripted import ScriptedAdapter
from tests.scheduler.stage import Stage

CONTENT = Content(title="秋茶", body="茶", kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL)
MOMENTS = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
# All that attempts, leases, look-ups and people change in a row.
CHANGES = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state.value for state in State]),
        "attempts": st.integers(0, 100),
        "fence": st.integers(0, 10**6),
        "lookups": st.integers(0, 100),
        "prepared": st.booleans(),
        "prepared_at": st.none() | MOMENTS,
        "sent_at": st.none() | MOMENTS,
        "next_at": st.none() | MOMENTS,
        "not_before": st.none() | MOMENTS,
        "lease_until": st.none() | MOMENTS,
        "checkpoint": st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        "error": st.none() | st.just({"code": "x", "detail": "y"}),
        "revision": st.integers(1, 1_000),
    }
)


def delivery() -> Delivery:
    channel_id = uuid4()
    return plan(
        workspace_id=uuid4(),
        channel_id=channel_id,
        platform="scripted",
        action=Action.PUBLISH,
        payload=payload_of(for_channel(CONTENT, channel_id)),
        due_at=datetime(2026, 12, 1, tzinfo=UTC),
        created_by=uuid4(),
        now=datetime(2026, 11, 1, tzinfo=UTC),
    )


def request_for(row: Delivery, db: Database, storage: LocalStorage) -> PublishRequest:
    facts = Facts(
        delivery=row,
        channel=Channel(),
        brand=Brand(),
        approval=None,
        assets=[],
        interaction=None,
        standards=Standards(),
    )
    adapter = ScriptedAdapter(cast("Any", None))
    return publish_request(facts, adapter, Credentials(values={}), db, storage)


@pytest.mark.long
@given(changes=st.lists(CHANGES, min_size=1, max_size=5))
def test_the_key_depends_on_the_delivery_alone(changes: list[dict[str, Any]]) -> None:
    row, other = delivery(), delivery()
    nowhere = cast("Any", None)
    first = request_for(row, nowhere, nowhere)
    assert request_for(other, nowhere, nowhere).idempotency_key != first.idempotency_key
    for columns in changes:
        for name, value in columns.items():
            setattr(row, name, value)
        again = request_for(row, nowhere, nowhere)
        assert again.idempotency_key == first.idempotency_key
        assert again.created_at == first.created_at
    assert len(first.idempotency_key) <= 32
    assert first.idempotency_key.isascii()


class BusyAdapter(ScriptedAdapter):
    """Over its budget nineteen times, and then it takes the post."""

    slug = "busy"
    keys: ClassVar[list[tuple[str, datetime]]] = []

    async def publish(self, request: PublishRequest) -> Published:
        self.keys.append((request.idempotency_key, request.created_at))
        if len(self.keys) < 20:
            raise PlatformError(failures.RateLimited(detail="429", until=datetime.now(UTC)))
        return Published(external_id=request.idempotency_key)


@pytest.fixture
async def busy(weibo: Stage) -> Stage:
    adapters: dict[str, type[Adapter]] = {BusyAdapter.slug: BusyAdapter}
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Channel).values(platform="busy"))
    BusyAdapter.keys = []
    object.__setattr__(weibo.connections, "registry", Registry(adapters=adapters, refused={}))
    weibo.platform = "busy"
    return weibo


@pytest.mark.long
async def test_twenty_attempts_and_three_processes_have_one_key(busy: Stage, settings: Settings) -> None:
    planned = await busy.schedule()
    async with asyncio.timeout(60):
        for _ in range(200):
            if (await busy.delivery(planned)).state == State.PUBLISHED:
                break
            await busy.dispatch()
            await busy.pass_time(3_600)
    assert (await busy.delivery(planned)).state == State.PUBLISHED
    assert len(BusyAdapter.keys) == 20
    assert len(set(BusyAdapter.keys)) == 1
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["tests.scheduler.keying"])
    with start.Pool(3) as pool:
        asked = [(settings.database_url, planned.id)] * 3
        found = await asyncio.to_thread(pool.starmap, key_of, asked, 1)
    assert set(found) == {key for key, _ in BusyAdapter.keys}
