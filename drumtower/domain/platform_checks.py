"""Checks of what the channel and its platform take."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from drumtower.domain.capabilities import MediaRule, TextRule, family
from drumtower.domain.content import follow_ups as follow_ups_of
from drumtower.domain.errors import Violation
from drumtower.domain.facts import Facts, MediaFacts
from drumtower.domain.text import is_blank, length, links_in


def connected(facts: Facts) -> Iterator[Violation]:
    """Say that the channel has no working connection."""
    if not facts.connected:
        yield Violation(
            pointer="/channel",
            code="channel_disconnected",
            detail=f"The {facts.platform} channel is not connected.",
            hint="Connect the channel again.",
        )


def kind(facts: Facts) -> Iterator[Violation]:
    """Say that the platform takes no post of this kind."""
    if facts.content.kind not in facts.capabilities.kinds:
        taken = ", ".join(facts.capabilities.kinds)
        yield Violation(
            pointer="/kind",
            code="kind_not_supported",
            detail=f"{facts.platform} takes no {facts.content.kind} from us.",
            hint=f"It takes: {taken}.",
        )


def texts(facts: Facts) -> Iterator[Violation]:
    """Say which of title and body is missing, or longer than the platform takes, counted its way."""
    if facts.capabilities.title is not None:
        yield from _text("title", facts.content.title, facts.capabilities.title, facts.platform)
    yield from _text("body", facts.text, facts.capabilities.body, facts.platform)


def follow_ups(facts: Facts) -> Iterator[Violation]:
    """Say what is wrong with the parts that follow: each one's length, and how many there are."""
    rule = facts.capabilities.follow_up
    if rule is None:
        return  # the settings know no such field, and say so
    said = follow_ups_of(facts.content.options)
    for pointer, text in said.items():
        yield from _text("follow_up", text, rule.text, facts.platform, pointer)
    if len(said) > rule.most:
        yield Violation(
            pointer=f"/options/{rule.option}",
            code="too_many_follow_ups",
            detail=f"{len(said)} parts follow; {facts.platform} gets {rule.most} at most.",
            hint="Join some of them.",
        )


def _text(
    field: str, text: str, rule: TextRule, platform: str, pointer: str | None = None
) -> Iterator[Violation]:
    pointer = pointer or f"/{field}"
    if rule.required and is_blank(text):
        yield Violation(
            pointer=pointer,
            code=f"{field}_required",
            detail=f"{platform} needs a {field}.",
            hint=f"Write a {field} of at most {rule.maximum} {rule.unit} units.",
        )
    limit: TextRule | None = rule
    while limit is not None:
        size = length(text, limit.unit)
        if size > limit.maximum:
            yield Violation(
                pointer=pointer,
                code=f"{field}_too_long",
                detail=f"The {field} measures {size}; {platform} takes {limit.maximum} ({limit.unit} units).",
                hint=f"Shorten it by {size - limit.maximum}, or write a variant for this channel.",
            )
        limit = limit.also


def link(facts: Facts) -> Iterator[Violation]:
    """Ask for a link where the platform takes no text without one under the channel's own domain."""
    # Which domain it must be under is the channel's secret business; the adapter says so when it sends.
    if facts.capabilities.link_domain_required and not links_in(facts.text):
        yield Violation(
            pointer="/links",
            code="link_domain_required",
            detail=f"{facts.platform} takes only texts with a link under the channel's own domain.",
            hint="Add such a link to the post.",
        )


def media(facts: Facts) -> Iterator[Violation]:
    """Say which files are gone, missing, too many, or not what the platform takes: type, size, length, codecs, shape."""
    for index, media in enumerate(facts.media):
        if media is None:
            pointer = f"/asset_ids/{index}"
            yield Violation(pointer=pointer, code="asset_missing", detail="This file is no longer there.")
    takes = facts.capabilities
    rules = {"image": takes.image, "video": takes.video, "audio": takes.audio, "document": takes.document}
    for prefix, rule in rules.items():
        yield from _media_of(facts, prefix, rule)
    yield from _together(facts)


def _together(facts: Facts) -> Iterator[Violation]:
    families = Counter(family(media.content_type) for media in facts.media if media is not None)
    takes, platform = facts.capabilities, facts.platform
    if takes.media_required and not facts.media:
        yield Violation(
            pointer="/asset_ids",
            code="media_required",
            detail=f"{platform} takes no text alone.",
            hint="Add a picture or a video.",
        )
    most = takes.images_with_video
    if families["video"] and most is not None and families["image"] > most:
        yield Violation(
            pointer="/asset_ids",
            code="media_mixed",
            detail=f"{platform} takes pictures or a video; with a video {most} picture(s).",
            hint="Write a variant for this channel with the one or the other.",
        )


def hashtags(facts: Facts) -> Iterator[Violation]:
    """Say that there are more hashtags than the platform takes, or longer ones."""
    rule, given = facts.capabilities.hashtags, facts.content.hashtags
    if rule is None:
        return
    if rule.maximum_count is not None and len(given) > rule.maximum_count:
        yield Violation(
            pointer="/hashtags",
            code="too_many_hashtags",
            detail=f"{facts.platform} takes {rule.maximum_count} hashtags; the post has {len(given)}.",
            hint="Leave the last ones out.",
        )
    size = len(",".join(given))
    if rule.maximum_length is not None and size > rule.maximum_length:
        yield Violation(
            pointer="/hashtags",
            code="hashtags_too_long",
            detail=f"The hashtags have {size} characters; {facts.platform} takes {rule.maximum_length} together.",
            hint=f"Shorten them by {size - rule.maximum_length}.",
        )


