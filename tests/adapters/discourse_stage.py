"""A forum of its own for a test, and what tests do with it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from drumtower.adapters.discourse.adapter import DiscourseAdapter
from drumtower.adapters.discourse.schemas import DiscourseOptions
from drumtower.domain.failures import OutcomeUnknown
from drumtower.platforms import Accepted, Credentials, InteractionEvent, Message, Published, PublishRequest
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_feedback import FeedbackRules
from drumtower.testkit.conformance_stage import Progress, Stage
from tests.adapters.test_discourse import LENIENT, TestDiscourse

TITLE = "秋茶上市，三点不同"
TEXT = "今年的秋茶比往年早了一周，香气更足。"


async def set_stage(stack: AsyncExitStack, **options: Any) -> Stage:
    settings = LENIENT | options.pop("settings", {})
    return await TestDiscourse()._set(stack, {"settings": settings, **options})


@pytest.fixture
async def forum() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await set_stage(stack)


def adapter(forum: Stage) -> DiscourseAdapter:
    assert isinstance(forum.adapter, DiscourseAdapter)
    return forum.adapter


def message(text: str = TEXT, *, title: str = TITLE, pictures: int = 0, **more: Any) -> Message:
    media = tuple(TestDiscourse().file("image/png", 2048) for _ in range(pictures))
    return replace(TestDiscourse().message(text, title=title, media=media), **more)


def request(forum: Stage, said: Message, **options: Any) -> PublishRequest:
    return replace(forum.request(said), options=DiscourseOptions(**options))


async def control(forum: Stage, what: str, **body: Any) -> Any:
    answer = await forum.http.post(f"{forum.base_url}/control/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def queued(forum: Stage, said: Message | None = None) -> Accepted:
    """Publish while the moderators look at everything first."""
    await control(forum, "settings", needs_approval=True)
    outcome = await forum.publish(request(forum, said or message()))
    assert isinstance(outcome, Accepted)
    return outcome


async def moderate(forum: Stage, action: str, **changed: Any) -> None:
    waiting = [row for row in forum.sandbox.store.all("queued") if row["status"] == "pending"]
    await control(forum, "moderate", id=waiting[-1]["id"], action=action, **changed)


async def lose(forum: Stage, asked: PublishRequest, progress: Progress | None = None) -> None:
    """Publish so that the forum acts and the answer is lost."""
    forum.break_with(Fault(path="/posts.json", behaviour=Behaviour.RESET, acts=True))
    assert isinstance(await forum.attempt(asked, progress), OutcomeUnknown)


async def confirm(forum: Stage, accepted: Accepted) -> Published | Accepted:
    return await adapter(forum).confirm(forum.credentials, accepted.handle)


def rules() -> FeedbackRules:
    """The suite's own way to make replies."""
    return TestDiscourse()


def topics(forum: Stage) -> list[dict[str, Any]]:
    return [row for row in forum.sandbox.store.all("posts") if not row["deleted"]]


def credentials(forum: Stage, **changed: str) -> Credentials:
    return replace(forum.credentials, values={**forum.credentials.values, **changed})


def calls(forum: Stage) -> int:
    """How many calls the forum has counted; needs `max_admin_api_reqs_per_minute`."""
    return len(forum.sandbox.store.all("_budgets")[0]["at"])


def ids(events: list[InteractionEvent]) -> list[str]:
    return sorted(event.external_id for event in events)
