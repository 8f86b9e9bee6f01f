"""Files for tests as the core hands them over: bytes in memory behind the reader that adapters get."""

from datetime import timedelta
from uuid import uuid4

from drumtower.domain.capabilities import Capabilities, MediaRule, family
from drumtower.platforms.outcomes import Media, ReadBytes

SIDE = 480
HOUR = timedelta(hours=1)


def reader(data: bytes) -> ReadBytes:
    """Return what reads `data` as storage reads a file."""

    async def read(start: int = 0, end: int | None = None) -> bytes:
        return data[start:end]

    return read


def file_of(data: bytes, content_type: str, capabilities: Capabilities) -> Media:
    """Return a file whose measures are those that the rule for its family takes; only its size and type may be wrong."""
    rule = rule_for(content_type, capabilities)
    width, height = (640, SIDE) if rule is None or rule.ratio is None else _shape(rule.ratio)
    lasts = family(content_type) in ("video", "audio")
    return Media(
        asset_id=uuid4(),
        content_type=content_type,
        size=len(data),
        read=reader(data),
        alt_text="钟鼓楼",
        width=width,
        height=height,
        duration=_duration(rule) if lasts else None,
        codecs=rule.codecs if rule and lasts else (),
    )


def rule_for(content_type: str, capabilities: Capabilities) -> MediaRule | None:
    """Return the platform's rule for files of this type's family."""
    rule: MediaRule | None = getattr(capabilities, family(content_type))
    return rule


def _shape(ratio: tuple[float, float]) -> tuple[int, int]:
    """Return a size in the middle of what is allowed, by the geometric mean: 9:16 to 16:9 gives a square."""
    return round(SIDE * (ratio[0] * ratio[1]) ** 0.5), SIDE


def _duration(rule: MediaRule | None) -> timedelta:
    if rule is None or rule.duration is None:
        return timedelta(seconds=30)
    shortest, longest = rule.duration
    return (shortest + min(longest, shortest + HOUR)) / 2
