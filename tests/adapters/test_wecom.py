"""WeCom: the conformance suite for customer groups and for robots, then what only WeCom has."""

import json
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from drumtower.adapters.wecom.adapter import WeComAdapter
from drumtower.adapters.wecom.declaration import ERRORS, WeComOptions
from drumtower.domain import failures
from drumtower.domain.content import Kind
from drumtower.platforms import (
    Accepted,
    AccountEvent,
    Credentials,
    InteractionEvent,
    Media,
    Message,
    PlatformError,
    Published,
    Undecidable,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.sealed import cdata, element, encrypt, sign
from drumtower.sandbox.store import Record
from drumtower.sandbox.wecom import WeComSandbox
from drumtower.sandbox.wecom.control import envelope, inside, seal, signed, text_fields
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_lost import CrashRules
from drumtower.testkit.conformance_publishing import PublishingRules
from drumtower.testkit.conformance_stage import Hooks, Progress, Stage
from drumtower.testkit.serving import serve
from tests.adapters.receiver import Receiver

MEMBER = "zhangsan"


class WeComHooks(Hooks):
    adapter = WeComAdapter
    sandbox = WeComSandbox
    errors = ERRORS
    publish_path = "add_msg_template"
    message_path = "message/send"
    signature_parameter = "msg_signature"
    body_is_signed = True
    malformed = (b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>', b"<xml><Encrypt/></xml>")

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(status=200, body=json.dumps({"errcode": int(code), "errmsg": said}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        fields = text_fields(text, 7_000_000_000_000_000 + zlib.crc32(text.encode()))
        xml = (
            inside(credentials.values, MEMBER, fields, at)
            if body is None
            else body.decode("utf-8", "replace")
        )
        query, outer = envelope(credentials.values, xml, at)
        return WebhookRequest(method="POST", query=query, headers={}, body=outer, received_at=at)

    def signed_places(self, body: bytes) -> Iterable[int]:
        start = body.index(b"<Encrypt><![CDATA[") + len(b"<Encrypt><![CDATA[")
        return range(start, body.index(b"]]></Encrypt>"), 7)

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        sealed = seal(credentials.values, echo)
        query = signed(credentials.values, sealed, at) | {"echostr": sealed}
        return WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=at)


class TestCustomerGroups(WeComHooks, AdapterConformance):
    """A mass message that its owner confirms."""


class RobotHooks(WeComHooks):
    account_options: ClassVar[Mapping[str, Any]] = {"kind": "robot"}
    publish_path = "webhook/send"
    names_posts = False

    def published(self, sandbox: SandboxPlatform) -> list[Record]:
        """One row a post: its first message."""
        return [
            row for row in super().published(sandbox) if row["kind"] in ("text", "markdown", "markdown_v2")
        ]


class TestRobot(RobotHooks, PublishingRules, CrashRules):
    """Of a robot: what it says can't be looked up, so a lost answer is the business of a test below."""


@pytest.fixture
async def robot() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await TestRobot()._set(stack, {"kind": "robot"})


@pytest.fixture
async def groups() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await TestCustomerGroups()._set(stack, {})


def wecom(stage: Stage) -> WeComAdapter:
    assert isinstance(stage.adapter, WeComAdapter)
    return stage.adapter


def message(stage: Stage, text: str, **changed: Any) -> Message:
    return Message(**({"title": "鼓楼茶", "text": text, "body": text, "kind": Kind.IMAGE_TEXT} | changed))


def pictures(count: int) -> tuple[Media, ...]:
    return tuple(TestRobot().file("image/png", 2048) for _ in range(count))


@pytest.mark.parametrize("acts", [False, True], ids=["before it acted", "after it acted"])
async def test_a_robots_lost_answer_stays_with_a_person(robot: Stage, *, acts: bool) -> None:
    request, progress = robot.request(message(robot, "今晚八点上新")), Progress()
    robot.break_with(Fault(path="webhook/send", behaviour=Behaviour.RESET, acts=acts))
    assert isinstance(await robot.attempt(request, progress), failures.OutcomeUnknown)
    assert isinstance(await robot.find(request), Undecidable)


async def test_a_robot_goes_on_after_the_messages_that_are_out(robot: Stage) -> None:
    request = robot.request(message(robot, "三张图", media=pictures(3)))
    progress = Progress()
    robot.break_with(TestRobot().error("45009").model_copy(update={"path": "webhook/send", "skip": 2}))
    assert isinstance(await robot.attempt(request, progress), failures.RateLimited)
    assert progress.checkpoint == {"sent": 2, "of": 4}
    assert isinstance(await robot.publish(request, progress), Published)
    assert [row["kind"] for row in robot.sandbox.store.all("posts")] == ["text", "image", "image", "image"]


async def test_a_robot_says_an_article_with_a_card_and_calls_everybody(robot: Stage) -> None:
    article = message(robot, "长文来了", kind=Kind.ARTICLE, links=("https://gulou.example/a",))
    request = robot.request(article)
    options = WeComOptions(mention_all=True)
    await wecom(robot).publish(replace(request, options=options))
    kinds = [(row["kind"], row["text"]) for row in robot.sandbox.store.all("posts")]
    assert kinds == [("text", "长文来了"), ("news", "鼓楼茶")]


async def test_a_robot_takes_twenty_messages_a_minute(robot: Stage) -> None:
    for number in range(20):
        await robot.publish(robot.request(message(robot, f"第{number}条")))
    outcome = await robot.attempt(robot.request(message(robot, "第21条")))
    assert isinstance(outcome, failures.RateLimited)
    rate = WeComAdapter.capabilities.channel_rate
    assert rate is not None
    assert (rate.count + rate.burst) * 5 <= 20, "a post is up to five messages"


async def test_a_robot_whose_address_was_withdrawn_is_disconnected(robot: Stage) -> None:
    for found in robot.sandbox.store.dump()["accounts"]:
        assert robot.credentials["robot_key"] not in json.dumps(found)
    robot.sandbox.store.delete("_robots", robot.credentials["robot_key"])
    assert isinstance(await robot.attempt(robot.request(message(robot, "在吗"))), failures.Disconnected)


async def test_a_mass_message_waits_for_its_owner(groups: Stage) -> None:
    await groups.http.post(f"{groups.base_url}/control/settings", json={"confirm_seconds": None})
    outcome = await groups.publish(groups.request(message(groups, "会员日", media=pictures(2))))
    assert isinstance(outcome, Accepted)
    assert "owner1 must confirm" in outcome.detail
    groups.pass_time(timedelta(days=1))
    adapter = wecom(groups)
    assert isinstance(await adapter.confirm(groups.credentials, outcome.handle), Accepted)
    await groups.http.post(f"{groups.base_url}/control/confirm", json={"post": outcome.handle["msgid"]})
    out = await adapter.confirm(groups.credentials, outcome.handle)
    assert isinstance(out, Published)
    assert out.published_at is not None
    (post,) = groups.sandbox.store.all("posts")
    assert len(post["attachments"]) == 2


async def test_groups_that_took_it_all_month_refuse_it(groups: Stage) -> None:
    await groups.http.post(f"{groups.base_url}/control/settings", json={"groups_full": True})
    outcome = await groups.publish(groups.request(message(groups, "第五次")))
    assert isinstance(outcome, Accepted)
    groups.pass_time(timedelta(minutes=5))
    with pytest.raises(PlatformError) as caught:
        await wecom(groups).confirm(groups.credentials, outcome.handle)
    assert isinstance(caught.value.failure, failures.ContentRejected)


async def test_a_file_of_four_days_ago_is_gone_and_the_core_prepares_anew_before(groups: Stage) -> None:
    request, progress = groups.request(message(groups, "带图", media=pictures(1))), Progress()
    groups.break_with(Fault(path="add_msg_template", status=200, body='{"errcode": 45009, "errmsg": ""}'))
    await groups.attempt(request, progress)
    assert WeComAdapter.capabilities.prepared_for == timedelta(days=2)
    groups.pass_time(timedelta(days=4))
    assert progress.checkpoint["files"]
    outcome = await groups.attempt(request, progress)
    assert isinstance(outcome, failures.Transient)
    assert outcome.platform_code == "40007"


async def test_without_customer_contact_the_channel_may_not_publish(groups: Stage) -> None:
    (grant,) = await wecom(groups).probe(groups.credentials)
    assert grant.allowed
    await groups.http.post(f"{groups.base_url}/control/settings", json={"customer_contact": False})
    (grant,) = await wecom(groups).probe(groups.credentials)
    assert (grant.allowed, grant.platform_code) == (False, "48002")


@pytest.mark.parametrize("name", ["corp_id", "corp_secret", "owner"])
async def test_half_of_the_credentials_is_said(groups: Stage, name: str) -> None:
    values = {key: value for key, value in groups.credentials.values.items() if key != name}
    with pytest.raises(PlatformError) as caught:
        await wecom(groups).token(Credentials(values=values))
    assert name in caught.value.failure.detail


async def test_a_wrong_secret_disconnects(groups: Stage) -> None:
    values = {**groups.credentials.values, "corp_secret": "wrong"}
    with pytest.raises(PlatformError) as caught:
        await wecom(groups).token(Credentials(values=values))
    assert isinstance(caught.value.failure, failures.Disconnected)


class TestCallback:
    """Sealed, or it is not WeCom's."""

    VALUES: ClassVar[dict[str, str]] = {
        "token": "demoToken",
        "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "corp_id": "wwdemo",
        "owner": "owner1",
    }
    # The worked example of the facts: token, key, corp, time stamp, nonce and random bytes are given.
    SEALED = (
        "Q3stYC6hdFzMh9T8HCvyDMcgwplY8lHzT/2+mnw6v3uWrIfGNmlAgYrJsItWXJRk5MSASDv0+hXILMsz0wulbny2"
        "AP/CVau6RkUmthmZbfmwW/5Zv4crj3gE+kx4JE0/"
    )
    SIGNATURE = "506b13e2f31809aa52fa9122d847a8b8d04a0b66"
    AT = datetime.fromtimestamp(1_700_000_000, UTC)

    def _request(self, sealed: str, signature: str) -> WebhookRequest:
        query = {"msg_signature": signature, "timestamp": "1700000000", "nonce": "n1"}
        body = f"<xml>{cdata('Encrypt', sealed)}</xml>".encode()
        return WebhookRequest(method="POST", query=query, headers={}, body=body, received_at=self.AT)

    def test_the_worked_example(self, adapter: WeComAdapter) -> None:
        xml = "<xml><Event>change_external_chat</Event></xml>"
        assert encrypt(xml, self.VALUES["encoding_aes_key"], "wwdemo", b"0123456789abcdef") == self.SEALED
        assert sign("demoToken", "1700000000", "n1", self.SEALED) == self.SIGNATURE
        with pytest.raises(WebhookRefused, match="ToUserName"):  # opened, and too short to be a push
            adapter.receive(self._request(self.SEALED, self.SIGNATURE), Credentials(values=self.VALUES))

    def test_a_changed_group_is_an_event_of_the_account(self, adapter: WeComAdapter) -> None:
        head = (
            cdata("ToUserName", "wwdemo")
            + cdata("FromUserName", "sys")
            + element("CreateTime", 1_700_000_000)
        )
        event = (
            cdata("MsgType", "event") + cdata("Event", "change_external_chat") + cdata("ChangeType", "update")
        )
        sealed = encrypt(f"<xml>{head}{event}</xml>", self.VALUES["encoding_aes_key"], "wwdemo", b"0" * 16)
        request = self._request(sealed, sign("demoToken", "1700000000", "n1", sealed))
        received = adapter.receive(request, Credentials(values=self.VALUES))
        assert received.events == (AccountEvent(name="change_external_chat.update"),)
        assert received == adapter.receive(request, Credentials(values=self.VALUES))

    def test_a_robot_has_no_callback(self, adapter: WeComAdapter) -> None:
        request = self._request(self.SEALED, self.SIGNATURE)
        with pytest.raises(WebhookRefused, match="token and key"):
            adapter.receive(request, Credentials(values={"robot_key": "k"}))


@pytest.fixture
async def adapter(robot: Stage) -> WeComAdapter:
    return wecom(robot)


async def test_the_sandbox_pushes_what_members_write(groups: Stage) -> None:
    receiver = Receiver(wecom(groups), groups.credentials)
    async with serve(receiver.app) as url:
        control = f"{groups.base_url}/control"
        about = {"account": groups.account, "url": f"{url}/hook"}
        assert (await groups.http.post(f"{control}/webhook", json=about)).json() == {"verified": True}
        await groups.public("message", account=groups.account, author={"id": MEMBER}, text="报名")
        await groups.public("group", account=groups.account, chat_id="wr1", change="dismiss")
        assert isinstance(groups.sandbox, WeComSandbox)
        await groups.sandbox.pusher.drained()
    said, changed = sorted(receiver.got, key=lambda one: one.event_key, reverse=True)
    assert [event.text for event in said.events if isinstance(event, InteractionEvent)] == ["报名"]
    assert changed.events == (AccountEvent(name="change_external_chat.dismiss"),)
