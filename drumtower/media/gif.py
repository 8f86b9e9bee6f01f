"""GIF, block by block (GIF89a): what draws is copied, everything else is left out, without touching a pixel."""

from drumtower.media.files import MOST_FRAMES, Refused

HEADERS = (b"GIF87a", b"GIF89a")
PICTURE, EXTENSION, END = b",", b"!", b";"
CONTROL, APPLICATION = b"\xf9", b"\xff"
LOOPING = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0")


class _Blocks:
    """The file, read from left to right."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._content[self._at : self._at + size]
        if len(taken) < size:
            raise Refused("image_broken", "The file ends in the middle of the picture.")
        self._at += size
        return taken

    def kind(self) -> bytes:
        """Return the next block's kind; many a GIF lacks its last byte, the end."""
        at_end = self._at >= len(self._content)
        return END if at_end else self.take(1)

    def table(self, flags: int) -> bytes:
        """Return the colour table that `flags` announce."""
        return self.take(3 << (flags & 7) + 1) if flags & 0x80 else b""

    def data(self) -> bytes:
        """Return sub-blocks up to and with the empty one that ends them."""
        begin = self._at
        while size := self.take(1)[0]:
            self.take(size)
        return self._content[begin : self._at]


def rewrite(content: bytes) -> tuple[bytes, int]:
    """Return the animation without comments, metadata or what follows its end, and its number of frames."""
    blocks = _Blocks(content)
    header = blocks.take(13)
    if header[:6] not in HEADERS:
        raise Refused("image_broken", "The file is no GIF.")
    kept = [header, blocks.table(header[10])]
    frames = 0
    while (kind := blocks.kind()) != END:
        if kind == PICTURE:
            frames += 1
            kept.append(_picture(blocks))
        elif kind == EXTENSION:
            kept.append(_extension(blocks))
        else:
            raise Refused("image_broken", "The file holds a block that GIF does not know.")
        if frames > MOST_FRAMES:
            raise Refused("too_many_frames", f"The animation has more than {MOST_FRAMES} frames.")
    if frames == 0:
        raise Refused("image_broken", "The file holds no picture.")
    return b"".join([*kept, END]), frames


def _picture(blocks: _Blocks) -> bytes:
    descriptor = blocks.take(9)
    return PICTURE + descriptor + blocks.table(descriptor[8]) + blocks.take(1) + blocks.data()


def _extension(blocks: _Blocks) -> bytes:
    label, data = blocks.take(1), blocks.data()
    if label == CONTROL and len(data) >= 6:
        return EXTENSION + CONTROL + b"\x04" + data[1:5] + b"\x00"
    # \x03\x01 and how often: the rest of the block is of no use to anyone.
    if label == APPLICATION and data.startswith(LOOPING) and data[12:14] == b"\x03\x01" and len(data) >= 17:
        return EXTENSION + APPLICATION + data[:16] + b"\x00"
    return b""
