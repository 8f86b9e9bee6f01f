"""WeChat's callback: the worked vectors, every mode, and everything that must be refused."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from drumtower.adapters.wechat.adapter import WeChatAdapter
from drumtower.domain.interactions import InteractionKind
from drumtower.http import client
from drumtower.platforms import (
    AccountEvent,
    Credentials,
    InteractionEvent,
    OutcomeEvent,
    Received,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.platforms.signatures import sorted_sha1
from drumtower.sandbox.sealed import cdata, element, encrypt, sign
from tests.adapters.wechat_stage import challenge, push, text_xml

AT = datetime.fromtimestamp(1767225600, UTC)
TOKEN, NONCE = "opsWxToken2026", "837465029"
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = "gh_0a1b2c3d4e5f"
XML = (
    "<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName>"
    "<FromUserName><![CDATA[oUser00000000000000000000001]]></FromUserName><CreateTime>1767225600</CreateTime>"
    "<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>24000000000000001</MsgId></xml>"
)
ENCRYPT = (
    "Q3stYC6hdFzMh9T8HCvyDFYqp+WRA4JhXTSMyMJMcetdiNVcMrNQ+2F56y/mfUu3Y4LInJDVRkvC9NdfgBajX6iiH0b3eYx4BrQj38aij6GV"
    "sretRh+BY2s+ShTVXdbeRalRDbAiutSr3QIa01TsGmJN97jzXSmWpRxMYMhd5ySJ+xF95DgTMQxaH+yAW8vwQ+i7S921Uz1uB0AKyV+2a3vu"
    "pwk0Aq0mhaAg8S524wxA3XeEJOHs4TxX5XOymVFd/GsaRDRwXqWl+11Mkfu+RhI5uP0/XNUAj0MphkU8uwSnf0iKwTIjYuOjQgSa3mj9tziK"
    "r0At+vj/OaHx+pYXtpLKaTevJUD9qd0bxAAeVnBlIubl/VJgM+0VKdbABGO9S0blRGDyPcMXifbHW5hfGsOyezzlpiTnmyYwAbb2aPg="
)
MSG_SIGNATURE = "9f6f9c8d5e99fd34a655d25d464ddcb94b0d849b"
GRANTED = {"app_id": "wx0123456789abcdef", "app_secret": "s" * 32, "token": TOKEN, "account": ACCOUNT}
SAFE = Credentials(values={**GRANTED, "encoding_aes_key": KEY}, account_id=ACCOUNT)
PLAIN = Credentials(values=GRANTED, account_id=ACCOUNT)
ADAPTER = WeChatAdapter(client(), "http://127.0.0.1:9")


def receive(request: WebhookRequest, credentials: Credentials = SAFE) -> Received:
    return ADAPTER.receive(request, credentials)


def refused(request: WebhookRequest, credentials: Credentials = SAFE) -> str:
    with pytest.raises(WebhookRefused) as caught:
        ADAPTER.receive(request, credentials)
    return caught.value.code


def the_vector(body: bytes | None = None, at: datetime = AT) -> WebhookRequest:
    query = {"timestamp": "1767225600", "nonce": NONCE, "encrypt_type": "aes", "msg_signature": MSG_SIGNATURE}
    sealed = f"<xml>{cdata('ToUserName', ACCOUNT)}{cdata('Encrypt', ENCRYPT)}</xml>".encode()
    return WebhookRequest(method="POST", query=query, headers={}, body=body or sealed, received_at=at)


class TestVectors:
    def test_address_check(self) -> None:
        expected = "e4a4a1cd86f1792634ecf73373d72f4abdb3b847"
        assert sorted_sha1(TOKEN, "1767225600", NONCE) == expected
        assert sign(TOKEN, "1767225600", NONCE) == expected
        assert (
            ADAPTER.challenge(challenge(PLAIN, AT, "5837397576500011341"), PLAIN).body
            == "5837397576500011341"
        )

    def test_the_sandbox_seals_the_vector(self) -> None:
        assert encrypt(XML, KEY, "wx0123456789abcdef", b"0123456789abcdef") == ENCRYPT
        assert sign(TOKEN, "1767225600", NONCE, ENCRYPT) == MSG_SIGNATURE

    def test_the_adapter_opens_it(self) -> None:
        received = receive(the_vector())
        (said,) = received.events
        assert isinstance(said, InteractionEvent)
        assert (said.text, said.external_id, said.author_id) == (
            "你好",
            "24000000000000001",
            "oUser00000000000000000000001",
        )
        assert (said.kind, said.occurred_at) == (InteractionKind.MESSAGE, AT)
        assert received.event_key == "message:24000000000000001"
        assert (received.answer.status, received.answer.body) == (200, "success")


class TestModes:
    @pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
    def test_the_same_message(self, mode: str) -> None:
        credentials = PLAIN if mode == "plain" else SAFE
        sealed = receive(push(SAFE, XML, AT, mode=mode), credentials)
        assert sealed == receive(the_vector())

    def test_compatible_without_a_key_reads_the_plain_part(self) -> None:
        assert receive(push(SAFE, XML, AT, mode="compatible"), PLAIN) == receive(the_vector())

    def test_compatible_with_a_key_ignores_the_plain_part(self) -> None:
        request = push(SAFE, XML, AT, mode="compatible")
        forged = request.body.replace("你好".encode(), "转账".encode())
        assert forged != request.body
        (said,) = receive(replace(request, body=forged)).events
        assert isinstance(said, InteractionEvent)
        assert said.text == "你好"

    def test_plain_text_is_refused_where_a_key_is_held(self) -> None:
        assert refused(push(SAFE, XML, AT, mode="plain")) == "encryption_required"

    def test_safe_mode_without_a_key_is_refused(self) -> None:
        assert refused(push(SAFE, XML, AT), PLAIN) == "encryption_required"


class TestForged:
    @pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
    def test_any_signed_value_changed(self, name: str) -> None:
        request = push(SAFE, XML, AT)
        value = request.query[name]
        for index in range(len(value)):
            changed = value[:index] + ("1" if value[index] == "0" else "0") + value[index + 1 :]
            assert refused(replace(request, query={**request.query, name: changed})) == "signature_invalid"

    @pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
    def test_a_value_left_out(self, name: str) -> None:
        request = push(SAFE, XML, AT)
        query = {key: value for key, value in request.query.items() if key != name}
        assert refused(replace(request, query=query)) == "signature_invalid"

    def test_every_byte_of_the_sealed_part_counts(self) -> None:
        for index in range(0, len(ENCRYPT) - 2, 7):
            changed = ENCRYPT[:index] + ("A" if ENCRYPT[index] != "A" else "B") + ENCRYPT[index + 1 :]
            body = f"<xml>{cdata('Encrypt', changed)}</xml>".encode()
            assert refused(the_vector(body)) == "signature_invalid"

    def test_the_plain_signature_does_not_do_for_a_sealed_body(self) -> None:
        request = push(SAFE, XML, AT)
        query = {**request.query, "msg_signature": request.query["signature"]}
        assert refused(replace(request, query=query)) == "signature_invalid"

    def test_plain_mode_checks_its_signature(self) -> None:
        request = push(SAFE, XML, AT, mode="plain")
        assert (
            refused(replace(request, query={**request.query, "signature": "0" * 40}), PLAIN)
            == "signature_invalid"
        )

    @pytest.mark.parametrize("seconds", [301, -301, 86400])
    def test_stale(self, seconds: int) -> None:
        assert refused(the_vector(at=AT + timedelta(seconds=seconds))) == "timestamp_stale"

    @pytest.mark.parametrize("seconds", [299, -299])
    def test_fresh_enough(self, seconds: int) -> None:
        assert receive(the_vector(at=AT + timedelta(seconds=seconds))).events

    @pytest.mark.parametrize(
        "stamp", ["", "-1767225600", "1767225600.0", "1767225600000", "253402300799", "１７６７２２５６００"]
    )
    def test_stamps_that_are_none(self, stamp: str) -> None:
        query = {"timestamp": stamp, "nonce": NONCE, "signature": sorted_sha1(TOKEN, stamp, NONCE)}
        request = WebhookRequest(method="POST", query=query, headers={}, body=XML.encode(), received_at=AT)
        assert refused(request, PLAIN) == "timestamp_stale"

    def test_another_app(self) -> None:
        other = Credentials(values={**SAFE.values, "app_id": "wxffffffffffffffff"})
        assert refused(push(other, XML, AT)) == "appid_mismatch"

    def test_another_account(self) -> None:
        assert refused(push(SAFE, text_xml("gh_somebodyelse", "你好", AT), AT)) == "appid_mismatch"

    def test_another_key(self) -> None:
        other = Credentials(values={**SAFE.values, "encoding_aes_key": KEY[::-1]})
        assert refused(push(other, XML, AT)) in {"body_malformed", "appid_mismatch"}


def sealed_raw(plain: bytes) -> WebhookRequest:
    """A properly signed request around any padded plain text."""
    key = base64.b64decode(KEY + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()
    query = {
        "timestamp": "1767225600",
        "nonce": NONCE,
        "msg_signature": sign(TOKEN, "1767225600", NONCE, sealed),
    }
    body = f"<xml>{cdata('Encrypt', sealed)}</xml>".encode()
    return WebhookRequest(method="POST", query=query, headers={}, body=body, received_at=AT)


def padded(content: bytes, pad: int) -> bytes:
    return content + bytes([pad]) * pad


class TestMalformed:
    @pytest.mark.parametrize(
        "plain",
        [
            b"\x00" * 32,  # pad 0
            b"a" * 63 + b"\x21",  # pad 33
            b"a" * 30 + b"\x01\x02",  # not all alike
            padded(b"", 16),  # nothing but padding
            padded(b"0123456789abcdef" + (999).to_bytes(4, "big") + b"<xml/>", 22),  # cut short
            padded(b"0123456789abcdef" + b"\xff" * 4 + b"<xml/>", 22),
        ],
    )
    def test_bad_padding_and_lengths(self, plain: bytes) -> None:
        assert refused(sealed_raw(plain)) == "body_malformed"

    def test_the_padding_block_is_32(self) -> None:
        xml = XML.encode()
        for pad, refusal in ((32, None), (33, "body_malformed")):
            wide = xml + b" " * (-(16 + 4 + len(xml) + 18 + pad) % 16)
            content = b"0123456789abcdef" + len(wide).to_bytes(4, "big") + wide + b"wx0123456789abcdef"
            request = sealed_raw(padded(content, pad))
            assert refused(request) == refusal if refusal else receive(request).events

    def test_a_block_cut_in_two(self) -> None:
        sealed = base64.b64encode(b"short").decode()
        query = {
            "timestamp": "1767225600",
            "nonce": NONCE,
            "msg_signature": sign(TOKEN, "1767225600", NONCE, sealed),
        }
        body = f"<xml>{cdata('Encrypt', sealed)}</xml>".encode()
        request = WebhookRequest(method="POST", query=query, headers={}, body=body, received_at=AT)
        assert refused(request) == "body_malformed"

    @pytest.mark.parametrize(
        "xml",
        [
            "",
            "{}",
            "<xml>",
            "<xml><MsgType>text</MsgType></xml>",
            XML.replace("24000000000000001", "2" * 200),
            XML.replace("1767225600", "soon"),
            XML.replace("1767225600", "99999999999"),
            XML.replace("<MsgId>24000000000000001</MsgId>", ""),
            XML.replace("你好", "]]> 你好"),
            '<!DOCTYPE xml [<!ENTITY a "a">]>' + XML,
            '<!DOCTYPE xml SYSTEM "http://127.0.0.1/x">' + XML,
            '<!DOCTYPE xml [<!ENTITY a "' + "a" * 300 + '">]><xml>' + "&a;" * 200 + "</xml>",
            '<?xml version="1.0" encoding="utf-7"?>' + XML,
            '<?xml version="1.0" encoding="none-such"?>' + XML,
            "<a>" * 3000 + "</a>" * 3000,
        ],
    )
    @pytest.mark.parametrize("credentials", [SAFE, PLAIN], ids=["safe", "plain"])
    def test_what_is_inside(self, xml: str, credentials: Credentials) -> None:
        request = push(SAFE, xml, AT, mode="safe" if credentials is SAFE else "plain")
        assert refused(request, credentials) == "body_malformed"

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"not xml", b"<xml>\x00</xml>"])
    def test_the_envelope(self, body: bytes) -> None:
        assert refused(push(SAFE, XML, AT, body=body)) == "body_malformed"

    @pytest.mark.parametrize("credentials", [SAFE, PLAIN], ids=["safe", "plain"])
    def test_too_large(self, credentials: Credentials) -> None:
        assert refused(push(SAFE, XML, AT, body=b"<" * (64 * 1024 + 1)), credentials) == "body_too_large"

    @pytest.mark.parametrize("echo", ["", "a" * 1025])
    def test_hostile_echo(self, echo: str) -> None:
        with pytest.raises(WebhookRefused):
            ADAPTER.challenge(challenge(PLAIN, AT, echo), PLAIN)

    def test_no_refusal_names_a_secret(self) -> None:
        with pytest.raises(WebhookRefused) as caught:
            receive(push(PLAIN, XML, AT, mode="plain"))
        assert TOKEN not in str(caught.value)
        assert KEY not in str(caught.value)
        assert TOKEN not in repr(SAFE)


def event_xml(name: str, fields: str = "", at: datetime = AT) -> str:
    return (
        f"<xml>{cdata('ToUserName', ACCOUNT)}{cdata('FromUserName', 'oSystem')}"
        f"{element('CreateTime', int(at.timestamp()))}{cdata('MsgType', 'event')}{cdata('Event', name)}{fields}</xml>"
    )


def job_xml(status: int, publish_id: str = "2247503051", name: str = "PUBLISHJOBFINISH") -> str:
    url = "http://mp.weixin.qq.com/s?__biz=MzI&mid=2247483650&idx=1&sn=ab"
    detail = f"<article_detail><count>1</count><item><idx>1</idx>{cdata('article_url', url)}</item></article_detail>"
    out = (
        cdata("article_id", "b5O2OU") + detail
        if status in (0, 5)
        else "<fail_idx>1</fail_idx><fail_idx>3</fail_idx>"
    )
    info = element("publish_id", publish_id) + element("publish_status", status) + out
    return event_xml(name, f"<PublishEventInfo>{info}</PublishEventInfo>")


class TestEvents:
    @pytest.mark.parametrize("name", ["PUBLISHJOBFINISH", "FREEPUBLISHJOBFINISH"])
    def test_a_finished_publish(self, name: str) -> None:
        (event,) = receive(push(SAFE, job_xml(0, name=name), AT)).events
        assert isinstance(event, OutcomeEvent)
        assert event.outcome is not None
        assert event.handle == {"publish_id": "2247503051"}
        assert event.outcome.external_id == "b5O2OU"
        assert event.outcome.url == "https://mp.weixin.qq.com/s?__biz=MzI&mid=2247483650&idx=1&sn=ab"
        assert event.outcome.context["msg_data_id"] == "2247483650"
        assert event.outcome.published_at == AT

    @pytest.mark.parametrize("status", [2, 3, 4, 6])
    def test_a_refused_publish(self, status: int) -> None:
        (event,) = receive(push(SAFE, job_xml(status), AT)).events
        assert isinstance(event, OutcomeEvent)
        assert event.outcome is None
        assert event.refusal is not None
        assert event.refusal.endswith("(article 1, 3)")

    def test_still_at_work_settles_nothing(self) -> None:
        (event,) = receive(push(SAFE, job_xml(1), AT)).events
        assert event == AccountEvent(name="PUBLISHJOBFINISH")

    @pytest.mark.parametrize(
        "url", ["javascript://mp.weixin.qq.com/%0aalert(1)", "http://evil.example/s", "http://[::1"]
    )
    def test_a_foreign_link_is_dropped(self, url: str) -> None:
        xml = job_xml(0).replace("http://mp.weixin.qq.com/s?__biz=MzI&mid=2247483650&idx=1&sn=ab", url)
        (event,) = receive(push(SAFE, xml, AT)).events
        assert isinstance(event, OutcomeEvent)
        assert event.outcome is not None
        assert event.outcome.url is None

    def test_a_success_without_an_article_is_malformed(self) -> None:
        xml = job_xml(0).replace(cdata("article_id", "b5O2OU"), "")
        assert refused(push(SAFE, xml, AT)) == "body_malformed"

    def test_two_jobs_in_one_second_are_two_events(self) -> None:
        keys = {receive(push(SAFE, job_xml(0, number), AT)).event_key for number in ("1", "2", "2")}
        assert len(keys) == 2

    def test_events_are_deduped_by_sender_and_second(self) -> None:
        later = AT + timedelta(seconds=1)
        pushes = [push(SAFE, event_xml("subscribe", at=at), AT) for at in (AT, AT, later)]
        keys = [receive(request).event_key for request in pushes]
        assert keys[0] == keys[1] != keys[2]
        assert receive(pushes[0]).events == (AccountEvent(name="subscribe"),)

    @pytest.mark.parametrize(
        ("kind", "fields", "text"),
        [
            ("image", cdata("PicUrl", "http://x/1") + cdata("MediaId", "m"), "[image]"),
            ("voice", cdata("MediaId", "m") + cdata("Format", "amr"), "[voice]"),
            ("link", cdata("Title", "鼓楼") + cdata("Url", "http://x/1"), "鼓楼\nhttp://x/1"),
            ("location", element("Location_X", "39.9") + cdata("Label", "鼓楼东大街"), "鼓楼东大街"),
        ],
    )
    def test_other_messages_keep_what_they_carry(self, kind: str, fields: str, text: str) -> None:
        xml = XML.replace("[text]", f"[{kind}]").replace("<Content><![CDATA[你好]]></Content>", fields)
        article = element("MsgDataId", 2247483650) + element("Idx", 1) + "</xml>"
        (event,) = receive(push(SAFE, xml.replace("</xml>", article), AT)).events
        assert isinstance(event, InteractionEvent)
        assert event.text == text
        assert event.context["message_type"] == kind
        assert event.context["MsgDataId"] == "2247483650"
