"""E-mail against a real SMTP server: what arrives, who is refused, and what a broken connection proves."""

import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from drumtower import http
from drumtower.adapters.email.adapter import EmailAdapter
from drumtower.adapters.email.declaration import EmailOptions
from drumtower.domain import failures
from drumtower.domain.content import Kind
from drumtower.mail import Mailer
from drumtower.platforms import (
    Checkpoint,
    Credentials,
    Media,
    Message,
    PlatformError,
    Published,
    PublishRequest,
)
from drumtower.platforms.declaration import problems_of
from tests.adapters.mail_server import PASSWORD, MailBox, certificate, mail_server

ANNA, BOB, CARL = "anna@example.com", "bob@example.org", "carl@example.net"


@dataclass(slots=True)
class Desk:
    """The adapter, a channel, and what the core keeps of a delivery between attempts."""

    box: MailBox
    adapter: EmailAdapter
    checkpoint: Checkpoint = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    async def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def credentials(self) -> Credentials:
        values = {
            "host": "localhost",
            "port": str(self.box.port),
            "username": "news",
            "password": PASSWORD,
            "from_address": "news@gulou.example",
            "from_name": "鼓楼茶",
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
        assert PASSWORD not in str(caught.value)
        return caught.value.failure


KEY = "0199c5c0000070008000000000000001"


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def desk(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> AsyncIterator[Desk]:
    mailer = Mailer(allow_private=True, tls=contexts[1], answer_seconds=3)
    async with httpx.AsyncClient() as web, mail_server(contexts[0]) as box:
        yield Desk(box=box, adapter=EmailAdapter(web, mail=mailer))


def picture() -> Media:
    async def read(start: int = 0, end: int | None = None) -> bytes:
        return b"\xff\xd8\xff\xe0 a picture"[start:end]

    return Media(asset_id=uuid4(), content_type="image/jpeg", size=14, read=read, alt_text='红 "茶"')


def test_the_declaration_is_whole() -> None:
    assert problems_of(EmailAdapter) == []


async def test_a_letter_has_both_parts_its_picture_and_its_headers(desk: Desk) -> None:
    text = "一 <b>&\n.一个点开头\n\n看 https://gulou.example/tea"
    request = desk.request(text, media=(picture(),))
    out = await desk.adapter.publish(request)
    assert isinstance(out, Published)
    assert out.external_id == f"<{KEY}@gulou.example>"
    assert out.context == {"accepted": 3, "refused": {}}
    ((recipients, _),) = desk.box.letters
    assert recipients == [ANNA, BOB, CARL], "one letter, each recipient once"
    letter = desk.box.letter()
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
    assert sent == f"{text}\n\n广告\n\n-- \n鼓楼茶 & 朋友\n地安门外大街 1 号"
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
    assert desk.box.letters[0] == desk.box.letters[1]


async def test_who_is_refused_is_written_down_and_the_others_have_it(desk: Desk) -> None:
    desk.box.refusals = {BOB: "550 5.1.1 no such user"}
    out = await desk.adapter.publish(desk.request())
    assert out.context == {"accepted": 2, "refused": {BOB: "550 5.1.1 no such user"}}
    again = await desk.adapter.publish(desk.request())
    assert again == out
    assert len(desk.box.letters) == 1, "nobody gets it twice"


async def test_who_is_refused_for_now_is_tried_again_alone_and_given_up_in_the_end(desk: Desk) -> None:
    desk.box.refusals = {BOB: "450 4.2.1 come back later"}
    for _ in range(3):
        failure = await desk.refused()
        assert isinstance(failure, failures.Transient)
        assert "2 have it" in failure.detail
    out = await desk.adapter.publish(desk.request())
    assert out.context == {"accepted": 2, "refused": {BOB: "450 4.2.1 come back later"}}
    assert [to for to, _ in desk.box.letters] == [[ANNA, CARL]]


async def test_a_greylisted_recipient_gets_it_on_the_second_round(desk: Desk) -> None:
    desk.box.refusals = {BOB: "450 4.2.1 come back later"}
    await desk.refused()
    desk.box.refusals = {}
    out = await desk.adapter.publish(desk.request())
    assert out.context["accepted"] == 3
    assert [to for to, _ in desk.box.letters] == [[ANNA, CARL], [BOB]]


async def test_when_nobody_is_taken_nothing_is_sent(desk: Desk) -> None:
    desk.box.refusals = dict.fromkeys((ANNA, BOB, CARL), "550 5.1.1 no such user")
    assert isinstance(await desk.refused(), failures.ContentRejected)
    assert desk.box.letters == []


async def test_a_connection_that_breaks_after_the_letter_left_proves_nothing(desk: Desk) -> None:
    desk.box.drop = True
    assert isinstance(await desk.refused(), failures.OutcomeUnknown)
    assert len(desk.box.letters) == 1, "the server had it"


@pytest.mark.parametrize(
    ("step", "said", "expected"),
    [
        ("content", "554 5.7.1 spam", failures.ContentRejected),
        ("content", "451 4.3.0 try later", failures.Transient),
        ("content", "451 4.7.1 throttled", failures.RateLimited),
        ("sender", "530 5.7.0 log in", failures.AuthExpired),
        ("sender", "552 5.3.4 too large", failures.ContentRejected),
        ("sender", "553 5.7.1 not your address", failures.NotPermitted),
        ("sender", "421 4.7.0 too many connections", failures.RateLimited),
    ],
)
async def test_what_the_server_says_no_with(desk: Desk, step: str, said: str, expected: type) -> None:
    setattr(desk.box, step, said)
    failure = await desk.refused()
    assert isinstance(failure, expected), failure
    assert failure.platform_code == said[:3]
    assert desk.box.letters == []


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
    async with mail_server(None) as open_box:
        desk.values = {"port": str(open_box.port)}
        assert isinstance(await desk.refused(), failures.Disconnected)
        assert open_box.letters == []


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
    assert desk.box.letters == []


@pytest.mark.parametrize("hostile", ["秋茶\r\nBcc: eve@example.com", "秋\n\n<script>", "茶\x00\x0b"])
async def test_a_header_can_not_be_forged(desk: Desk, hostile: str) -> None:
    desk.values = {"from_name": hostile}
    await desk.adapter.publish(desk.request(title=hostile))
    ((recipients, raw),) = desk.box.letters
    assert recipients == [ANNA, BOB, CARL]
    head = raw.partition(b"\r\n\r\n")[0]
    assert not any(line.lower().startswith(b"bcc") for line in head.splitlines())
    assert desk.box.letter()["Bcc"] is None


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
    assert desk.box.letters == []


@pytest.mark.parametrize("over", [0, 1])
async def test_texts_at_the_limit_and_one_more(desk: Desk, over: int) -> None:
    request = desk.request("鼓" * (50_000 + over), title="钟" * 200)
    if over:
        assert isinstance(await desk.refused(request), failures.ContentRejected)
    else:
        await desk.adapter.publish(request)
        assert desk.box.letter()["Subject"] == "钟" * 200
        assert max(map(len, desk.box.letters[0][1].splitlines())) <= 998, "RFC 5322: the longest line"