def _media_of(facts: Facts, prefix: str, rule: MediaRule | None) -> Iterator[Violation]:
    given = [
        (index, media)
        for index, media in enumerate(facts.media)
        if media is not None and family(media.content_type) == prefix
    ]
    if rule is None:
        yield from (_unwanted(facts, index, media.content_type) for index, media in given)
        return
    if len(given) < rule.required:
        yield Violation(
            pointer="/asset_ids",
            code=f"{prefix}_required",
            detail=f"{facts.platform} needs {rule.required} {prefix} at least; the post has {len(given)}.",
            hint=f"Add one of: {', '.join(rule.types)}.",
        )
    if len(given) > rule.maximum_count:
        yield Violation(
            pointer="/asset_ids",
            code=f"too_many_{prefix}s",
            detail=f"{facts.platform} takes {rule.maximum_count} {prefix}(s); the post has {len(given)}.",
            hint="Remove some, or write a variant for this channel.",
        )
    for index, media in given:
        yield from _file(facts, index, media, rule)


def _file(facts: Facts, index: int, media: MediaFacts, rule: MediaRule) -> Iterator[Violation]:
    if media.content_type not in rule.types:
        yield _unwanted(facts, index, media.content_type, f"It takes: {', '.join(rule.types)}.")
    if media.size > rule.maximum_bytes:
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="media_too_large",
            detail=f"The file has {media.size} bytes; {facts.platform} takes {rule.maximum_bytes}.",
            hint="Upload a smaller one.",
        )
    if media.size < rule.minimum_bytes:
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="media_too_small",
            detail=f"The file has {media.size} bytes; {facts.platform} asks for {rule.minimum_bytes}.",
        )
    if media.width and media.height:
        yield from _shape(facts, index, media.width, media.height, rule)
    if media.duration is not None and rule.duration is not None:
        yield from _duration(facts, index, media.duration, rule.duration)
    yield from _codecs(facts, index, media, rule)
    if facts.capabilities.alt_text is not None:
        yield from _alt_text(facts, index, media.alt_text, facts.capabilities.alt_text)


def _duration(
    facts: Facts, index: int, duration: timedelta, allowed: tuple[timedelta, timedelta]
) -> Iterator[Violation]:
    shortest, longest = allowed
    if shortest <= duration <= longest:
        return
    is_short = duration < shortest
    yield Violation(
        pointer=f"/asset_ids/{index}",
        code="media_too_short" if is_short else "media_too_long",
        detail=f"It lasts {_seconds(duration)}; {facts.platform} takes {_seconds(shortest)} to {_seconds(longest)}.",
        hint="Use a longer one for this channel."
        if is_short
        else "Cut it, or use another one for this channel.",
    )


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def _codecs(facts: Facts, index: int, media: MediaFacts, rule: MediaRule) -> Iterator[Violation]:
    foreign = [codec for codec in media.codecs if codec not in rule.codecs]
    if rule.codecs and foreign:
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="media_codec",
            detail=f"It is coded in {', '.join(foreign)}; {facts.platform} plays {', '.join(rule.codecs)}.",
            hint="Export it in another codec.",
        )


def _alt_text(facts: Facts, index: int, text: str, rule: TextRule) -> Iterator[Violation]:
    if rule.required and is_blank(text):
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="alt_text_required",
            detail=f"{facts.platform} takes no file without an alternative text.",
            hint="Describe in one sentence what is to be seen or heard.",
        )
    if (size := length(text, rule.unit)) > rule.maximum:
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="alt_text_too_long",
            detail=f"The alternative text measures {size}; {facts.platform} takes {rule.maximum} ({rule.unit} units).",
            hint=f"Shorten it by {size - rule.maximum}.",
        )


def _shape(facts: Facts, index: int, width: int, height: int, rule: MediaRule) -> Iterator[Violation]:
    if rule.maximum_pixels is not None and width * height > rule.maximum_pixels:
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="media_too_many_pixels",
            detail=f"{width} × {height} pixels; {facts.platform} takes {rule.maximum_pixels} in all.",
            hint="Upload a smaller one.",
        )
    if rule.ratio is not None and not rule.ratio[0] <= width / height <= rule.ratio[1]:
        narrowest, widest = rule.ratio
        yield Violation(
            pointer=f"/asset_ids/{index}",
            code="media_ratio",
            detail=f"{width} × {height}; {facts.platform} takes {narrowest:.2f} to {widest:.2f} (width by height).",
            hint="Crop it, or use another one for this channel.",
        )


def _unwanted(facts: Facts, index: int, content_type: str, hint: str = "") -> Violation:
    return Violation(
        pointer=f"/asset_ids/{index}",
        code="media_type",
        detail=f"{facts.platform} takes no {content_type}.",
        hint=hint or "Remove it, or write a variant for this channel.",
    )


def options(facts: Facts) -> Iterable[Violation]:
    """Say what the adapter finds wrong with the channel's settings."""
    return facts.option_violations
