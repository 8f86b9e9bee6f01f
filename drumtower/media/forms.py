"""What a file seems to be, by its first bytes: who reads it is chosen by that, and it must prove it there."""

import re
from enum import StrEnum


class Form(StrEnum):
    """A way of writing files, and the one reader that may try it."""

    IMAGE = "image"
    MP4 = "mp4"  # with QuickTime, its elder
    MATROSKA = "matroska"  # with WebM
    MP3 = "mp3"
    AAC = "aac"
    WAV = "wav"
    OGG = "ogg"
    FLAC = "flac"
    AMR = "amr"
    PDF = "pdf"

    @property
    def noun(self) -> str:
        """What codes and texts call it."""
        return {Form.IMAGE: "image", Form.PDF: "document"}.get(self, "recording")


HEAD = 64  # so many bytes tell
_SIGNS = {
    # HEIC and AVIF are written in boxes too; they are pictures, and none that is taken.
    Form.MP4: re.compile(rb"....(ftyp(?!heic|heix|hevc|hevx|mif1|msf1|avif|avis)|moov|mdat|wide)", re.DOTALL),
    Form.MATROSKA: re.compile(rb"\x1aE\xdf\xa3"),
    Form.MP3: re.compile(rb"ID3|\xff[\xe2-\xe7\xea-\xef\xf2-\xf7\xfa-\xff]"),
    Form.AAC: re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"),
    Form.WAV: re.compile(rb"RIFF....WAVE", re.DOTALL),
    Form.OGG: re.compile(rb"OggS"),
    Form.FLAC: re.compile(rb"fLaC"),
    Form.AMR: re.compile(rb"#!AMR(-WB)?\n"),
    Form.PDF: re.compile(rb"%PDF-"),
}


def form_of(head: bytes) -> Form:
    """Return the form that the first bytes promise; what promises nothing goes to the reader of pictures."""
    return next((form for form, sign in _SIGNS.items() if sign.match(head)), Form.IMAGE)
