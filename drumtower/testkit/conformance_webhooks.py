"""Rules for webhooks: only what the platform signed, just now, for this account, in the platform's form."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drumtower.platforms import (
    Credentials,
    InteractionEvent,
    WebhookReceiver,
    WebhookRefused,
    WebhookRequest,
)
from drumtower.testkit.conformance_stage import Hooks, Stage

NOW = datetime.now(UTC).replace(microsecond=0)
MALFORMED = (
    b"",
    b" ",
    b"{",
    b"{}",
    b"[]",
    b"null",
    b'"x"',
    b"7",
    b"\xff\xfe\x00",
    b'{"type": 1}',
    b'{"type": null, "receiver_id": [], "sender_id": {}, "created_at": 5}',
    b"[" * 60_000,
    b"<xml>",
    b"<html></html>",
    "\ufeff{}".encode("utf-16"),
)


class WebhookRules(Hooks):
    """What is forged, stale or malformed is refused with WebhookRefused, and with nothing else."""

    def _receiver(self, stage: Stage) -> WebhookReceiver:
        if not isinstance(stage.adapter, WebhookReceiver):
            pytest.skip(f"{self.adapter.__name__} is no WebhookReceiver")
        return stage.adapter

    def _signed(self, stage: Stage, text: str = "在吗") -> WebhookRequest:
        self._receiver(stage)
        return replace(self.webhook(stage.credentials, NOW, text=text), received_at=NOW)

    async def test_a_signed_message_is_an_interaction(self, stage: Stage) -> None:
        if not self.tells_words:
            pytest.skip(f"{self.adapter.__name__}'s platform pushes nothing that people say")
        received = self._receiver(stage).receive(self._signed(stage, "你好，几点开门？👋"), stage.credentials)
        (event,) = received.events
        assert isinstance(event, InteractionEvent)
        assert event.text == "你好，几点开门？👋"
        assert event.author_id
        assert event.occurred_at.tzinfo is not None
        assert 0 < len(received.event_key) <= 200
        assert received.answer.status == 200

    async def test_a_replay_has_the_same_key_and_another_message_has_not(self, stage: Stage) -> None:
        receiver = self._receiver(stage)
        request = self._signed(stage)
        first, again = (receiver.receive(request, stage.credentials) for _ in range(2))
        other = receiver.receive(self._signed(stage, "另一句"), stage.credentials)
        assert first == again
        assert first.event_key != other.event_key
        assert not self.tells_words or first.events[0] != other.events[0]

    async def test_a_changed_signature_is_refused(self, stage: Stage) -> None:
        request = self._signed(stage)
        value = _value(request, self.signature_parameter)
        for place, character in enumerate(value):
            other = "0" if character != "0" else "1"
            self._no_event(
                stage,
                _with(request, self.signature_parameter, value[:place] + other + value[place + 1 :]),
            )
        for bad in ("", value[:-1], value + "0", value.upper() + "x", "签名", "\udcff"):
            self._no_event(stage, _with(request, self.signature_parameter, bad))

    async def test_a_missing_or_changed_parameter_is_refused(self, stage: Stage) -> None:
        request = self._signed(stage)
        for name in (self.signature_parameter, *self.signed_parameters):
            self._no_event(stage, _with(request, name, None))
        for name in self.signed_parameters:
            for bad in ("", "0", "-1", "1.5", "nan", "9" * 30, _value(request, name) + "1", "٣"):
                self._no_event(stage, _with(request, name, bad))

    async def test_a_changed_body_is_refused_where_it_is_signed(self, stage: Stage) -> None:
        self._receiver(stage)
        if not self.body_is_signed:
            pytest.skip(f"{self.adapter.__name__}'s platform does not sign bodies")
        request = self._signed(stage)
        for place in self.signed_places(request.body):
            flipped = bytes([request.body[place] ^ 1])
            changed = request.body[:place] + flipped + request.body[place + 1 :]
            self._no_event(stage, replace(request, body=changed))

    async def test_another_secret_is_refused(self, stage: Stage) -> None:
        self._receiver(stage)
        stranger = self.credentials_of(self.sandbox().add_account(**self.account_options))
        stranger = replace(stranger, account_id=stage.credentials.account_id)
        self._no_event(stage, replace(self.webhook(stranger, NOW), received_at=NOW))

    @pytest.mark.parametrize("seconds", [-299, -60, 0, 60, 299])
    async def test_a_fresh_stamp_is_taken(self, stage: Stage, seconds: int) -> None:
        request = self._stamped(stage, seconds)
        assert self._receiver(stage).receive(request, stage.credentials).events

    @pytest.mark.parametrize("seconds", [-86_400 * 365, -3600, -301, 301, 3600, 86_400 * 365])
    async def test_a_stale_stamp_is_refused(self, stage: Stage, seconds: int) -> None:
        self._no_event(stage, self._stamped(stage, seconds))

    def _stamped(self, stage: Stage, seconds: int) -> WebhookRequest:
        self._receiver(stage)
        if not self.signs_time:
            pytest.skip(f"{self.adapter.__name__}'s platform does not date its pushes")
        return replace(self.webhook(stage.credentials, NOW + timedelta(seconds=seconds)), received_at=NOW)

    @pytest.mark.parametrize("size", [1024 * 1024, 4 * 1024 * 1024])
    async def test_an_oversized_body_is_refused(self, stage: Stage, size: int) -> None:
        self._receiver(stage)
        request = replace(self.webhook(stage.credentials, NOW, text="长" * (size // 3)), received_at=NOW)
        assert len(request.body) >= size * 0.9
        self._no_event(stage, request)

    async def test_a_malformed_body_is_refused_though_it_is_signed(self, stage: Stage) -> None:
        self._receiver(stage)
        for body in (*MALFORMED, *self.malformed):
            self._no_event(stage, replace(self.webhook(stage.credentials, NOW, body=body), received_at=NOW))
            self._no_event(stage, replace(self._signed(stage), body=body))

    async def test_a_message_for_another_account_is_not_ours(self, stage: Stage) -> None:
        receiver = self._receiver(stage)
        if not self.names_account:
            pytest.skip(f"{self.adapter.__name__}'s platform does not name the account")
        other = replace(stage.credentials, account_id="1000000000001")
        try:
            received = receiver.receive(self._signed(stage), other)
        except WebhookRefused:
            return
        # One address for all accounts of an app: the push goes to the channel that it is for.
        assert received.account_id == stage.credentials.account_id
        assert not received.events

    async def test_the_address_check_gives_the_echo_back(self, stage: Stage) -> None:
        receiver = self._challenged(stage)
        for echo in self.echoes:
            request = replace(self.challenge(stage.credentials, NOW, echo), received_at=NOW)
            answer = receiver.challenge(request, stage.credentials)
            assert (answer.body, answer.content_type.partition(";")[0]) == self.echoed(
                stage.credentials, echo
            )
            assert "html" not in answer.content_type, "an echo that a browser reads as a page is a hole"

    async def test_a_forged_address_check_is_refused(self, stage: Stage) -> None:
        receiver = self._challenged(stage)
        if not self.challenge_is_signed:
            pytest.skip(f"{self.adapter.__name__}'s platform does not sign its address check")
        good = replace(self.challenge(stage.credentials, NOW, "5938472839402"), received_at=NOW)
        stale = replace(good, received_at=NOW + timedelta(seconds=301))
        name = self.challenge_parameter or self.signature_parameter
        for request in (_with(good, name, "0" * 40), stale):
            with pytest.raises(WebhookRefused):
                receiver.challenge(request, stage.credentials)

    def _challenged(self, stage: Stage) -> WebhookReceiver:
        receiver = self._receiver(stage)
        if not self.has_challenge:
            asked = WebhookRequest(method="GET", query={"echo": "x"}, headers={}, body=b"", received_at=NOW)
            with pytest.raises(WebhookRefused):
                receiver.challenge(asked, stage.credentials)
            pytest.skip(f"{self.adapter.__name__}'s platform checks no address")
        return receiver

    def _no_event(
        self, stage: Stage, request: WebhookRequest, credentials: Credentials | None = None
    ) -> None:
        with pytest.raises(WebhookRefused) as caught:
            self._receiver(stage).receive(request, credentials or stage.credentials)
        names = [field.name for field in stage.adapter.auth.fields if field.secret]
        shown = [name for name in names if (stage.credentials.values.get(name) or "\0") in str(caught.value)]
        assert not shown, f"the refusal shows {shown}"


def _value(request: WebhookRequest, name: str) -> str:
    value = request.query.get(name, request.headers.get(name))
    assert value is not None, f"the sample has no {name}"
    return value


def _with(request: WebhookRequest, name: str, value: str | None) -> WebhookRequest:
    if name in request.query:
        return replace(request, query=_set(request.query, name, value))
    return replace(request, headers=_set(request.headers, name, value))


def _set(values: Mapping[str, str], name: str, value: str | None) -> dict[str, str]:
    kept = {key: given for key, given in values.items() if key != name}
    return kept if value is None else kept | {name: value}
