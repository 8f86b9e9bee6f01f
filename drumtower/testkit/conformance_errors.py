"""Rules for errors the platform documents, for rate limits, and for secrets that must not show."""

import logging
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from drumtower.domain import failures
from drumtower.platforms import Meaning, PlatformError
from drumtower.platforms.errors import LONGEST_WAIT, failure_for
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_stage import Hooks, Stage


def _seconds(_: datetime) -> str:
    return "90"


def _http_date(now: datetime) -> str:
    return format_datetime(now + timedelta(seconds=90), usegmt=True)


RETRY_AFTER = {"seconds": _seconds, "http date": _http_date}


class ErrorRules(Hooks):
    """Each listed code, in the platform's own envelope, becomes the failure its rule says."""

    async def test_a_listed_code_on_publish(self, stage: Stage, listed_code: str) -> None:
        stage.break_with(self._on_publish(listed_code))
        rule = failure_for(self.errors[listed_code], listed_code, once=True, now=datetime.now(UTC))
        expected = self.outcomes.get(listed_code, type(rule))
        outcome: object
        try:
            outcome = await stage.publish(stage.request(self.message("错误码")))
        except PlatformError as error:
            outcome = error.failure
        assert stage.sandbox.faults.fired == 1, "the fault did not fire: is publish_path right?"
        assert isinstance(outcome, expected), outcome
        assert not self.published(stage.sandbox)

    async def test_a_listed_code_says_what_the_platform_said(self, stage: Stage) -> None:
        code = next(code for code in sorted(self.errors) if code not in self.outcomes)
        stage.break_with(self._on_publish(code, said="平台原话 platform words"))
        with pytest.raises(PlatformError) as caught:
            await stage.publish(stage.request(self.message("错误原话")))
        assert "平台原话" in caught.value.failure.detail
        assert caught.value.failure.platform_code == code

    async def test_an_unlisted_code_is_unknown(self, stage: Stage) -> None:
        code = "987654"
        assert code not in self.errors
        stage.break_with(self._on_publish(code))
        with pytest.raises(PlatformError) as caught:
            await stage.publish(stage.request(self.message("没见过的错误码")))
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)

    async def test_a_listed_code_on_a_harmless_call_is_never_unknown(self, stage: Stage) -> None:
        for code in self.errors:
            stage.break_with(self.error(code).model_copy(update={"times": 10}))
            with pytest.raises(PlatformError) as caught:
                await stage.adapter.identify(stage.credentials)
            assert not isinstance(caught.value.failure, failures.OutcomeUnknown), code
            stage.mend()

    @pytest.mark.parametrize("form", RETRY_AFTER)
    async def test_retry_after_is_kept(self, stage: Stage, form: str) -> None:
        now = datetime.now(UTC)
        failure = await self._limited(stage, RETRY_AFTER[form](now))
        assert failure.until is not None
        assert timedelta(seconds=85) <= failure.until - now <= timedelta(seconds=120)

    @pytest.mark.parametrize("form", RETRY_AFTER)
    async def test_retry_after_beats_the_table(self, stage: Stage, form: str) -> None:
        limits = (Meaning.RATE_LIMITED, Meaning.APP_RATE_LIMITED)
        code = next((code for code, rule in self.errors.items() if rule.meaning in limits), None)
        if code is None:
            pytest.skip(f"{self.adapter.__name__} lists no rate limit")
        now = datetime.now(UTC)
        stage.break_with(self._on_publish(code, headers={"retry-after": RETRY_AFTER[form](now)}))
        with pytest.raises(PlatformError) as caught:
            await stage.publish(stage.request(self.message("超限")))
        failure = caught.value.failure
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        assert timedelta(seconds=85) <= failure.until - now <= timedelta(seconds=120)

    @pytest.mark.parametrize(
        "value", ["Wed, 99 Foo", "-5", "1e9", "99999999999", "", "½", "Sun, 06 Nov 1994 08:49:37 GMT"]
    )
    async def test_nonsense_in_retry_after_harms_nothing(self, stage: Stage, value: str) -> None:
        stage.break_with(
            Fault(
                path=self.publish_path, status=429, headers={"retry-after": value.encode().decode("latin-1")}
            )
        )
        with pytest.raises(PlatformError) as caught:
            await stage.publish(stage.request(self.message("超限")))
        failure = caught.value.failure
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is None or failure.until - datetime.now(UTC) <= LONGEST_WAIT

    async def _limited(self, stage: Stage, value: str) -> failures.RateLimited:
        stage.break_with(Fault(path=self.publish_path, status=429, headers={"retry-after": value}))
        with pytest.raises(PlatformError) as caught:
            await stage.publish(stage.request(self.message("超限")))
        assert isinstance(caught.value.failure, failures.RateLimited)
        return caught.value.failure

    def _on_publish(self, code: str, said: str = "said", headers: dict[str, str] | None = None) -> Fault:
        fault = self.error(code, said)
        return fault.model_copy(
            update={"path": self.publish_path, "headers": fault.headers | (headers or {})}
        )


class SecrecyRules(Hooks):
    """No token in a log record, a repr or an exception, whatever the platform says."""

    async def test_secrets_show_nowhere(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="httpx")  # another test may have quietened it
        seen = [await self._healthy(stage)]
        for fault in (Fault(status=500), Fault(status=403, body="{}"), *self._telling(stage)):
            stage.break_with(fault.model_copy(update={"path": self.publish_path}))
            with pytest.raises(PlatformError) as caught:
                await stage.publish(stage.request(self.message("保密")))
            seen += [
                *traceback.format_exception(caught.value),
                repr(caught.value),
                repr(caught.value.failure),
            ]
        seen += [f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records]
        for secret in self._secrets(stage):
            shown = [text for text in seen if secret in text]
            assert not shown, f"a secret shows: {shown[0].replace(secret, '<secret>')}"

    async def _healthy(self, stage: Stage) -> str:
        request = stage.request(self.message("一切正常"))
        outcome = await stage.publish(request)
        account = await stage.adapter.identify(stage.credentials)
        return repr((request, outcome, account, stage.credentials, stage.credentials.token, stage.adapter))

    def _telling(self, stage: Stage) -> list[Fault]:
        """The platform repeats our own token in its error text."""
        codes = [*[code for code in sorted(self.errors) if code not in self.outcomes][:2], "987654"]
        said = " ".join(self._secrets(stage))
        return [self.error(code, said) for code in codes]

    def _secrets(self, stage: Stage) -> list[str]:
        names = [field.name for field in stage.adapter.auth.fields if field.secret]
        values = [stage.credentials.values[name] for name in names if stage.credentials.values.get(name)]
        token = stage.credentials.token
        return values + ([value for value in (token.access, token.refresh) if value] if token else [])
