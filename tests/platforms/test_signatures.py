"""Webhook schemes against the worked examples of the platforms' facts."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from drumtower.platforms import WebhookRefused, WebhookRequest
from drumtower.platforms.signatures import (
    BODY_LIMIT,
    check,
    check_age,
    check_sorted,
    hmac_sha256,
    json_body,
    sha1_over,
    sorted_sha1,
)

AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)  # 1700000000


class Push(BaseModel):
    """Any push."""

    event: str


def request(body: bytes = b'{"event": "x"}', query: dict[str, str] | None = None) -> WebhookRequest:
    return WebhookRequest(method="POST", query=query or {}, headers={}, body=body, received_at=AT)


def refusal(code: str) -> pytest.RaisesExc[WebhookRefused]:
    return pytest.raises(WebhookRefused, match=f"^{code}: ")


class TestDigests:
    def test_wecom_sorted_sha1(self) -> None:
        sealed = (
            "Q3stYC6hdFzMh9T8HCvyDMcgwplY8lHzT/2+mnw6v3uWrIfGNmlAgYrJsItWXJRk5MSASDv0+hXILMsz0wulbny2"
            "AP/CVau6RkUmthmZbfmwW/5Zv4crj3gE+kx4JE0/"
        )
        signature = sorted_sha1("demoToken", "1700000000", "n1", sealed)
        assert signature == "506b13e2f31809aa52fa9122d847a8b8d04a0b66"

    def test_douyin_sha1_over_the_raw_body(self) -> None:
        body = b'{"event":"verify_webhook","client_key":"","content":{"challenge":12345}}'
        secret = "0123456789abcdef0123456789abcdef"
        assert sha1_over(secret, body) == "74745991ee3b7d722f0ae126a4d40c0dcadcb19a"

    def test_bilibili_sha1_over_the_raw_body(self) -> None:
        assert sha1_over("secret", b"body") == "16d335e9e89439586140f1ab58ccd5d60b998b92"

    def test_linkedin_challenge_and_event(self) -> None:
        code = b"890e4665-4dfe-4ab1-b689-ed553bceeed0"
        expected = "557f952ac259485d56422913b082abbb8ebe810bdd38c0e8626dcdea6c4195a1"
        assert hmac_sha256("demo-client-secret", code) == expected
        body = (
            b'{"type":"ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS","notifications":[{"notificationId":1001,'
            b'"organizationalEntity":"urn:li:organization:123","action":"COMMENT"}]}'
        )
        expected = "d5e069929f7325ae9205c4aa2ccf8ec31fa0c83a974c5fa1f921a80ad6581d37"
        assert hmac_sha256("demo-client-secret", b"hmacsha256=" + body) == expected


class TestChecks:
    @pytest.mark.parametrize("given", ["", "aaaa", "\ud800", "ａ" * 40, sorted_sha1("b")])
    def test_another_signature_is_refused(self, given: str) -> None:
        with refusal("signature_invalid"):
            check(given, sorted_sha1("a"))

    @pytest.mark.parametrize("seconds", [-301, 301, 10**6])
    def test_a_stale_stamp_is_refused(self, seconds: int) -> None:
        check_age("1700000000", AT + timedelta(seconds=300))
        with refusal("timestamp_stale"):
            check_age("1700000000", AT + timedelta(seconds=seconds))

    @pytest.mark.parametrize(
        "stamp", ["", "soon", "-1", "1e9", "１７０００００００００", "9" * 40, "1700000000000"]
    )
    def test_what_is_no_stamp_is_refused(self, stamp: str) -> None:
        with refusal("timestamp_stale"):
            check_age(stamp, AT)

    def test_milliseconds_where_the_platform_writes_them(self) -> None:
        check_age("1700000000000", AT, milliseconds=True)

    def test_the_wechat_family_checks_both(self) -> None:
        query = {"timestamp": "1700000000", "nonce": "n1"}
        check_sorted(request(query=query | {"signature": sorted_sha1("t", "1700000000", "n1")}), "t")
        with refusal("signature_invalid"):
            check_sorted(request(query=query | {"signature": sorted_sha1("t", "1700000000", "n2")}), "t")

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{", b"\xff", b'{"event": 1}', b"[" * 60_000, b'{"event": "\\ud800"}'[:-2]]
    )
    def test_what_is_no_push_is_malformed(self, body: bytes) -> None:
        with refusal("body_malformed"):
            json_body(request(body), Push)

    def test_a_large_body_is_not_read(self) -> None:
        assert json_body(request(b'{"event": "x"}'.ljust(BODY_LIMIT)), Push).event == "x"
        with refusal("body_too_large"):
            json_body(request(b'{"event": "x"}'.ljust(BODY_LIMIT + 1)), Push)
