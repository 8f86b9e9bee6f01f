"""E-mail against a real SMTP server, the sandbox's: what the suite asks, what arrives, who is refused, what a break proves."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest

from drumtower import http
from drumtower.adapters.email.adapter import EmailAdapter
from drumtower.adapters.email.declaration import EmailOptions
from drumtower.domain import failures
from drumtower.domain.content import Kind
from drumtower.mail import Mailer, trusting
from drumtower.platforms import (
    Checkpoint,
    Credentials,
    Media,
    Message,
    PlatformError,
    Published,
    PublishRequest,
)
from drumtower.sandbox.email import EmailSandbox
from drumtower.sandbox.email.letters import parsed
from drumtower.sandbox.email.post import PostOffice, served
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.testkit.conformance_declaration import DeclarationRules, IdentityRules
from drumtower.testkit.conformance_errors import SecrecyRules
from drumtower.testkit.conformance_lost import CrashRules, LostAnswerRules
from drumtower.testkit.conformance_publishing import LimitRules, PublishingRules
from drumtower.testkit.conformance_stage import Stage

ANNA, BOB, CARL = "anna@example.com", "bob@example.org", "carl@example.net"


@dataclass(slots=True)
class Desk:
    """The adapter, a channel, and what the core keeps of a delivery between attempts."""

    box: EmailSandbox
    adapter: EmailAdapter
    account: Mapping[str, Any]
    checkpoint: Checkpoint = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    async def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def credentials(self) -> Credentials:
        given = {name: value for name, value in self.account.items() if name != "id"}
        values = given | {
            "recipients": f"{ANNA}, {BOB}\n{CARL}, {ANNA}",
            "unsubscribe": "https://gulou.example/unsubscribe?list=tea&language=zh-CN",
            "signature": "鼓楼茶 & 朋友\n地安门外大街 1 号",
        }
        return Credentials(values=values | self.values, account_id="news@gulou.example")

    def request(self, text: str = "新茶到了。", **fields: Any) -> PublishRequest:
        message = Message(title="秋茶 <上新>", text=text, body=text, kind=Kind.ARTICLE)
        return PublishRequest(
            credentials=self.credentials,
            message=replace(message, **fields),
            options=EmailOptions(preheader="先看这一句"),
            idempotency_key=KEY,
            created_at=datetime.now(UTC),
            checkpoint=dict(self.checkpoint),
            save=self.save,
        )

    async def refused(self, request: PublishRequest | None = None) -> failures.Failure:
        with pytest.raises(PlatformError) as caught:
            await self.adapter.publish(request or self.request())
        assert self.account["password"] not in str(caught.value)
        return caught.value.failure

    @property
    def letters(self) -> list[tuple[list[str], bytes]]:
        """What arrived: to whom, and its bytes."""
        return [(one["recipients"], one["raw"].encode()) for one in self.box.store.all("posts")]

    def letter(self) -> EmailMessage:
        return parsed(self.letters[-1][1])

    def say(self, step: str, said: str, times: int = 1) -> None:
        """Let the server answer a step with these words."""
        code, _, words = said.partition(" ")
        self.box.faults.waiting.append(Fault(path=step, status=int(code), body=words, times=times))

    def mend(self) -> None:
        self.box.faults.waiting.clear()


KEY = "0199c5c0000070008000000000000001"


def mailer(sandbox: EmailSandbox, answer_seconds: float = 3) -> Mailer:
    return Mailer(allow_private=True, tls=trusting(sandbox.certificate.public), answer_seconds=answer_seconds)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    box = EmailSandbox()
    async with httpx.AsyncClient() as web, box.running():
        account = box.add_account(address="news@gulou.example")
        yield Desk(box=box, adapter=EmailAdapter(web, mail=mailer(box)), account=account)


class TestEmail(
    DeclarationRules, IdentityRules, PublishingRules, LimitRules, LostAnswerRules, CrashRules, SecrecyRules
):
    """All of the suite but what asks for codes in an HTTP answer, numbers or feedback."""

    adapter = EmailAdapter
    sandbox = EmailSandbox
    publish_path = "DATA"
    # What RFC 5321, 4954 and 5248 give servers to say no with.
    statuses = (421, 450, 451, 452, 454, 500, 501, 503, 521, 530, 535, 550, 551, 552, 553, 554)
    proven_statuses: ClassVar[dict[int, type]] = {
        421: failures.RateLimited,
        **dict.fromkeys((450, 451, 452, 454), failures.Transient),
        530: failures.AuthExpired,
        **dict.fromkeys((500, 501, 503, 521, 535, 550, 551, 552, 553, 554), failures.ContentRejected),
    }
    errors: ClassVar[dict[str, Any]] = {}
    lost: ClassVar[dict[str, Fault]] = {
        "hangs": Fault(behaviour=Behaviour.HANG, seconds=60),
        "resets": Fault(behaviour=Behaviour.RESET),
        "half a reply": Fault(behaviour=Behaviour.HALF),
        "an odd code": Fault(status=299, body="queued?"),
        "go on": Fault(status=354),
        "see other": Fault(status=302, body="http://127.0.0.1:9/"),
        "long": Fault(status=250, body="x" * 10_000),
    }

    def speaking(self, sandbox: SandboxPlatform, http: httpx.AsyncClient, base_url: str) -> EmailAdapter:
        assert isinstance(sandbox, EmailSandbox)
        return EmailAdapter(http, base_url, mailer(sandbox, http.timeout.read or 3))

    def nobody(self, stage: Stage) -> Stage:
        values = {**stage.credentials.values, "port": "1"}
        return replace(stage, credentials=replace(stage.credentials, values=values))

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(status=550, body=said)

    async def test_the_control_plane_opens_logins_and_shows_what_was_taken(self, stage: Stage) -> None:
        account = (await stage.http.post(f"{stage.base_url}/control/accounts", json={"name": "钟"})).json()
        stage = replace(stage, credentials=self.credentials_of(account))
        fault = json.loads(
            Fault(path="RCPT/bob@example.org", status=550, body="5.1.1 nobody").model_dump_json()
        )
        await stage.http.post(f"{stage.base_url}/control/faults", json=[fault])
        out = await stage.out(self.message("看得见"))
        (letter,) = (await stage.http.get(f"{stage.base_url}/control/state")).json()["posts"]
        assert letter["id"] == out.external_id
        assert letter["recipients"] == [ANNA, CARL]
        log = (await stage.http.get(f"{stage.base_url}/control/log")).json()
        assert [one["value"]["id"] for one in log if one["collection"] == "posts"] == [out.external_id]


def picture() -> Media:
    async def read(start: int = 0, end: int | None = None) -> bytes:
        return b"\xff\xd8\xff\xe0 a picture"[start:end]

    return Media(asset_id=uuid4(), content_type="image/jpeg", size=14, read=read, alt_text='红 "茶"')


async def test_a_letter_has_both_parts_its_picture_and_its_headers(desk: Desk) -> None:
    text = "一 <b>&\n.一个点开头\n\n看 https://gulou.example/tea"
    request = desk.request(text, media=(picture(),))
    out = await desk.adapter.publish(request)
    assert isinstance(out, Published)
    assert out.external_id == f"<{KEY}@gulou.example>"
    assert out.context == {"accepted": 3, "refused": {}}
    ((recipients, _),) = desk.letters
    assert recipients == [ANNA, BOB, CARL], "one letter, each recipient once"
    letter = desk.letter()
    assert (letter["Subject"], letter["Message-ID"]) == ("秋茶 <上新>", out.external_id)
    assert letter["From"] == letter["To"] == "鼓楼茶 <news@gulou.example>", "no recipient sees another"
    assert letter["List-Unsubscribe"] == "<https://gulou.example/unsubscribe?list=tea&language=zh-CN>"
    assert letter["List-Id"] == "<newsletter.gulou.example>"
    shown = desk.adapter.render(request)
    plain, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert page is not None
    sent = plain.get_content().replace("\r\n", "\n").rstrip("\n")
    assert sent == shown.text
    assert sent == f"{text}\n\n-- \n鼓楼茶 & 朋友\n地安门外大街 1 号"
    (file,) = [part for part in letter.walk() if part.get_content_type() == "image/jpeg"]
    assert file.get_content() == b"\xff\xd8\xff\xe0 a picture"
    cid, asset = file["Content-ID"].strip("<>"), request.message.media[0].asset_id
    assert shown.html is not None
    assert page.get_content().replace("\r\n", "\n") == shown.html.replace(f"asset:{asset}", f"cid:{cid}")
    assert "一 &lt;b&gt;&amp;<br />" in shown.html
    assert "先看这一句" in shown.html


async def test_a_repeat_is_the_same_letter_byte_for_byte(desk: Desk) -> None:
    media = (picture(),)
    await desk.adapter.publish(desk.request(media=media))
    desk.checkpoint.pop("recipients")
    await desk.adapter.publish(desk.request(media=media))
    assert desk.letters[0] == desk.letters[1]


async def test_who_is_refused_is_written_down_and_the_others_have_it(desk: Desk) -> None:
    desk.say(f"RCPT/{BOB}", "550 5.1.1 no such user")
    out = await desk.adapter.publish(desk.request())
    assert out.context == {"accepted": 2, "refused": {BOB: "550 5.1.1 no such user"}}
    again = await desk.adapter.publish(desk.request())
    assert again == out
    assert len(desk.letters) == 1, "nobody gets it twice"


async def test_who_is_refused_for_now_is_tried_again_alone_and_given_up_in_the_end(desk: Desk) -> None:
    desk.say(f"RCPT/{BOB}", "450 4.2.1 come back later", times=9)
    for _ in range(3):
        failure = await desk.refused()
        assert isinstance(failure, failures.Transient)
        assert "2 have it" in failure.detail
    out = await desk.adapter.publish(desk.request())
    assert out.context == {"accepted": 2, "refused": {BOB: "450 4.2.1 come back later"}}
    assert [to for to, _ in desk.letters] == [[ANNA, CARL]]


async def test_a_greylisted_recipient_gets_it_on_the_second_round(desk: Desk) -> None:
    desk.say(f"RCPT/{BOB}", "450 4.2.1 come back later")
    await desk.refused()
    out = await desk.adapter.publish(desk.request())
    assert out.context["accepted"] == 3
    assert [to for to, _ in desk.letters] == [[ANNA, CARL], [BOB]]


async def test_when_nobody_is_taken_nothing_is_sent(desk: Desk) -> None:
    desk.say("RCPT", "550 5.1.1 no such user", times=3)
    assert isinstance(await desk.refused(), failures.ContentRejected)
    assert desk.letters == []


async def test_a_connection_that_breaks_after_the_letter_left_proves_nothing(desk: Desk) -> None:
    desk.box.faults.waiting.append(Fault(path="DATA", behaviour=Behaviour.RESET, acts=True))
    assert isinstance(await desk.refused(), failures.OutcomeUnknown)
    assert len(desk.letters) == 1, "the server had it"


@pytest.mark.parametrize(
    ("step", "said", "expected"),
    [
        ("DATA", "554 5.7.1 spam", failures.ContentRejected),
        ("DATA", "451 4.3.0 try later", failures.Transient),
        ("DATA", "451 4.7.1 throttled", failures.RateLimited),
        ("MAIL", "530 5.7.0 log in", failures.AuthExpired),
        ("MAIL", "552 5.3.4 too large", failures.ContentRejected),
        ("MAIL", "553 5.7.1 not your address", failures.NotPermitted),
        ("MAIL", "421 4.7.0 too many connections", failures.RateLimited),
    ],
)
async def test_what_the_server_says_no_with(desk: Desk, step: str, said: str, expected: type) -> None:
    desk.say(step, said)
    failure = await desk.refused()
    assert isinstance(failure, expected), failure
    assert failure.platform_code == said[:3]
    assert desk.letters == []


async def test_a_wrong_password_and_a_good_one(desk: Desk) -> None:
    account = await desk.adapter.identify(desk.credentials)
    assert (account.id, account.name) == ("news@gulou.example", "鼓楼茶")
    desk.values = {"password": "wrong"}
    with pytest.raises(PlatformError) as caught:
        await desk.adapter.identify(desk.credentials)
    assert isinstance(caught.value.failure, failures.AuthExpired)


async def test_nothing_leaves_without_tls_or_with_a_certificate_that_proves_nothing(desk: Desk) -> None:
    strangers = EmailAdapter(desk.adapter.http, mail=Mailer(allow_private=True, answer_seconds=3))
    with pytest.raises(PlatformError) as caught:
        await strangers.publish(desk.request())
    assert isinstance(caught.value.failure, failures.Disconnected)
    office = PostOffice(faults=desk.box.faults, take=lambda *_: pytest.fail("taken"), log_in=lambda *_: True)
    async with served(office) as port:
        desk.values = {"port": str(port)}
        assert isinstance(await desk.refused(), failures.Disconnected)
    assert desk.letters == []


async def test_a_private_address_and_nobody_there_are_not_dialled(desk: Desk) -> None:
    guarded = EmailAdapter(desk.adapter.http, mail=Mailer())
    with pytest.raises(PlatformError) as caught:
        await guarded.publish(desk.request())
    assert isinstance(caught.value.failure, failures.Transient)
    desk.values = {"port": "1"}
    assert isinstance(await desk.refused(), failures.Transient)


async def test_after_the_deadline_nothing_leaves(desk: Desk) -> None:
    limit = http.deadline.set(time.monotonic() - 1)
    try:
        assert isinstance(await desk.refused(), failures.Transient)
    finally:
        http.deadline.reset(limit)
    assert desk.letters == []


@pytest.mark.parametrize("hostile", ["秋茶\r\nBcc: eve@example.com", "秋\n\n<script>", "茶\x00\x0b"])
async def test_a_header_can_not_be_forged(desk: Desk, hostile: str) -> None:
    desk.values = {"from_name": hostile}
    await desk.adapter.publish(desk.request(title=hostile))
    ((recipients, raw),) = desk.letters
    assert recipients == [ANNA, BOB, CARL]
    head = raw.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith(b"bcc") for line in head.splitlines())
    assert desk.letter()["Bcc"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "mail.example\r\nRCPT TO:<eve@example.com>"),
        ("port", "smtp"),
        ("from_address", "news@gulou.example>\r\nRCPT TO:<eve@example.com"),
        ("reply_to", "a@b@c"),
        ("recipients", "nobody"),
        ("recipients", ","),
        ("recipients", ",".join(f"r{number}@example.com" for number in range(101))),
        ("unsubscribe", "javascript:alert(1)"),
        ("unsubscribe", "https://gulou.example/" + "u" * 60),
    ],
)
async def test_a_configuration_that_can_not_be_used_says_so(desk: Desk, name: str, value: str) -> None:
    desk.values = {name: value}
    failure = await desk.refused()
    assert isinstance(failure, failures.NotPermitted)
    assert desk.letters == []


@pytest.mark.parametrize("over", [0, 1])
async def test_texts_at_the_limit_and_one_more(desk: Desk, over: int) -> None:
    request = desk.request("鼓" * (50_000 + over), title="钟" * 200)
    if over:
        assert isinstance(await desk.refused(request), failures.ContentRejected)
    else:
        await desk.adapter.publish(request)
        assert desk.letter()["Subject"] == "钟" * 200
        assert max(map(len, desk.letters[0][1].splitlines())) <= 998, "RFC 5322: the longest line"
