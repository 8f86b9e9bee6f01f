"""Recordings made in code: good ones, with what a phone notes, and ones that were made to hurt."""

import io
import struct
from dataclasses import dataclass
from functools import cache
from typing import Any

import av
from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

SECRET = "+39.9409+116.3959/"
RATE = 10
SAMPLES = 1024


@dataclass(frozen=True)
class Kind:
    """How to write one kind; a codec that is None leaves the track out."""

    muxer: str
    video: str | None
    audio: str | None
    sample: str = "fltp"


KINDS = {
    "video/mp4": Kind("mp4", "mpeg4", "aac"),
    "video/quicktime": Kind("mov", "mpeg4", "aac"),
    "video/webm": Kind("webm", "libvpx", "libopus", "flt"),
    "video/x-matroska": Kind("matroska", "mpeg4", "aac"),
    "audio/mpeg": Kind("mp3", None, "libmp3lame"),
    "audio/mp4": Kind("ipod", None, "aac"),
    "audio/aac": Kind("adts", None, "aac"),
    "audio/wav": Kind("wav", None, "pcm_s16le", "s16"),
    "audio/ogg": Kind("ogg", None, "libopus", "flt"),
    "audio/flac": Kind("flac", None, "flac", "s16"),
}


@cache
def recording(content_type: str, seconds: int = 2, width: int = 64, height: int = 36) -> bytes:
    """Return a film, white above and brightening below, with silence; in its notes stands where it was made."""
    kind = KINDS[content_type]
    out = io.BytesIO()
    with av.open(out, "w", format=kind.muxer) as made:
        made.metadata.update({"title": SECRET, "comment": SECRET, "location": SECRET})
        video: Any = made.add_stream(kind.video, rate=RATE) if kind.video else None
        audio: Any = made.add_stream(kind.audio, rate=48_000) if kind.audio else None
        if video:
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            for number in range(seconds * RATE):
                made.mux(video.encode(_frame(number, width, height)))
            made.mux(video.encode(None))
        if audio:
            for number in range(seconds * 48_000 // SAMPLES):
                made.mux(audio.encode(_silence(number, kind.sample)))
            made.mux(audio.encode(None))
    return out.getvalue()


def _frame(number: int, width: int, height: int) -> Any:
    frame: Any = av.VideoFrame(width, height, "yuv420p")
    for index, plane in enumerate(frame.planes):
        size = plane.buffer_size
        lower = bytes([number * 9 % 256]) * (size - size // 2)
        plane.update((b"\xeb" if index == 0 else b"\x80") * (size // 2) + lower)
    frame.pts = number
    return frame


def _silence(number: int, sample: str) -> Any:
    frame: Any = av.AudioFrame(format=sample, layout="stereo", samples=SAMPLES)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts = 48_000, number * SAMPLES
    return frame


def patched(content: bytes, box: bytes, offset: int, data: bytes) -> bytes:
    """Overwrite bytes in the first box of that name, counted from the start of its content."""
    at = content.index(box) + 4 + offset
    return content[:at] + data + content[at + len(data) :]


def turned() -> bytes:
    """An upright film as a phone writes it: lying, with a note to turn it by a quarter."""
    one = 1 << 16
    matrix = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    return patched(recording("video/mp4"), b"tkhd", 40, matrix)


def claiming_years() -> bytes:
    """The film's own clock says that it runs for days without end; its frames know better."""
    return patched(recording("video/mp4"), b"mdhd", 16, struct.pack(">I", 0x7FFFFFFF))


def slow() -> bytes:
    """Each frame is shown for more than two days."""
    return patched(recording("video/mp4"), b"stts", 12, struct.pack(">I", 0x7FFFFFFF))


def without_frames() -> bytes:
    """A track that is declared and has no sample."""
    return patched(patched(recording("audio/mp4"), b"stsz", 8, struct.pack(">I", 0)), b"stts", 4, bytes(4))


def endless_edits() -> bytes:
    """An edit list that plays the same second again, and again."""
    content = recording("video/mp4")
    return patched(content, b"elst", 4, struct.pack(">I", 0x7FFFFFFF))


def document(password: str = "") -> bytes:
    """A PDF with a script, an action on opening, a program to start, an attachment, an author and a good link."""
    writer = PdfWriter()
    writer.add_blank_page(200, 100)
    writer.add_metadata({"/Author": SECRET})
    names = ArrayObject([TextStringObject("x"), _action("/JavaScript", "/JS", "app.alert(1)")])
    scripts = DictionaryObject({NameObject("/Names"): names})
    writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): scripts})
    writer.add_attachment("secret.txt", SECRET.encode())
    writer.root_object[NameObject("/OpenAction")] = _action("/Launch", "/F", "calc.exe")
    for action in (_action("/URI", "/URI", "https://example.com"), _action("/Launch", "/F", "calc.exe")):
        note = Link(rect=(0, 0, 10, 10), url="https://example.com")
        note[NameObject("/A")] = action
        writer.add_annotation(0, note)
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _action(kind: str, name: str, what: str) -> DictionaryObject:
    return DictionaryObject({NameObject("/S"): NameObject(kind), NameObject(name): TextStringObject(what)})
