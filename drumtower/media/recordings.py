"""Video and sound: each track copied into a new container, without what cameras and editors note beside it.

The demultiplexer is named, never guessed, so a playlist that names other files is no recording here. Nothing is coded
anew: the picture and the sound stay bit for bit what they were.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.container import InputContainer, OutputContainer
from av.stream import Disposition

from drumtower.media.files import MOST_HOURS, MOST_PIXELS, Measures, Refused
from drumtower.media.forms import Form

# A recording may be a little shorter than it says: players add the last frame's time.
SLACK = Fraction(1)
_DEMUXERS = {Form.MP4: "mov", Form.MATROSKA: "matroska"}  # the others are called as we call them
_SOUNDS = {
    Form.MP3: ("mp3", "audio/mpeg"),
    Form.AAC: ("adts", "audio/aac"),
    Form.WAV: ("wav", "audio/wav"),
    Form.OGG: ("ogg", "audio/ogg"),
    Form.FLAC: ("flac", "audio/flac"),
    Form.AMR: ("amr", "audio/amr"),
}
_QUIET = {"fflags": "+bitexact"}  # no program's name, no time of writing
_OPTIONS = {
    "mp4": {"movflags": "+faststart"},
    "mov": {"movflags": "+faststart"},
    "ipod": {"movflags": "+faststart"},
    "mp3": {"id3v2_version": "0", "write_id3v1": "0"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """The first picture and the first sound; a cover is no picture."""

    video: Any | None
    audio: Any | None

    def __iter__(self) -> Any:
        return iter([track for track in (self.video, self.audio) if track is not None])


def clean(source: IO[bytes], form: Form, made: Path) -> Measures:
    """Write the recording anew to `made`; raise Refused."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    try:
        with opened(source, form) as given:
            tracks = tracks_of(given)
            muxer, content_type = _container(given, form, tracks)
            _copy(given, tracks, muxer, made)
            promised = Fraction(given.duration or 0, av.time_base)
    except av.FFmpegError as error:
        raise Refused("recording_broken", f"The recording can't be read ({error.strerror}).") from error
    with made.open("rb") as file:
        measures = measure(file, form, content_type)
    if Fraction(measures.duration_ms or 0, 1000) + SLACK < promised * Fraction(98, 100):
        raise Refused("recording_broken", "The recording ends before its time: it was cut off on the way.")
    return measures


def measure(source: IO[bytes], form: Form, content_type: str) -> Measures:
    """Measure a recording that we have written; decode the first of each track as a proof. Raises Refused."""
    try:
        with opened(source, form) as written:
            tracks = tracks_of(written)
            seconds = _seconds(written)
            width, height = _shown(written, tracks.video) if tracks.video else (None, None)
            if tracks.audio:
                written.seek(0)
                next(written.decode(tracks.audio))
    except (av.FFmpegError, StopIteration) as error:
        raise Refused("recording_broken", "The recording can't be decoded.") from error
    codecs = tuple(track.codec_context.codec.canonical_name for track in tracks)
    return Measures(
        content_type=content_type,
        width=width,
        height=height,
        duration_ms=round(seconds * 1000),
        codecs=codecs,
    )


def opened(source: IO[bytes], form: Form) -> InputContainer:
    """Open a recording as what it seems to be, and as nothing else."""
    return av.open(source, "r", format=_DEMUXERS.get(form, form.value), metadata_errors="ignore")


def tracks_of(given: InputContainer) -> Tracks:
    """Return its first picture and first sound; raise Refused where there is neither, or one that nobody should decode."""
    videos = [s for s in given.streams.video if not s.disposition & Disposition.attached_pic]
    tracks = Tracks(video=_first(videos), audio=_first(given.streams.audio))
    for track in tracks:
        if track.codec_context is None:
            raise Refused("recording_broken", "The recording is in a codec that is not known here.")
        track.codec_context.thread_count = 1
    if not list(tracks):
        raise Refused("recording_broken", "There is neither picture nor sound in it.")
    if tracks.video and tracks.video.codec_context.width * tracks.video.codec_context.height > MOST_PIXELS:
        raise Refused("recording_too_large", f"The picture has more than {MOST_PIXELS} pixels.")
    return tracks


def _first(tracks: Iterable[Any]) -> Any | None:
    return next(iter(tracks), None)


def _container(given: InputContainer, form: Form, tracks: Tracks) -> tuple[str, str]:
    """Return what to write it as, for FFmpeg and for HTTP."""
    if form is Form.MP4:
        if tracks.video is None:
            return "ipod", "audio/mp4"
        is_apple = given.metadata.get("major_brand", "qt  ") == "qt  "
        return ("mov", "video/quicktime") if is_apple else ("mp4", "video/mp4")
    if form is Form.MATROSKA:
        return _matroska(tracks)
    if tracks.video is not None:
        raise Refused("file_type_unsupported", f"Video in {form.value} is not taken.")
    return _SOUNDS[form]


def _matroska(tracks: Tracks) -> tuple[str, str]:
    is_web = all(t.codec_context.codec.canonical_name in _WEB_CODECS for t in tracks)
    if tracks.video is None and not is_web:
        raise Refused(
            "file_type_unsupported", "Sound alone is taken in Matroska only as WebM (Opus, Vorbis)."
        )
    if is_web:
        return "webm", "video/webm" if tracks.video else "audio/webm"
    return "matroska", "video/x-matroska"


_WEB_CODECS = {"vp8", "vp9", "av1", "opus", "vorbis"}


def _copy(given: InputContainer, tracks: Tracks, muxer: str, made: Path) -> None:
    options = {**_QUIET, **_OPTIONS.get(muxer, {})}
    with av.open(str(made), "w", format=muxer, options=options) as out:
        copies = {track.index: _copied(out, track) for track in tracks}
        for packet in given.demux(list(tracks)):
            if packet.dts is not None:  # the last, empty one of each track has none
                packet.stream = copies[packet.stream.index]
                out.mux(packet)


def _copied(out: OutputContainer, track: Any) -> Any:
    copy = out.add_stream_from_template(track)
    copy.metadata.clear()
    return copy


def _seconds(written: InputContainer) -> Fraction:
    seconds = Fraction(written.duration or 0, av.time_base)
    if seconds <= 0:
        raise Refused("recording_broken", "The recording has no length.")
    if seconds > MOST_HOURS * 3600:
        raise Refused("recording_too_long", f"The recording is longer than {MOST_HOURS} hours.")
    return seconds


def _shown(written: InputContainer, video: Any) -> tuple[int, int]:
    """Return width and height as people see them: a phone films lying and notes how to turn it."""
    frame = next(written.decode(video))
    turned = frame.rotation % 180 != 0
    return (frame.height, frame.width) if turned else (frame.width, frame.height)
