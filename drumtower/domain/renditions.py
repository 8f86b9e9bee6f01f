"""Renditions: what a file must become so that a platform takes it. Length is for people to cut."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from drumtower.domain.capabilities import Capabilities, MediaRule, family
from drumtower.domain.facts import MediaFacts

# What a file is turned into, best first.
_BEST = {
    "image": ("image/jpeg", "image/webp", "image/png"),
    "video": ("video/mp4",),
    "audio": ("audio/mpeg", "audio/mp4"),
}
_CODECS = {"video/mp4": ("h264", "aac"), "audio/mpeg": ("mp3",), "audio/mp4": ("aac",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One form that a file is brought into; equal targets are one rendition, whatever platforms ask for it."""

    content_type: str
    maximum_bytes: int
    maximum_pixels: int | None = None
    ratio: tuple[float, float] | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Target":
        """Read one from JSON (the inverse of `asdict`)."""
        ratio = said["ratio"]
        return cls(**{**said, "ratio": (ratio[0], ratio[1]) if ratio else None})

    @property
    def key(self) -> str:
        """A short name that equal targets share."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


def target_for(capabilities: Capabilities, media: MediaFacts) -> Target | None:
    """Return what the file must become for this platform; None where it fits as it is, or nothing helps."""
    rule: MediaRule | None = getattr(capabilities, family(media.content_type))
    if rule is None or fits(rule, media):
        return None
    known = next((one for one in _BEST.get(family(media.content_type), ()) if one in rule.types), None)
    if known is None or not _plays(rule, known):
        return None
    return Target(
        content_type=known,
        maximum_bytes=rule.maximum_bytes,
        maximum_pixels=rule.maximum_pixels,
        ratio=rule.ratio,
    )


def fits(rule: MediaRule, media: MediaFacts) -> bool:
    """Say whether the platform takes the file's type, weight, shape and codecs."""
    if media.content_type not in rule.types or media.size > rule.maximum_bytes:
        return False
    if rule.codecs and any(codec not in rule.codecs for codec in media.codecs):
        return False
    if not media.width or not media.height:
        return True
    is_small = rule.maximum_pixels is None or media.width * media.height <= rule.maximum_pixels
    ratio = media.width / media.height
    return is_small and (rule.ratio is None or rule.ratio[0] <= ratio <= rule.ratio[1])


def _plays(rule: MediaRule, content_type: str) -> bool:
    return not rule.codecs or all(codec in rule.codecs for codec in _CODECS.get(content_type, ()))


def cropped(width: int, height: int, ratio: tuple[float, float] | None) -> tuple[int, int]:
    """Return the largest size within a picture whose shape is allowed."""
    if ratio is None:
        return width, height
    narrowest, widest = ratio
    if width / height > widest:
        return max(1, int(height * widest)), height
    if width / height < narrowest:
        return width, max(1, int(width / narrowest))
    return width, height


def shrunk(width: int, height: int, most: int | None) -> tuple[int, int]:
    """Return the same shape with no more than `most` pixels."""
    if most is None or width * height <= most:
        return width, height
    factor = (most / (width * height)) ** 0.5
    return max(1, int(width * factor)), max(1, int(height * factor))
