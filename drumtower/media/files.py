"""What a clean file is, how much of one is taken, and why one is not."""

from dataclasses import dataclass

MOST_PIXELS = 40_000_000
MOST_FRAMES = 200
# All frames together; keeps an animation's decoding within seconds.
MOST_FRAME_PIXELS = 200_000_000
MOST_HOURS = 12
MOST_PAGES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A file written anew: what it is, its size in pixels as it is shown, its length, the codecs of its tracks.

    `perceptual_hash`: of a picture, see domain/pictures.
    """

    content_type: str
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    codecs: tuple[str, ...] = ()
    perceptual_hash: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture written anew; its size in pixels."""

    content_type: str
    width: int
    height: int
    content: bytes


class Refused(Exception):
    """The file is not taken; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
