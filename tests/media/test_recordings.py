"""What is kept of a recording, and what is refused; inputs 64, 67 and 74 of the hostile ones."""

import io
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from drumtower.media import documents, recordings, worker
from drumtower.media.files import Measures, Refused
from drumtower.media.forms import HEAD, Form, form_of
from tests.api import pictures
from tests.media import made

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
PLAYLIST = b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n"


def cleaned(content: bytes, place: Path) -> tuple[Measures, bytes]:
    path = place / "made"
    measures = recordings.clean(io.BytesIO(content), form_of(content[:HEAD]), path)
    return measures, path.read_bytes()


@pytest.mark.parametrize("content_type", made.KINDS)
def test_only_picture_and_sound_are_kept(content_type: str, tmp_path: Path) -> None:
    content = made.recording(content_type)
    measures, kept = cleaned(content, tmp_path)
    assert measures.content_type == content_type
    assert (measures.width, measures.height) == (
        (64, 36) if content_type.startswith("video/") else (None, None)
    )
    assert measures.duration_ms is not None
    assert abs(measures.duration_ms - 2000) < 60
    assert made.SECRET.encode() in content or content_type == "audio/aac"  # which has no room for notes
    assert made.SECRET.encode() not in kept
    assert b"39.94" not in kept
    assert cleaned(content, tmp_path)[1] == kept, "the same recording again would be another asset"
    assert _packets(content) == _packets(kept)


def _packets(content: bytes) -> list[bytes]:
    with av.open(io.BytesIO(content), "r") as opened:
        tracks: Any = opened.demux()
        return [bytes(packet) for packet in tracks if packet.size]


def test_codecs_are_called_by_their_names(tmp_path: Path) -> None:
    assert cleaned(made.recording("video/webm"), tmp_path)[0].codecs == ("vp8", "opus")
    assert cleaned(made.recording("audio/mpeg"), tmp_path)[0].codecs == ("mp3",)


def test_a_film_is_measured_as_people_see_it(tmp_path: Path) -> None:
    measures, kept = cleaned(made.turned(), tmp_path)
    assert (measures.width, measures.height) == (36, 64)
    with av.open(io.BytesIO(kept), "r") as opened:
        assert next(opened.decode(video=0)).rotation % 180 == 90


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(made.recording("video/mp4")[:-800], id="cut before its table"),
        pytest.param(made.recording("video/webm", 4)[:3000], id="cut in the middle"),
        pytest.param(made.without_frames(), id="no frames"),
        pytest.param(made.recording("audio/mp4")[:40], id="a head alone"),
        pytest.param(b"\x00\x00\x00\x18ftypisom" + bytes(4096), id="zeros"),
        pytest.param(b"ID3\x04" + b"\xff" * 4096, id="noise"),
        pytest.param(b"OggS" + pictures.SCRIPT * 40, id="a script"),
    ],
)
def test_what_lies_or_is_damaged_is_refused(content: bytes, tmp_path: Path) -> None:
    words = ["clean", form_of(content[:HEAD]).value, str(tmp_path / "made")]
    assert worker.run(words, io.BytesIO(content))["code"] == "recording_broken"


@pytest.mark.parametrize("content", [made.claiming_years(), made.endless_edits()])
def test_what_it_says_of_its_length_is_not_believed(content: bytes, tmp_path: Path) -> None:
    measures, _ = cleaned(content, tmp_path)
    assert measures.duration_ms is not None
    assert abs(measures.duration_ms - 2000) < 60


def test_frames_that_last_for_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="recording_too_long"):
        cleaned(made.slow(), tmp_path)


def test_what_stands_beside_the_tracks_is_left(tmp_path: Path) -> None:
    film = made.recording("video/mp4") + pictures.archive()
    assert pictures.SCRIPT not in cleaned(film, tmp_path)[1]


@pytest.mark.parametrize(
    "content", [HEIC, PLAYLIST, pictures.SVG, b"ffconcat version 1.0\nfile /etc/passwd\n"]
)
def test_what_names_other_files_never_reaches_the_reader(content: bytes) -> None:
    assert form_of(content[:HEAD]) is Form.IMAGE
    assert worker.run(["clean", "image", "-"], io.BytesIO(content))["code"] == "file_type_unsupported"


def test_every_form_that_is_made_is_known() -> None:
    for content_type in made.KINDS:
        assert form_of(made.recording(content_type)[:HEAD]).noun == "recording", content_type
    assert form_of(pictures.encode(pictures.half_red(), "JPEG")[:HEAD]) is Form.IMAGE
    assert form_of(b"RIFF\x00\x00\x00\x00WEBP") is Form.IMAGE


def test_a_document_loses_what_acts_and_who_wrote_it(tmp_path: Path) -> None:
    measures, kept = documents.clean(io.BytesIO(made.document()))
    assert (measures.content_type, measures.width, measures.height) == ("application/pdf", 200, 100)
    for word in (
        b"alert",
        b"/JavaScript",
        b"/OpenAction",
        b"/Launch",
        b"secret",
        b"9409",
    ):
        assert word in made.document(), word
        assert word not in kept, word
    assert b"example" in kept  # the link that leads somewhere


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (made.document(password="x"), "document_locked"),
        (made.document()[:300], "document_broken"),
        (b"%PDF-1.7\n1 0 obj\n", "document_broken"),
        (
            b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]>>endobj",
            "document_broken",
        ),
    ],
)
def test_documents_that_are_refused(content: bytes, code: str) -> None:
    assert worker.run(["clean", "pdf", "-"], io.BytesIO(content))["code"] == code


def test_without_the_library_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("drumtower.media.recordings")
    monkeypatch.setitem(sys.modules, "drumtower.media.recordings", None)
    assert worker.run(["clean", "mp3", "-"], io.BytesIO(b""))["code"] == "recordings_unavailable"


def test_a_picture_of_many_pixels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST_PIXELS", 64 * 36 - 1)
    with pytest.raises(Refused, match="recording_too_large"):
        cleaned(made.recording("video/mp4"), tmp_path)
