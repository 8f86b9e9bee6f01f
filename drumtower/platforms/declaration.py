"""What is wrong with an adapter's declaration, in words: for its author, before any sandbox is there."""

import inspect
import re
from collections.abc import Iterator

from pydantic import ValidationError

from drumtower.domain import audiences
from drumtower.domain.audience_profiles import Dimension
from drumtower.domain.capabilities import Feature, Label, Reconcile
from drumtower.domain.samples import Metric
from drumtower.platforms.auth import AppPassword, AppSecret
from drumtower.platforms.base import (
    CONTRACT,
    Adapter,
    AudienceSource,
    Confirmable,
    Finder,
    Messenger,
    Replier,
    StatsSource,
    TokenSource,
)

_SECRET_NAME = re.compile(r"secret|token|password|aes|private")
# What a person answers where the API takes no answers.
ANSWERS = frozenset({Feature.REPLY, Feature.MESSAGE})
_DATA = ("slug", "name", "default_base_url", "auth", "capabilities")


def problems_of(adapter: type[Adapter]) -> list[str]:
    """Return one sentence for each thing that is missing or contradicts another."""
    missing = [name for name in _DATA if not hasattr(adapter, name)]
    if missing:
        return [f"{name} is not declared" for name in missing]
    return [
        *_identity(adapter),
        *_options(adapter),
        *_follow_ups(adapter),
        *_credentials(adapter),
        *_mixins(adapter),
    ]


def _identity(adapter: type[Adapter]) -> Iterator[str]:
    if inspect.isabstract(adapter):
        yield f"these methods are missing: {', '.join(sorted(adapter.__abstractmethods__))}"
    if adapter.contract != CONTRACT:
        yield f"it speaks contract {adapter.contract}; this Drumtower speaks {CONTRACT}"
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,31}", adapter.slug):
        yield f"the slug {adapter.slug!r} is not 2 to 32 lower-case letters, digits and underscores"
    if not adapter.default_base_url.startswith("https://"):
        yield "default_base_url is no https address"
    if adapter.hashtag.count("{}") != 1:
        yield "hashtag must hold {} once"
    for what, label in (("name", adapter.name), ("audience", adapter.capabilities.audience)):
        if not _whole(label):
            yield f"{what} needs words in both languages"
    yield from audiences.problems(adapter.capabilities.character)


def _whole(label: Label) -> bool:
    return bool(label.zh_cn.strip() and label.en.strip())


def _options(adapter: type[Adapter]) -> Iterator[str]:
    schema = adapter.options.model_json_schema()
    if schema.get("additionalProperties") is not False:
        yield "options must forbid what they do not know (extra='forbid')"
    try:
        adapter.options()
    except ValidationError:
        yield "an author who sets no option must be able to publish: give each a default"
    for name, one in schema.get("properties", {}).items():
        label = one.get("x-label", {})
        if not (label.get("zh_cn", "").strip() and label.get("en", "").strip()):
            yield f"the setting {name} needs a label in both languages"


def _follow_ups(adapter: type[Adapter]) -> Iterator[str]:
    given = adapter.capabilities.follow_up
    settings = {"thread", "first_comment"} & set(adapter.options.model_fields)
    if settings != ({given.option} if given else set()):
        yield "the settings thread or first_comment, and capabilities.follow_up, go together"
    if given is not None and not issubclass(adapter, Replier):
        yield "capabilities.follow_up needs a Replier"


def _credentials(adapter: type[Adapter]) -> Iterator[str]:
    fields = adapter.auth.fields
    if len({field.name for field in fields}) != len(fields):
        yield "two credential fields have one name"
    for field in fields:
        if not _whole(field.label):
            yield f"the credential {field.name} needs a label in both languages"
        if not field.secret and _SECRET_NAME.search(field.name):
            yield f"the credential {field.name} must be secret"


def _mixins(adapter: type[Adapter]) -> Iterator[str]:
    given = adapter.capabilities
    if isinstance(adapter.auth, AppSecret | AppPassword) and not issubclass(adapter, TokenSource):
        yield "AppSecret and AppPassword need a TokenSource"
    if given.reconcile in (Reconcile.LOOKUP, Reconcile.HANDLE) and not issubclass(adapter, Finder):
        yield f"reconcile {given.reconcile} needs a Finder"
    if given.reconcile is Reconcile.HANDLE and not issubclass(adapter, Confirmable):
        yield "reconcile handle needs a Confirmable"
    if given.key_life is not None and not (given.reconcile is Reconcile.KEY and issubclass(adapter, Finder)):
        yield "key_life needs reconcile key, and a Finder for the time after"
    by_hand = adapter.by_hand.features
    if (given.reply is not None) != bool(issubclass(adapter, Replier | Messenger) or ANSWERS & by_hand):
        yield "capabilities.reply and Replier or Messenger, or answers by hand, go together"
    counted = issubclass(adapter, StatsSource) or Feature.STATISTICS in by_hand
    if bool(given.metrics or given.channel_metrics) != counted:
        yield "declared metrics and StatsSource, or figures by import, go together"
    if bool(given.audience_dimensions) != issubclass(adapter, AudienceSource):
        yield "declared audience_dimensions and AudienceSource go together"
    if strange := set(given.audience_dimensions) - set(Dimension):
        yield f"there are no dimensions {', '.join(sorted(strange))}"
    unknown = {*given.metrics, *given.channel_metrics} - {metric.value for metric in Metric}
    if unknown:
        yield f"there are no metrics {', '.join(sorted(unknown))}"
