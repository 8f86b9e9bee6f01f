"""Tokens: a good one is never lost, whatever the platform answers and whoever dies while it is renewed."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import update

from drumtower.connections import Connections, read_credentials, seal_token
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import Channel
from drumtower.domain import failures
from drumtower.platforms import Adapter, Credentials, PlatformError, RemoteAccount, Token
from drumtower.platforms.registry import Registry
from drumtower.settings import Settings
from tests.factories import Team
from tests.feedback.rows import make_channel
from tests.scheduler.renewing import open_channel
from tests.scheduler.scripted import ScriptedAdapter
from tests.scheduler.stage import Stage

PAST = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = "gh_rotating"
OLD = Token(access="old", expires_at=PAST, refresh="old-refresh")
NEW = Token(access="new", refresh="new-refresh")

Make = Callable[..., Awaitable[UUID]]


class RotatingAdapter(ScriptedAdapter):
    """Gives what stands in `answers`, and says of an access token whose it is, or why it is none."""

    slug = "rotating"
    answers: ClassVar[list[Token | failures.Failure]] = []
    shown: ClassVar[list[str | None]] = []
    owners: ClassVar[dict[str, str | failures.Failure]] = {}

    async def token(self, credentials: Credentials) -> Token:
        self.shown.append(credentials.token.refresh if credentials.token else None)
        answer = self.answers.pop(0)
        if isinstance(answer, Token):
            return answer
        raise PlatformError(answer)

    async def identify(self, credentials: Credentials) -> RemoteAccount:
        owner = self.owners.get(credentials.access, ACCOUNT)
        if isinstance(owner, str):
            return RemoteAccount(id=owner, name=owner)
        raise PlatformError(owner)


@pytest.fixture
def rotating(connections: Connections) -> Connections:
    RotatingAdapter.answers, RotatingAdapter.shown, RotatingAdapter.owners = [], [], {}
    adapters: dict[str, type[Adapter]] = {RotatingAdapter.slug: RotatingAdapter}
    return replace(connections, registry=Registry(adapters=adapters, refused={}))


@pytest.fixture
def make(db: Database, team: Team, box: Box) -> Make:
    async def made(token: Token | None = OLD, following: Token | None = None) -> UUID:
        channel = await make_channel(
            db,
            team,
            box,
            ACCOUNT,
            platform="rotating",
            token=seal_token(box, token),
            token_next=seal_token(box, following),
        )
        return channel.id

    return made


async def stored(db: Database, channel_id: UUID) -> Channel:
    async with db.transaction() as tx:
        return await tx.get_one(Channel, channel_id)


async def failure_of(opening: Awaitable[object]) -> failures.Failure:
    with pytest.raises(PlatformError) as caught:
        await opening
    return caught.value.failure


@pytest.mark.parametrize("access", ["", "  ", "\x00", "line\nbreak"])
async def test_an_unusable_answer_replaces_nothing(
    rotating: Connections, db: Database, box: Box, make: Make, access: str
) -> None:
    channel_id = await make()
    RotatingAdapter.answers = [replace(NEW, access=access), NEW]
    assert isinstance(await failure_of(rotating.open(channel_id)), failures.Transient)
    kept = await stored(db, channel_id)
    assert read_credentials(box, kept).token == OLD
    assert kept.token_lease_until is None
    assert (await rotating.open(channel_id)).credentials.token == NEW


async def test_without_a_new_refresh_token_the_old_one_goes_on(
    rotating: Connections, db: Database, box: Box, make: Make
) -> None:
    channel_id = await make()
    RotatingAdapter.answers = [Token(access="new", refresh="")]
    await rotating.open(channel_id)
    assert read_credentials(box, await stored(db, channel_id)).token == Token(
        access="new", refresh="old-refresh"
    )


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (failures.AuthExpired(detail="no"), failures.AuthExpired),
        ("gh_somebody_else", failures.Disconnected),
    ],
)
async def test_a_new_set_that_is_no_good_does_not_drop_the_old(
    rotating: Connections,
    db: Database,
    box: Box,
    make: Make,
    owner: str | failures.Failure,
    expected: type[failures.Failure],
) -> None:
    channel_id = await make()
    RotatingAdapter.answers = [NEW]
    RotatingAdapter.owners = {"new": owner}
    assert isinstance(await failure_of(rotating.open(channel_id)), expected)
    kept = await stored(db, channel_id)
    assert read_credentials(box, kept).token == OLD
    assert (kept.token_next, kept.token_lease_until) == (None, None)


async def test_a_new_set_that_could_not_be_proved_is_kept_and_proved_later(
    rotating: Connections, db: Database, box: Box, make: Make
) -> None:
    channel_id = await make()
    RotatingAdapter.answers = [NEW]
    RotatingAdapter.owners = {"new": failures.Transient(detail="down")}
    assert isinstance(await failure_of(rotating.open(channel_id)), failures.Transient)
    assert (await stored(db, channel_id)).token_next is not None
    RotatingAdapter.owners = {}
    assert (await rotating.open(channel_id)).credentials.token == NEW
    assert RotatingAdapter.shown == ["old-refresh"], "bought once"
    kept = await stored(db, channel_id)
    assert (read_credentials(box, kept).token, kept.token_next) == (NEW, None)


async def test_a_set_that_was_left_and_ended_renews_with_its_own_refresh_token(
    rotating: Connections, make: Make
) -> None:
    channel_id = await make(following=replace(NEW, access="left", refresh="left-refresh"))
    RotatingAdapter.owners = {"left": failures.AuthExpired(detail="ended")}
    RotatingAdapter.answers = [Token(access="newest", refresh="newest-refresh")]
    opened = await rotating.open(channel_id)
    assert RotatingAdapter.shown == ["left-refresh"]
    assert opened.credentials.access == "newest"


@pytest.mark.long
async def test_many_at_once_buy_and_prove_once(rotating: Connections, make: Make) -> None:
    channel_id = await make()
    RotatingAdapter.answers = [NEW]
    opened = await asyncio.gather(*(rotating.open(channel_id) for _ in range(50)))
    assert {one.credentials.access for one in opened} == {"new"}
    assert RotatingAdapter.shown == ["old-refresh"]


@pytest.mark.long
async def test_killed_in_the_middle_of_a_renewal_no_refresh_token_is_lost(
    bluesky: Stage, db: Database, box: Box, settings: Settings
) -> None:
    """R14, small: kill -9 while the platform rotates and while the new set is proved. The password never helps out.

    The fault run `renewals` does it with schedulers, twenty times and more.
    """
    start = multiprocessing.get_context("forkserver")
    start.set_forkserver_preload(["tests.scheduler.renewing"])
    await bluesky.fault(path="createSession", status=500, times=10**6)
    slow = {"behaviour": "delay", "seconds": 5, "acts": True}
    kept_sets = 0
    for number in range(6):
        await _expire(db, box, bluesky.channel_id)
        left = (await stored(db, bluesky.channel_id)).token_next is not None
        path = "getSession" if left or number % 2 else "refreshSession"
        before = await bluesky.fired()
        await bluesky.fault(path=path, **slow)
        renewing = start.Process(
            target=open_channel,
            args=(settings.database_url, settings.secret_keys.get_secret_value(), bluesky.channel_id),
        )
        await asyncio.to_thread(renewing.start)
        await _fired(bluesky, before)
        renewing.kill()
        await asyncio.to_thread(renewing.join)
        assert renewing.exitcode == -9
        kept_sets += (await stored(db, bluesky.channel_id)).token_next is not None
    assert kept_sets > 0, "no kill came between the answer and its proof"
    # From here on the platform takes the newest set only: the grace of the ones before it has ended.
    await bluesky.control("clock", {"seconds": 3 * 3600})
    await _expire(db, box, bluesky.channel_id)
    await bluesky.schedule()
    await bluesky.work()
    assert len(await bluesky.remote_posts()) == 1
    assert (await stored(db, bluesky.channel_id)).token_next is None


async def _fired(stage: Stage, before: int) -> None:
    for _ in range(1_000):
        if await stage.fired() > before:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the renewal never came")


async def _expire(db: Database, box: Box, channel_id: UUID) -> None:
    """Let the token end by our own clock, and with it the lease of whoever was killed."""
    channel = await stored(db, channel_id)
    token = read_credentials(box, channel).token
    assert token is not None
    ended = replace(token, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    async with db.transaction() as tx:
        await tx.execute(
            update(Channel)
            .where(Channel.id == channel_id)
            .values(token=seal_token(box, ended), token_lease_until=None)
        )
