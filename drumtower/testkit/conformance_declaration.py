"""Rules for what an adapter says about itself: clients draw it and rows store it, so it must be whole."""

import inspect
import re
from urllib.parse import urlsplit

import pytest

from drumtower.domain.capabilities import Feature, Label, MediaRule, Reconcile, TextRule
from drumtower.domain.samples import Metric
from drumtower.platforms import (
    CONTRACT,
    Adapter,
    AppPassword,
    AppSecret,
    Confirmable,
    Finder,
    Messenger,
    PlatformError,
    Replier,
    ReplyFinder,
    StatsSource,
    TokenSource,
)
from drumtower.platforms.declaration import ANSWERS, problems_of
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_stage import Hooks, Stage

_SECRET_NAME = re.compile(r"secret|token|password|aes|private")


def _whole(label: Label) -> bool:
    return bool(label.zh_cn.strip() and label.en.strip())


class DeclarationRules(Hooks):
    """Data first: slug, labels, limits, options, credentials, and mixins that agree with them."""

    def test_is_a_concrete_adapter_of_this_contract(self) -> None:
        assert issubclass(self.adapter, Adapter)
        assert not inspect.isabstract(self.adapter), f"missing: {self.adapter.__abstractmethods__}"
        assert self.adapter.contract == CONTRACT

    def test_the_declaration_is_whole(self) -> None:
        assert problems_of(self.adapter) == []

    def test_has_a_slug_names_and_an_address(self) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,31}", self.adapter.slug)
        assert _whole(self.adapter.name)
        assert self.adapter.default_base_url.startswith("https://")
        assert self.adapter.hashtag.count("{}") == 1

    def test_limits_are_limits(self) -> None:
        capabilities = self.adapter.capabilities
        assert capabilities.kinds
        assert len(set(capabilities.kinds)) == len(capabilities.kinds)
        rules = [rule for rule in (capabilities.body, capabilities.title, capabilities.reply) if rule]
        assert all(self._sane(rule) for rule in rules)
        media = (capabilities.image, capabilities.video, capabilities.audio, capabilities.document)
        assert all(self._sane_media(rule) for rule in media if rule)
        assert _whole(capabilities.audience), "say whom one reaches here, in both languages"

    def _sane(self, rule: TextRule) -> bool:
        return rule.maximum > 0 and (
            rule.also is None or (rule.also.unit is not rule.unit and self._sane(rule.also))
        )

    def _sane_media(self, rule: MediaRule) -> bool:
        types = all(
            re.fullmatch(r"(image|video|audio|application|text)/[a-z0-9.+-]+", kind) for kind in rule.types
        )
        return (
            types
            and bool(rule.types)
            and 0 <= rule.required <= rule.maximum_count
            and 0 <= rule.minimum_bytes < rule.maximum_bytes
            and (rule.ratio is None or 0 < rule.ratio[0] <= rule.ratio[1])
        )

    def test_options_are_a_closed_form(self) -> None:
        schema = self.adapter.options.model_json_schema()
        assert schema["type"] == "object"
        assert schema.get("additionalProperties") is False, "options must forbid what they do not know"
        assert not schema.get("required"), "an author who sets nothing must be able to publish"
        self.adapter.options()

    def test_every_credential_is_labelled_and_secrets_are_marked(self) -> None:
        fields = self.adapter.auth.fields
        assert fields
        assert len({field.name for field in fields}) == len(fields)
        for field in fields:
            assert _whole(field.label), f"{field.name} needs a label in both languages"
            assert field.secret or not _SECRET_NAME.search(field.name), f"{field.name} must be secret"

    def test_mixins_agree_with_the_data(self) -> None:
        capabilities, adapter = self.adapter.capabilities, self.adapter
        if isinstance(adapter.auth, AppSecret | AppPassword):
            assert issubclass(adapter, TokenSource)
        if capabilities.reconcile is Reconcile.LOOKUP:
            assert issubclass(adapter, Finder)
        if capabilities.reconcile is Reconcile.HANDLE:
            assert issubclass(adapter, Confirmable)
            assert issubclass(adapter, Finder), "the handle itself may be lost with the answer"
        if capabilities.key_life is not None:
            assert capabilities.reconcile is Reconcile.KEY
            assert issubclass(adapter, Finder), "after the key's life only a look-up protects"
        if issubclass(adapter, ReplyFinder):
            assert issubclass(adapter, Replier | Messenger)
        answers = issubclass(adapter, Replier | Messenger) or ANSWERS & adapter.by_hand.features
        assert (capabilities.reply is not None) == bool(answers)

    def test_metrics_are_known_ones(self) -> None:
        capabilities = self.adapter.capabilities
        known = {metric.value for metric in Metric}
        assert set(capabilities.metrics) <= known
        assert set(capabilities.channel_metrics) <= known
        counted = issubclass(self.adapter, StatsSource) or Feature.STATISTICS in self.adapter.by_hand.features
        assert bool(capabilities.metrics or capabilities.channel_metrics) == counted


class IdentityRules(Hooks):
    """Who an account is, asked of the platform, and what is asked of its owner."""

    def test_the_sandbox_gives_what_the_form_asks(self) -> None:
        assert self.adapter.slug == self.sandbox.slug
        values = self.credentials_of(self.sandbox().add_account(**self.account_options)).values
        missing = [
            field.name for field in self.adapter.auth.fields if field.required and not values.get(field.name)
        ]
        assert not missing, f"add_account gives no {missing}"
        unknown = set(values) - {field.name for field in self.adapter.auth.fields}
        assert not unknown, f"add_account gives what nobody asks for: {unknown}"

    async def test_identifies_the_account(self, stage: Stage) -> None:
        account = await stage.adapter.identify(stage.credentials)
        assert account.id
        assert account.name
        assert account.url is None or account.url.startswith(("https://", "http://127.0.0.1"))
        again = await stage.adapter.identify(stage.credentials)
        assert again == account

    async def test_an_account_of_a_server_of_its_own_is_known_by_its_address(self, stage: Stage) -> None:
        if not self.own_server:
            pytest.skip(f"all accounts of {self.adapter.__name__} are of one platform")
        account = await stage.adapter.identify(stage.credentials)
        assert urlsplit(account.id).hostname, "the same number on another server is another account"

    @pytest.mark.parametrize("body", ["", "{}", "[]", "null", '{"id": null}', "<html>", "[" * 50_000])
    async def test_identify_survives_any_answer(self, stage: Stage, body: str) -> None:
        stage.break_with(Fault(status=200, body=body, times=100))
        with pytest.raises(PlatformError):
            await stage.adapter.identify(stage.credentials)
        assert stage.sandbox.faults.fired
