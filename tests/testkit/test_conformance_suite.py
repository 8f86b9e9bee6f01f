"""The suite itself: no rule hides another, and a broken adapter is caught by the rule that names it."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

import pytest

from drumtower.adapters.weibo import adapter as weibo
from drumtower.adapters.weibo import posts, schemas, webhook
from drumtower.domain import failures
from drumtower.domain.capabilities import TextRule
from drumtower.domain.samples import Metric
from drumtower.domain.text import Unit
from drumtower.platforms import (
    Absent,
    Credentials,
    FeedbackPage,
    Finding,
    Outcome,
    PlatformError,
    PostReference,
    Published,
    PublishRequest,
    Reading,
    Received,
    WebhookRequest,
)
from drumtower.testkit.conformance import AdapterConformance
from tests.adapters import test_weibo


def test_no_rule_hides_another() -> None:
    own = [name for rules in AdapterConformance.__mro__ for name in vars(rules) if not name.startswith("__")]
    twice = [name for name, count in Counter(own).items() if count > 1 and name != "stage"]
    assert not twice


def test_there_are_rules() -> None:
    assert len([name for name in dir(AdapterConformance) if name.startswith("test_")]) > 50


class Blind(weibo.WeiboAdapter):
    """Looks, and sees nothing."""

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        return Absent()


class Hopeful(weibo.WeiboAdapter):
    """Takes silence for success."""

    async def publish(self, request: PublishRequest) -> Outcome:
        try:
            return await super().publish(request)
        except PlatformError as error:
            if isinstance(error.failure, failures.OutcomeUnknown):
                return Published(external_id="1")
            raise


class Hasty(weibo.WeiboAdapter):
    """Takes silence for "not sent"."""

    async def publish(self, request: PublishRequest) -> Outcome:
        try:
            return await super().publish(request)
        except PlatformError as error:
            if isinstance(error.failure, failures.OutcomeUnknown):
                raise PlatformError(failures.Transient(detail="lost")) from error
            raise


class Gullible(weibo.WeiboAdapter):
    """Takes any own status for the one it looks for."""

    async def find(self, request: PublishRequest, since: datetime) -> Finding:
        body: Any = await self.api(request.credentials).get("statuses/user_timeline", object)
        return Published(external_id=str(body["statuses"][0]["id"])) if body["statuses"] else Absent()


class Twice(weibo.WeiboAdapter):
    """Publishes again by itself when an answer is lost."""

    async def publish(self, request: PublishRequest) -> Outcome:
        try:
            return await super().publish(request)
        except PlatformError:
            other = replace(request.message, text=request.message.text.replace("：", "，再来一次："))
            return await super().publish(replace(request, message=other, idempotency_key="other"))


class Wide(weibo.WeiboAdapter):
    """Promises more text than the platform takes."""

    capabilities = replace(weibo.WeiboAdapter.capabilities, body=TextRule(maximum=141, unit=Unit.WEIBO))


class Cutting(weibo.WeiboAdapter):
    """Cuts texts to make them fit."""

    async def publish(self, request: PublishRequest) -> Outcome:
        shorter = replace(request.message, text=request.message.text[2:])
        return await super().publish(replace(request, message=shorter))


class Talking(weibo.WeiboAdapter):
    """Tells its token to whoever reads errors."""

    async def publish(self, request: PublishRequest) -> Outcome:
        try:
            return await super().publish(request)
        except PlatformError as error:
            token = request.credentials["access_token"]
            raise PlatformError(failures.OutcomeUnknown(detail=f"{error.failure.detail} {token}")) from None


class Zeroing(weibo.WeiboAdapter):
    """Says 0 where nothing is known."""

    async def post_stats(
        self, credentials: Credentials, posts: Sequence[PostReference]
    ) -> dict[str, Reading]:
        found = await super().post_stats(credentials, posts)
        none = dict.fromkeys((Metric.LIKES, Metric.COMMENTS, Metric.SHARES), 0)
        return {name: replace(reading, values=none | dict(reading.values)) for name, reading in found.items()}


class Short(weibo.WeiboAdapter):
    """Stops after the first page of comments."""

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return replace(await super().feedback(credentials, cursor, posts), more=False)


class Vain(weibo.WeiboAdapter):
    """Hears itself."""

    async def feedback(
        self, credentials: Credentials, cursor: dict[str, object], posts: Sequence[PostReference]
    ) -> FeedbackPage:
        return await super().feedback(replace(credentials, account_id="0"), cursor, posts)


class Trusting(weibo.WeiboAdapter):
    """Reads webhooks without looking at who signed them."""

    def receive(self, request: WebhookRequest, credentials: Credentials) -> Received:
        return webhook.read(request, credentials)


class Crashing(weibo.WeiboAdapter):
    """Believes that every answer is well formed."""

    async def publish(self, request: PublishRequest) -> Outcome:
        form = {"status": posts.marked(request.message.text, "gulou.example", request.idempotency_key)}
        form |= {"rip": "203.0.113.7"}
        body: Any = await self.api(request.credentials).send(
            "POST", "statuses/share", object, once=True, data=form
        )
        return Published(external_id=body["idstr"], published_at=schemas.read_time(body["created_at"]))


LOST, ACTED = {"lost_answer": "resets", "acts": True}, {"lost_answer": "500", "acts": True}
FOUND_OUT = "test_a_lost_answer_is_unknown_and_is_found_out"
MUTANTS: list[tuple[type[weibo.WeiboAdapter], str, dict[str, Any]]] = [
    (Blind, FOUND_OUT, LOST),
    (Blind, "test_a_look_up_that_fails_proves_nothing", {}),
    (Hopeful, FOUND_OUT, LOST),
    (Hopeful, "test_every_error_status_is_a_failure_of_the_right_class", {}),
    (Hopeful, "test_an_unlisted_code_is_unknown", {}),
    (Hasty, FOUND_OUT, ACTED),
    (Hasty, "test_every_error_status_is_a_failure_of_the_right_class", {}),
    (Hasty, "test_a_listed_code_on_publish", {"listed_code": "10001"}),
    (Gullible, "test_another_post_is_not_taken_for_it", {}),
    (Twice, FOUND_OUT, LOST),
    (Wide, "test_text_at_the_limit", {"character": "鼓"}),
    (Cutting, "test_publishes_once_and_says_where", {}),
    (Cutting, "test_text_at_the_limit", {"character": "🎉"}),
    (Zeroing, "test_unknown_is_not_zero", {}),
    (Short, "test_many_comments_over_many_pages", {}),
    (Vain, "test_what_we_said_is_left_out", {}),
    (Trusting, "test_a_changed_signature_is_refused", {}),
    (Trusting, "test_a_stale_stamp_is_refused", {"seconds": 301}),
    (Trusting, "test_another_secret_is_refused", {}),
    (Crashing, FOUND_OUT, {"lost_answer": "200 no fields", "acts": False}),
    (Crashing, FOUND_OUT, {"lost_answer": "200 list", "acts": True}),
]


class Mutated(test_weibo.TestWeibo):
    """The suite with another adapter under it."""

    __test__: ClassVar[bool] = False


async def play(adapter: type[weibo.WeiboAdapter], rule: str, given: dict[str, Any]) -> None:
    suite = type("Suite", (Mutated,), {"adapter": adapter})()
    async with AsyncExitStack() as stack:
        stage = await suite._set(stack, {})
        await getattr(suite, rule)(stage, **given)


@pytest.mark.parametrize(
    ("mutant", "rule", "given"), MUTANTS, ids=[f"{mutant.__name__}-{rule}" for mutant, rule, _ in MUTANTS]
)
async def test_a_broken_adapter_is_caught(
    mutant: type[weibo.WeiboAdapter], rule: str, given: dict[str, Any]
) -> None:
    await play(weibo.WeiboAdapter, rule, given)
    with pytest.raises((AssertionError, PlatformError, LookupError, TypeError, pytest.fail.Exception)):
        await play(mutant, rule, given)


async def test_a_talking_adapter_is_caught(caplog: pytest.LogCaptureFixture) -> None:
    await play(weibo.WeiboAdapter, "test_secrets_show_nowhere", {"caplog": caplog})
    with pytest.raises(AssertionError, match="a secret shows"):
        await play(Talking, "test_secrets_show_nowhere", {"caplog": caplog})


def test_a_secret_that_is_not_marked_is_caught() -> None:
    fields = tuple(replace(field, secret=False) for field in weibo.WeiboAdapter.auth.fields)
    open_ = type("Open", (weibo.WeiboAdapter,), {"auth": replace(weibo.WeiboAdapter.auth, fields=fields)})
    suite = type("Suite", (Mutated,), {"adapter": open_})()
    with pytest.raises(AssertionError, match="must be secret"):
        suite.test_every_credential_is_labelled_and_secrets_are_marked()
