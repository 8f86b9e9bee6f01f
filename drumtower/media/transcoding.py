"""Video and sound coded anew for a platform: H.264 with AAC in MP4, or MP3, no heavier than it takes."""

import logging
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.audio.resampler import AudioResampler

from drumtower.domain.renditions import Target, cropped, shrunk
from drumtower.media.files import Measures, Refused
from drumtower.media.forms import Form
from drumtower.media.recordings import Tracks, measure, opened, tracks_of

_CONTAINERS = {
    "video/mp4": ("mp4", Form.MP4),
    "audio/mp4": ("ipod", Form.MP4),
    "audio/mpeg": ("mp3", Form.MP3),
}
SOUND = 128_000  # bits a second
BEST = 6_000_000
WORST = 100_000
# What the container itself weighs, and how far an encoder may miss its mark.
MARGIN = Fraction(90, 100)


def fit(source: IO[bytes], form: Form, target: Target, made: Path) -> Measures:
    """Write the rendition to `made`; raise Refused where it can't be made as small as that."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    muxer, written = _CONTAINERS[target.content_type]
    try:
        with opened(source, form) as given, av.open(str(made), "w", format=muxer) as out:
            tracks = tracks_of(given)
            bits = _bits(target, Fraction(given.duration or 0, av.time_base))
            _write(given, tracks, out, target, bits)
    except av.FFmpegError as error:
        raise Refused("recording_broken", f"It can't be coded anew ({error.strerror}).") from error
    if made.stat().st_size > target.maximum_bytes:
        raise Refused("rendition_impossible", "It can't be made as small as the platform asks: cut it.")
    with made.open("rb") as file:
        return measure(file, written, target.content_type)


def _bits(target: Target, seconds: Fraction) -> int:
    """Return how many bits a second all tracks together may have."""
    most = int(target.maximum_bytes * 8 * MARGIN / seconds) if seconds else BEST
    least = WORST if target.content_type.startswith("video/") else 32_000
    if most < least:
        raise Refused("rendition_impossible", "It is too long for so few bytes: cut it.")
    return min(most, BEST)


def _write(given: Any, tracks: Tracks, out: Any, target: Target, bits: int) -> None:
    video = tracks.video if target.content_type.startswith("video/") else None
    writers: dict[int, _Sound | _Picture] = {}
    if tracks.audio:
        writers[tracks.audio.index] = _Sound(out, target, min(SOUND, bits // 3 if video else bits))
    if video:
        writers[video.index] = _Picture(
            out, video, target, bits - (min(SOUND, bits // 3) if tracks.audio else 0)
        )
    for packet in given.demux([track for track in (video, tracks.audio) if track]):
        for frame in packet.decode():
            writers[packet.stream.index].write(frame)
    for writer in writers.values():
        writer.write(None)


class _Sound:
    def __init__(self, out: Any, target: Target, bits: int) -> None:
        self._out = out
        self._track = out.add_stream(
            "libmp3lame" if target.content_type == "audio/mpeg" else "aac", rate=48_000
        )
        self._track.bit_rate = bits
        self._track.layout = "stereo"
        self._resampler = AudioResampler("fltp", "stereo", 48_000)

    def write(self, frame: Any) -> None:
        for one in self._resampler.resample(frame):
            self._out.mux(self._track.encode(one))
        if frame is None:
            self._out.mux(self._track.encode(None))


class _Picture:
    """Turns the picture upright, cuts it to an allowed shape, shrinks it, and codes it."""

    def __init__(self, out: Any, video: Any, target: Target, bits: int) -> None:
        self._out, self._target, self._bits = out, target, bits
        self._rate = min(Fraction(video.average_rate or 25), Fraction(60))
        self._base = video.time_base
        self._track: Any = None
        self._graph: Any = None

    def write(self, frame: Any) -> None:
        if frame is None:
            if self._graph is not None:
                self._graph.push(None)
                self._drain()
                self._out.mux(self._track.encode(None))
            return
        if self._graph is None:
            self._begin(frame)
        self._graph.push(frame)
        self._drain()

    def _begin(self, frame: Any) -> None:
        turns = round(frame.rotation / 90) % 4
        width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        shape = cropped(width, height, self._target.ratio)
        # H.264 takes even sides only.
        size = tuple(max(2, side - side % 2) for side in shrunk(*shape, self._target.maximum_pixels))
        self._track = self._out.add_stream("libx264", rate=self._rate)
        self._track.width, self._track.height, self._track.pix_fmt = *size, "yuv420p"
        self._track.bit_rate = self._bits
        self._track.options = {"preset": "veryfast", "maxrate": str(self._bits), "bufsize": str(self._bits)}
        graph = av.filter.Graph()
        # FFmpeg counts the note's angle against the clock.
        steps = [("transpose", "cclock")] * (turns if turns < 3 else 0) or (
            [("transpose", "clock")] if turns == 3 else []
        )
        steps += [
            ("crop", f"{shape[0]}:{shape[1]}"),
            ("scale", f"{size[0]}:{size[1]}"),
            ("format", "yuv420p"),
        ]
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._base
        )
        chain = [source, *(graph.add(name, arguments) for name, arguments in steps), graph.add("buffersink")]
        graph.link_nodes(*chain).configure()
        self._graph = graph

    def _drain(self) -> None:
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            frame.pict_type = 0
            self._out.mux(self._track.encode(frame))
