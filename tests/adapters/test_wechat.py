"""WeChat against the conformance suite, its error table, and who may call."""

import json
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drumtower.adapters.wechat.errors import RULES
from drumtower.domain import failures
from drumtower.platforms import (
    PostReference,
    StatsSource,
)
from drumtower.platforms.errors import failure_for
from drumtower.platforms.moments import BEIJING
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_stage import Stage
from drumtower.testkit.conformance_webhooks import WebhookRules
from tests.adapters.wechat_stage import (
    SUBMIT,
    PlainHooks,
    WeChatHooks,
    failure_of,
    refusal,
    wechat,
)

# Section 8 of the facts: every code, and what it must become where nothing else is proved.
CLASSES: dict[type[failures.Failure], Iterable[int]] = {
    failures.Transient: (-1, 40007, 45066, 61450, 61503, 89503, 89504, 89505, 268487001, 268487002),
    failures.AuthExpired: (40001, 40014, 42001, 42007),
    failures.Disconnected: (40013, 40125, 40243),
    failures.RateLimited: (45009, 45011, 45028, 48006, 53501),
    failures.NotPermitted: (
        *(40164, 43004, 43019, 45015, 45047, 45106, 47009, 48001, 48002, 48004, 48008, 48021, 48022),
        *(50001, 50002, 50005, 53404, 53405, 53406, 53500, 53504, 53505, 88000, 89506, 89507),
    ),
    failures.ContentRejected: (
        *(40002, 40003, 40004, 40005, 40006, 40008, 40009, 40010, 40011, 40012, 40029, 40032, 40033, 40035),
        *(40038, 40114, 40130, 40152, 40163, 40215, *range(41001, 41010), 41039, 41040, 43001, 43002, 43003),
        *(44001, 44002, 44003, 44004, 45001, 45002, 45003, 45004, 45005, 45008, 45067, 45072, 45080, 45081),
        *(45113, 45166, 46001, 46004, 47001, 47003, 53502, 53503, 53600, 61451, 61500, 61501),
        *(*range(65400, 65418), 76001, 76002, 76003, 76004, 76021, 76022, 87009),
        *(88001, 88002, 88003, 88004, 88007, 88008, 88009, 88010, 88011),
    ),
}
ALL_CODES = [(str(code), kind) for kind, codes in CLASSES.items() for code in codes]


class TestWeChatPlain(PlainHooks, WebhookRules):
    """Callbacks of an account that does not encrypt."""


class TestWeChat(WeChatHooks, AdapterConformance):
    """What the contract promises of every adapter, in safe mode."""

    readers = 0

    async def test_an_unknown_post_is_left_out(self, stage: Stage) -> None:
        """An article with fewer than three reads is unknown to the platform's statistics, so it is read first."""
        self.readers = 3
        await super().test_an_unknown_post_is_left_out(stage)

    async def _open_books(self, stage: Stage) -> tuple[StatsSource, PostReference]:
        source, reference = await super()._open_books(stage)
        await stage.public("read", post=reference.external_id, count=self.readers)
        return source, reference


