"""QQ: what the conformance suite asks of a bot that may only answer, then what only QQ has."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from drumtower.adapters.qq.adapter import QQAdapter
from drumtower.adapters.qq.declaration import ERRORS
from drumtower.adapters.qq.webhook import key
from drumtower.domain import failures, replies
from drumtower.domain.content import Kind
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    Handoff,
    InteractionEvent,
    Message,
    PlatformError,
    Published,
    ReplyRequest,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.errors import failure_for
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.qq import QQSandbox
from drumtower.sandbox.qq.server import event, headers, sign
from drumtower.testkit.conformance_declaration import DeclarationRules
from drumtower.testkit.conformance_replies import ReplyRules
from drumtower.testkit.conformance_stage import Stage
from drumtower.testkit.conformance_webhooks import WebhookRules
from drumtower.testkit.serving import serve
from tests.adapters.receiver import Receiver


class TestQQ(DeclarationRules, ReplyRules, WebhookRules):
    adapter = QQAdapter
    sandbox = QQSandbox
    errors = ERRORS
    publish_path = "/messages"
    message_path = "/v2/users"
    signature_parameter = "x-signature-ed25519"
    signed_parameters = ("x-signature-timestamp",)
    body_is_signed = True
    has_challenge = False
    malformed = (
        b'{"op": 0}',
        b'{"op": 13, "d": {"plain_token": "{\\"op\\":0}", "event_ts": "1"}}',
        b'{"op": 7}',
    )

    def error(self, code: str, said: str = "") -> Fault:
        status = 401 if code == "401" else 400
        return Fault(status=status, body=json.dumps({"message": said, "code": int(code)}))

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        row = {
            "id": f"M{abs(hash(text))}",
            "author": {"id": "9001"},
            "text": text,
            "created_at": at.isoformat(),
        }
        raw = event("C2C_MESSAGE_CREATE", row) if body is None else body
        given = headers(credentials["app_id"], credentials["app_secret"], str(int(at.timestamp())), raw)
        return WebhookRequest(method="POST", query={}, headers=given, body=raw, received_at=at)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await TestQQ()._set(stack, {})


def qq(stage: Stage) -> QQAdapter:
    assert isinstance(stage.adapter, QQAdapter)
    return stage.adapter


async def asked(stage: Stage, what: str = "mention") -> ReplyRequest:
    """Somebody names the bot in group G1, or writes to it."""
    said = await stage.public(what, account=stage.account, author={"id": "M1"}, text="几点开门？")
    return ReplyRequest(
        credentials=stage.credentials,
        text="九点。",
        kind=InteractionKind.MENTION if what == "mention" else InteractionKind.MESSAGE,
        external_id=said.json()["id"],
        author_id="M1",
        post_external_id=None,
        context={"group_openid": "G1"} if what == "mention" else {},
        idempotency_key=uuid4().hex,
        created_at=datetime.now(UTC),
    )


def answers(stage: Stage) -> list[str]:
    return [row["text"] for row in stage.sandbox.store.all("messages") if row["direction"] == "out"]


async def failure_of(action: Any) -> failures.Failure:
    with pytest.raises(PlatformError) as caught:
        await action
    return caught.value.failure


async def test_a_post_goes_by_hand(stage: Stage) -> None:
    message = Message(title="", text="上新", body="上新", kind=Kind.IMAGE_TEXT)
    handed = await stage.publish(stage.request(message))
    assert isinstance(handed, Handoff)
    assert "40034102" in handed.reason


async def test_a_mention_is_answered_in_its_group(stage: Stage) -> None:
    out = await qq(stage).reply(await asked(stage))
    assert [row["id"] for row in stage.sandbox.store.all("messages") if row["direction"] == "out"] == [
        out.external_id
    ]
    assert answers(stage) == ["九点。"]


@pytest.mark.parametrize(("what", "minutes"), [("mention", 5), ("message", 60)])
async def test_the_window_is_a_hard_deadline(stage: Stage, what: str, minutes: int) -> None:
    request = await asked(stage, what)
    said_at = datetime.now(UTC)
    until = replies.deadline(request.kind, QQAdapter.capabilities, said_at)
    assert until == said_at + timedelta(minutes=minutes)
    stage.pass_time(timedelta(minutes=minutes))
    send = qq(stage).reply if what == "mention" else qq(stage).message
    failure = await failure_of(send(request))
    assert isinstance(failure, failures.ContentRejected)
    assert failure.platform_code == "304027"
    assert not answers(stage)


async def test_a_repeat_is_one_answer_and_known_as_ours(stage: Stage) -> None:
    request = await asked(stage)
    stage.break_with(Fault(path="/v2/groups", behaviour=Behaviour.RESET, acts=True))
    assert isinstance(await failure_of(qq(stage).reply(request)), failures.OutcomeUnknown)
    assert await qq(stage).reply(request) == Published(external_id=f"answer_{request.idempotency_key}")
    assert answers(stage) == ["九点。"]


async def test_five_answers_a_message(stage: Stage) -> None:
    request = await asked(stage)
    for number in range(5):
        await qq(stage).reply(replace(request, idempotency_key=f"key{number}"))
    assert isinstance(await failure_of(qq(stage).reply(request)), failures.RateLimited)


async def test_an_answer_in_review_is_out(stage: Stage) -> None:
    await stage.http.post(f"{stage.base_url}/control/settings", json={"review": True})
    request = await asked(stage)
    assert (await qq(stage).reply(request)).external_id == f"answer_{request.idempotency_key}"


async def test_each_listed_code_is_what_the_table_says(stage: Stage) -> None:
    request = await asked(stage)
    for code, rule in ERRORS.items():
        stage.break_with(TestQQ().error(code).model_copy(update={"path": "/v2/groups"}))
        expected = failure_for(rule, code, once=True, now=datetime.now(UTC))
        assert isinstance(await failure_of(qq(stage).reply(request)), type(expected)), code
    assert not answers(stage)


async def test_a_wrong_secret_disconnects(stage: Stage) -> None:
    values = {**stage.credentials.values, "app_secret": "wrong"}
    assert isinstance(await failure_of(qq(stage).token(Credentials(values=values))), failures.Disconnected)


class TestSignatures:
    """The official example, and one of our own."""

    def test_the_official_validation(self, stage: Stage) -> None:
        body = {"op": 13, "d": {"plain_token": "Arq0D5A61EgUu4OxUvOp", "event_ts": "1725442341"}}
        request = WebhookRequest(
            method="POST", query={}, headers={}, body=json.dumps(body).encode(), received_at=datetime.now(UTC)
        )
        held = Credentials(values={"app_id": "1", "app_secret": "DG5g3B4j9X2KOErG"})
        received = qq(stage).receive(request, held)
        assert received.events == ()
        assert json.loads(received.answer.body) == {
            "plain_token": "Arq0D5A61EgUu4OxUvOp",
            "signature": "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
            "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706",
        }

    def test_both_make_the_key_alike(self) -> None:
        for secret in ("s", "demo-bot-secret", "x" * 31, "x" * 32, "x" * 40):
            assert key(secret).sign(b"body").hex() == sign(secret, b"body")

    @pytest.mark.parametrize("token", ['{"op":0}', "", "a b", "x" * 65])
    def test_nobody_gets_an_event_signed(self, stage: Stage, token: str) -> None:
        body = json.dumps({"op": 13, "d": {"plain_token": token, "event_ts": "1725442341"}}).encode()
        request = WebhookRequest(
            method="POST", query={}, headers={}, body=body, received_at=datetime.now(UTC)
        )
        with pytest.raises(WebhookRefused):
            qq(stage).receive(request, stage.credentials)


async def test_the_sandbox_pushes_what_people_say(stage: Stage) -> None:
    receiver = Receiver(qq(stage), stage.credentials)
    assert isinstance(stage.sandbox, QQSandbox)
    async with serve(receiver.app) as url:
        about = {"account": stage.account, "url": f"{url}/hook"}
        await stage.http.post(f"{stage.base_url}/control/webhook", json=about)
        await stage.public("mention", account=stage.account, author={"id": "M1"}, text="在吗", group="G9")
        await stage.sandbox.pusher.drained()
    (received,) = receiver.got
    (said,) = received.events
    assert isinstance(said, InteractionEvent)
    assert (said.kind, said.author_id, said.text) == (InteractionKind.MENTION, "M1", "在吗")
    assert said.context == {"group_openid": "G9"}
    assert received.answer.body == '{"op":12}'


async def test_other_events_are_kept_raw(stage: Stage) -> None:
    body = b'{"id": "e1", "op": 0, "t": "GROUP_DEL_ROBOT", "d": {"group_openid": "G1"}}'
    request = TestQQ().webhook(stage.credentials, datetime.now(UTC), body=body)
    assert qq(stage).receive(request, stage.credentials).events == (AccountEvent(name="GROUP_DEL_ROBOT"),)
