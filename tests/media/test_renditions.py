"""What a file becomes for a platform: shape, size, weight, codec."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import av
import pytest

from drumtower.domain.capabilities import Capabilities, MediaRule, TextRule
from drumtower.domain.content import Kind
from drumtower.domain.facts import MediaFacts
from drumtower.domain.renditions import Target, cropped, shrunk, target_for
from drumtower.domain.text import Unit
from drumtower.media import images, transcoding
from drumtower.media.files import Refused
from drumtower.media.forms import HEAD, Form, form_of
from tests.api import pictures
from tests.media import made

IMAGE = MediaRule(types=("image/jpeg", "image/png"), maximum_count=9, maximum_bytes=1000, ratio=(0.8, 2.0))
VIDEO = MediaRule(
    types=("video/mp4",),
    maximum_count=1,
    maximum_bytes=9_000,
    duration=(timedelta(), timedelta(minutes=1)),
    codecs=("h264", "aac"),
)
TAKES = Capabilities(
    kinds=(Kind.VIDEO,), body=TextRule(maximum=9, unit=Unit.CHARACTER), image=IMAGE, video=VIDEO
)
PICTURE = MediaFacts(content_type="image/png", size=900, alt_text="", expires_at=None, width=100, height=100)
FILM = replace(PICTURE, content_type="video/mp4", codecs=("h264", "aac"))


@pytest.mark.parametrize(
    ("media", "becomes"),
    [
        (PICTURE, None),
        (replace(PICTURE, size=1001), "image/jpeg"),
        (replace(PICTURE, width=201), "image/jpeg"),
        (replace(PICTURE, content_type="image/webp"), "image/jpeg"),
        (FILM, None),
        (replace(FILM, codecs=("hevc", "aac")), "video/mp4"),
        (replace(FILM, content_type="video/quicktime"), "video/mp4"),
        (replace(FILM, duration=timedelta(minutes=2)), None),
        (replace(PICTURE, content_type="audio/mpeg"), None),
    ],
)
def test_only_what_does_not_fit_is_to_become_something_else(media: MediaFacts, becomes: str | None) -> None:
    target = target_for(TAKES, media)
    assert (target.content_type if target else None) == becomes
    assert target_for(replace(TAKES, video=replace(VIDEO, codecs=("hevc",))), FILM) is None, "we code no HEVC"


def test_equal_wishes_have_one_key() -> None:
    first = Target(content_type="image/jpeg", maximum_bytes=1, ratio=(0.8, 2.0))
    assert first.key == replace(first).key
    assert first.key != replace(first, maximum_bytes=2).key


def test_shapes() -> None:
    assert cropped(300, 100, (0.8, 2.0)) == (200, 100)
    assert cropped(100, 300, (0.8, 2.0)) == (100, 125)
    assert cropped(100, 100, (0.8, 2.0)) == (100, 100)
    assert shrunk(200, 100, 5_000) == (100, 50)


def test_a_picture_is_cut_and_made_light() -> None:
    heavy = pictures.encode(pictures.half_red(900, 300).convert("RGBA"), "PNG")
    kept = images.fit(heavy, Target(content_type="image/jpeg", maximum_bytes=3_000, ratio=(0.8, 2.0)))
    assert len(kept.content) <= 3_000
    assert abs(kept.width / kept.height - 2.0) < 0.05
    assert pictures.opened(kept.content).format == "JPEG"
    with pytest.raises(Refused, match="rendition_impossible"):
        images.fit(heavy, Target(content_type="image/jpeg", maximum_bytes=10))


@pytest.mark.parametrize("content", [made.recording("video/webm"), made.turned()], ids=["webm", "turned"])
def test_a_video_is_coded_anew(content: bytes, tmp_path: Path) -> None:
    target = Target(content_type="video/mp4", maximum_bytes=100_000, ratio=(0.5, 1.0))
    path = tmp_path / "made"
    measures = transcoding.fit(io.BytesIO(content), form_of(content[:HEAD]), target, path)
    assert (measures.content_type, measures.codecs) == ("video/mp4", ("h264", "aac"))
    assert measures.width is not None
    assert measures.height is not None
    assert 0.4 < measures.width / measures.height <= 1.0
    assert abs((measures.duration_ms or 0) - 2000) < 150
    assert path.stat().st_size <= target.maximum_bytes


def test_a_phones_film_is_turned_the_right_way(tmp_path: Path) -> None:
    path = tmp_path / "made"
    target = Target(content_type="video/mp4", maximum_bytes=100_000)
    measures = transcoding.fit(io.BytesIO(made.turned()), Form.MP4, target, path)
    assert (measures.width, measures.height) == (36, 64)
    with av.open(str(path), "r") as opened:
        frame = next(opened.decode(video=0))
    shown = bytes(frame.planes[0])
    row = shown[32 * frame.planes[0].line_size :]
    # Turned clockwise, what was above (white) is on the right.
    assert row[30] > 200 > 100 > row[5]


def test_sound_becomes_mp3_and_too_small_is_refused(tmp_path: Path) -> None:
    wav, path = made.recording("audio/wav"), tmp_path / "made"
    target = Target(content_type="audio/mpeg", maximum_bytes=40_000)
    assert transcoding.fit(io.BytesIO(wav), form_of(wav[:HEAD]), target, path).codecs == ("mp3",)
    with pytest.raises(Refused, match="rendition_impossible"):
        transcoding.fit(io.BytesIO(wav), form_of(wav[:HEAD]), replace(target, maximum_bytes=100), path)