class TestErrors(WeChatHooks):
    def test_the_table_is_whole(self) -> None:
        assert {code for code, _ in ALL_CODES} == set(RULES)

    async def test_every_code(self, stage: Stage) -> None:
        for code, kind in ALL_CODES:
            stage.break_with(Fault(path="draft/count", status=200, body=refusal(code, "说明")))
            failure = await failure_of(stage.adapter.identify(stage.credentials))
            assert isinstance(failure, kind), code
            assert failure.platform_code == code
            assert "说明" in failure.detail

    @pytest.mark.parametrize("code", ["-1", "40007", "61450", "89503", "99999"])
    async def test_no_proof_on_the_one_call(self, stage: Stage, code: str) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal(code)))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)

    async def test_the_daily_quota_opens_at_midnight_in_beijing(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal("45009")))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        opens = failure.until.astimezone(BEIJING)
        assert (opens.hour, opens.minute, opens.second) == (0, 0, 0)
        assert timedelta() < failure.until - datetime.now(UTC) <= timedelta(days=1)

    def test_midnight_is_beijing_not_greenwich(self) -> None:
        rule = RULES["45009"]
        late = failure_for(rule, "45009", once=False, now=datetime(2026, 1, 1, 15, 59, tzinfo=UTC))
        early = failure_for(rule, "45009", once=False, now=datetime(2026, 1, 1, 16, 0, tzinfo=UTC))
        assert isinstance(late, failures.RateLimited)
        assert isinstance(early, failures.RateLimited)
        assert late.until == datetime(2026, 1, 1, 16, tzinfo=UTC)
        assert early.until == datetime(2026, 1, 2, 16, tzinfo=UTC)

    async def test_a_minute_for_the_minute_limit(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=refusal("45011")))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        assert timedelta(seconds=50) < failure.until - datetime.now(UTC) <= timedelta(minutes=1)

    @pytest.mark.parametrize(
        "body", ["", "<html>", "[]", "null", '{"publish_id": null}', '{"publish_id": ""}']
    )
    async def test_a_submit_answer_that_proves_nothing(self, stage: Stage, body: str) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=body))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)

    async def test_an_endless_id_is_none(self, stage: Stage) -> None:
        stage.break_with(Fault(path=SUBMIT, status=200, body=json.dumps({"publish_id": "9" * 10_000})))
        failure = await failure_of(stage.publish(stage.request(self.message("你好"))))
        assert isinstance(failure, failures.OutcomeUnknown)


class TestAccess(WeChatHooks):
    async def test_the_stable_token_repeats(self, stage: Stage) -> None:
        assert stage.credentials.token is not None
        again = await wechat(stage).token(stage.credentials)
        assert again.access == stage.credentials.access
        assert again.expires_at is not None
        assert timedelta(hours=1) < again.expires_at - datetime.now(UTC) <= timedelta(hours=2)

    async def test_who_it_is(self, stage: Stage) -> None:
        account = await wechat(stage).identify(stage.credentials)
        assert account.id == stage.account == stage.credentials["account"]

    async def test_a_void_token_is_renewed_by_asking_again(self, stage: Stage) -> None:
        await stage.http.post(f"{stage.base_url}/control/tokens/void", json={"account": stage.account})
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        assert isinstance(failure, failures.AuthExpired)
        token = await wechat(stage).token(stage.credentials)
        assert await wechat(stage).identify(replace(stage.credentials, token=token))

    async def test_an_expired_token(self, stage: Stage) -> None:
        await stage.http.post(
            f"{stage.base_url}/control/tokens/age", json={"account": stage.account, "seconds": 7200}
        )
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        assert isinstance(failure, failures.AuthExpired)
        assert failure.platform_code == "42001"

    @pytest.mark.parametrize(("name", "code"), [("app_secret", "40125"), ("app_id", "40013")])
    async def test_wrong_credentials_are_a_persons_work(self, stage: Stage, name: str, code: str) -> None:
        wrong = replace(stage.credentials, values={**stage.credentials.values, name: "f" * 32})
        failure = await failure_of(wechat(stage).token(wrong))
        assert isinstance(failure, failures.Disconnected)
        assert failure.platform_code == code

    async def test_40001_on_the_token_call_is_the_secret(self, stage: Stage) -> None:
        stage.break_with(Fault(path="stable_token", status=200, body=refusal("40001")))
        failure = await failure_of(wechat(stage).token(stage.credentials))
        assert isinstance(failure, failures.Disconnected)

    async def test_a_wrong_aes_key_is_told_at_once(self, stage: Stage) -> None:
        wrong = replace(stage.credentials, values={**stage.credentials.values, "encoding_aes_key": "short"})
        assert isinstance(await failure_of(wechat(stage).identify(wrong)), failures.Disconnected)

    async def test_nothing_secret_is_logged_or_told(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, logger="httpx")
        token, secret = stage.credentials.access, stage.credentials["app_secret"]
        await stage.out(self.message("你好"))
        stage.break_with(
            Fault(path="draft/count", status=200, body=refusal("40001", f"bad {token} or {secret}"))
        )
        failure = await failure_of(wechat(stage).identify(stage.credentials))
        told = caplog.text + repr(failure) + repr(stage.credentials) + repr(stage.adapter)
        assert "access_token=***" in caplog.text  # the addresses are logged, without it
        assert token not in told
        assert secret not in told
