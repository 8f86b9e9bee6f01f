"""What the WeChat tests share: the platform's hooks for the suite, and signed callbacks."""

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from drumtower.adapters.wechat.adapter import WeChatAdapter
from drumtower.adapters.wechat.errors import RULES
from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Credentials,
    PlatformError,
    PostReference,
    Published,
    ReplyRequest,
    WebhookRequest,
)
from drumtower.sandbox.faults import Fault
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.sealed import cdata, element, sign
from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat import WeChatSandbox
from drumtower.sandbox.wechat.callbacks import envelope
from drumtower.testkit.conformance_stage import Hooks, Stage

SUBMIT = "freepublish/submit"
READER = "oReader0000000000000000000001"


def refusal(code: str, said: str = "refused") -> str:
    """The platform's error envelope; it comes with HTTP 200."""
    return json.dumps({"errcode": int(code), "errmsg": said}, ensure_ascii=False)


def push(
    credentials: Credentials, xml: str, at: datetime, *, mode: str = "safe", body: bytes | None = None
) -> WebhookRequest:
    """A callback as the platform signs it; `body` replaces what is sent."""
    query, sealed = envelope(xml, credentials.values, mode, at, "oUser00000000000000000000001")
    return WebhookRequest(
        method="POST", query=query, headers={}, body=sealed if body is None else body, received_at=at
    )


def text_xml(account: str, text: str, at: datetime, *, number: int = 24000000000000001) -> str:
    """A follower's text message."""
    return (
        f"<xml>{cdata('ToUserName', account)}{cdata('FromUserName', 'oUser00000000000000000000001')}"
        f"{element('CreateTime', int(at.timestamp()))}{cdata('MsgType', 'text')}{cdata('Content', text)}"
        f"{element('MsgId', number)}</xml>"
    )


def challenge(credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
    """The settings page's address check."""
    timestamp, nonce = str(int(at.timestamp())), "837465029"
    query = {"timestamp": timestamp, "nonce": nonce, "echostr": echo}
    query["signature"] = sign(credentials["token"], timestamp, nonce)
    return WebhookRequest(method="GET", query=query, headers={}, body=b"", received_at=at)


class WeChatHooks(Hooks):
    """WeChat as the conformance suite needs to know it."""

    adapter = WeChatAdapter
    sandbox = WeChatSandbox
    errors = RULES
    publish_path = SUBMIT
    reply_path = "comment/reply/add"
    message_path = "message/custom/send"
    deleting_options: ClassVar[Mapping[str, Any] | None] = {}
    signature_parameter = "msg_signature"
    challenge_parameter = "signature"
    body_is_signed = True
    mode = "safe"
    malformed = (b"", b"{}", b"<xml>", "<xml><MsgType>text</MsgType></xml>".encode("utf-16"))

    def error(self, code: str, said: str = "") -> Fault:
        return Fault(status=200, body=refusal(code, said))

    def prepared(self, sandbox: SandboxPlatform) -> list[Record]:
        return [*sandbox.store.all("drafts"), *sandbox.store.all("_media")]

    def stats_unknown(self, post_id: str) -> Fault:
        return Fault(path="getarticletotaldetail", status=200, body='{"list": [], "is_delay": false}')

    def webhook(
        self, credentials: Credentials, at: datetime, *, text: str = "在吗", body: bytes | None = None
    ) -> WebhookRequest:
        number = 24_000_000_000_000_000 + zlib.crc32(text.encode())
        xml = text_xml(credentials["account"], text, at, number=number)
        return push(credentials, xml if body is None else body.decode("utf-8", "replace"), at, mode=self.mode)

    def signed_places(self, body: bytes) -> Iterable[int]:
        """The sealed part; what stands around it decides nothing. Its last characters are base64's padding."""
        start = body.index(b"<Encrypt><![CDATA[") + len(b"<Encrypt><![CDATA[")
        return range(start, body.index(b"]]></Encrypt>"), 7)

    def challenge(self, credentials: Credentials, at: datetime, echo: str) -> WebhookRequest:
        return challenge(credentials, at, echo)


class PlainHooks(WeChatHooks):
    """An account without an EncodingAESKey; the signature of its pushes is that of the address check."""

    account_options: ClassVar[Mapping[str, Any]] = {"encoding_aes_key": ""}
    signature_parameter = "signature"
    body_is_signed = False
    mode = "plain"

    def credentials_of(self, account: Mapping[str, Any]) -> Credentials:
        return super().credentials_of({name: value for name, value in account.items() if value})


def wechat(stage: Stage) -> WeChatAdapter:
    """The stage's adapter, with all that WeChat's can do."""
    assert isinstance(stage.adapter, WeChatAdapter)
    return stage.adapter


def post(published: Published) -> PostReference:
    """The post as the core remembers it."""
    at = published.published_at or datetime.now(UTC)
    return PostReference(external_id=published.external_id, published_at=at, context=published.context)


def answer_to(stage: Stage, kind: InteractionKind, external_id: str, text: str, **more: Any) -> ReplyRequest:
    """An answer to what a reader said; `more` is the interaction's context."""
    return ReplyRequest(
        credentials=stage.credentials,
        text=text,
        kind=kind,
        external_id=external_id,
        author_id=READER,
        post_external_id=None,
        context=more,
        idempotency_key="k" * 32,
        created_at=datetime.now(UTC),
    )


async def failure_of(action: Any) -> failures.Failure:
    """Await what must fail, and return the failure it carries."""
    with pytest.raises(PlatformError) as caught:
        await action
    return caught.value.failure
