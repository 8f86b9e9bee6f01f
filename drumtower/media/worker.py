"""The process that decodes: a file on stdin; a clean one to the path it is given, and a line of JSON on stdout.

`python -m drumtower.media.worker clean FORM MADE BYTES`, `… thumbnail WIDTH …`, `… look IMAGE …`, which writes nothing, or `… fit TARGET …` with the target as JSON. It knows no secret, may
write `BYTES` and no more, and is killed by its parent when it takes too long.
"""

import json
import resource
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from PIL import Image

from drumtower.domain.renditions import Target
from drumtower.media import images
from drumtower.media.files import MOST_PIXELS, Measures, Picture, Refused
from drumtower.media.forms import HEAD, Form, form_of

MEMORY = 1 << 30
CPU_SECONDS = 60
CODING_SECONDS = 1800
CPU_BYTES_PER_SECOND = 50_000_000


def confine(largest: int, cpu: int) -> None:
    """Give up what decoding does not need: memory without end, large files, dumping core."""
    for limit, most in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, MEMORY),
    ):
        # macOS knows no limit on memory; there the caps on pixels must do.
        if limit != resource.RLIMIT_AS or sys.platform == "linux":
            resource.setrlimit(limit, (most, most))


def _picture(picture: Picture, made: Path) -> Measures:
    made.write_bytes(picture.content)
    return Measures(content_type=picture.content_type, width=picture.width, height=picture.height)


def _clean(source: IO[bytes], form: Form, made: Path) -> Measures:
    # Each reader is loaded where it is needed only: the start of the process is what costs most.
    if form is Form.IMAGE:
        picture = images.clean(source.read())
        made.write_bytes(picture.content)
        return images.look(picture.content)
    if form is Form.PDF:
        from drumtower.media import documents  # noqa: PLC0415 - as said above

        measures, content = documents.clean(source)
        made.write_bytes(content)
        return measures
    try:
        from drumtower.media import recordings  # noqa: PLC0415 - as said above
    except ImportError as error:  # no wheel for this machine, and nobody has built one
        raise Refused("recordings_unavailable", f"PyAV can't be loaded: {error}") from error
    return recordings.clean(source, form, made)


def _thumbnail(source: IO[bytes], width: int, made: Path) -> Measures:
    return _picture(images.thumbnail(source.read(), width), made)


def _fit(source: IO[bytes], said: str, made: Path) -> Measures:
    """Bring a clean file of ours into the form that the JSON in `said` asks for."""
    target = Target.of(json.loads(said))
    form = form_of(source.read(HEAD))
    source.seek(0)
    if form is Form.IMAGE:
        return _picture(images.fit(source.read(), target), made)
    from drumtower.media import transcoding  # noqa: PLC0415 - as said above

    return transcoding.fit(source, form, target, made)


def _done(action: str, what: str, source: IO[bytes], made: Path) -> Measures:
    if action == "clean":
        return _clean(source, Form(what), made)
    if action == "look":
        return images.look(source.read())
    return _fit(source, what, made) if action == "fit" else _thumbnail(source, int(what), made)


def run(words: list[str], source: IO[bytes]) -> dict[str, Any]:
    """Do what `words` ask; return the line to say: the file's measures, or why it is refused."""
    action, what, made = words[0], words[1], Path(words[2])
    noun = (
        Form(what).noun if action == "clean" else "image" if action in ("thumbnail", "look") else "rendition"
    )
    try:
        return asdict(_done(action, what, source, made))
    except Refused as refused:
        return {"code": refused.code, "detail": refused.detail}
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"code": f"{noun}_too_large", "detail": f"The {noun} needs too much memory."}
    except Exception as error:  # noqa: BLE001 - fed with hostile bytes, a decoder may raise anything
        return {"code": f"{noun}_broken", "detail": f"The {noun} can't be read ({type(error).__name__})."}


def main(words: list[str]) -> None:
    """Read, decode, answer."""
    source = sys.stdin.buffer
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    size = source.seek(0, 2)
    source.seek(0)
    cpu = CODING_SECONDS if words[0] == "fit" else CPU_SECONDS + size // CPU_BYTES_PER_SECOND
    confine(int(words[3]), cpu)
    sys.stdout.write(json.dumps(run(words, source)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
