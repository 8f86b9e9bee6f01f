"""Pictures made in code: good ones, and ones that were made to hurt."""

import io
import struct
import zipfile
import zlib
from functools import cache
from random import Random
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

GPS_LATITUDE = b"\x00\x00\x00\x1f"
SECRET = b"39.9409N-116.3959E"
SCRIPT = b"<script>alert(1)</script>"


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the picture as a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def half_red(width: int = 60, height: int = 40) -> Image.Image:
    """A picture that shows which way is up: its upper half is red, the lower blue."""
    image = Image.new("RGB", (width, height), (20, 20, 200))
    image.paste((200, 20, 20), (0, 0, width, height // 2))
    return image


@cache
def profile() -> bytes:
    """Return a colour profile; made once, because it holds the time of its making."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def phone_jpeg(orientation: int = 6) -> bytes:
    """A JPEG with all that a phone adds: turned, GPS, a comment, a thumbnail, a colour profile."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[29] = SECRET.decode()
    image = half_red()
    thumbnail = encode(image.resize((16, 16)), "JPEG")
    return encode(
        image,
        "JPEG",
        quality=95,
        exif=exif.tobytes() + thumbnail,
        comment=SECRET,
        icc_profile=profile(),
        xmp=b"<x>" + SECRET + b"</x>",
    )


def talkative_png() -> bytes:
    """A PNG with text, EXIF and XMP, half transparent."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET.decode(), zip=False)
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    image = half_red().convert("RGBA")
    image.putalpha(128)
    return encode(image, "PNG", pnginfo=texts, exif=exif, icc_profile=profile())


def animation(kind: str, frames: int = 4) -> bytes:
    """An animation with as many different frames, each shown for its own time."""
    pictures = [Image.new("RGB", (24, 16), (60 * number % 255, 30, 90)) for number in range(frames)]
    durations = [100 + 10 * number for number in range(frames)]
    return encode(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=durations, loop=3)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    """A one-colour PNG of any size, as small as zlib makes it."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compressobj(9)
    row = b"\x00" * (1 + (width + 7) // 8)
    data = b"".join(rows.compress(row) for _ in range(min(height, 2_000))) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def png_with_text_bomb(megabytes: int = 2_048) -> bytes:
    """A good PNG whose zTXt chunk unpacks to gigabytes of zeros."""
    packer = zlib.compressobj(9)
    begin = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block stands for itself, so it can be repeated.
    again = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = struct.pack(">HH", (megabytes << 20) % 65_521, 1)
    packed = begin + again * (megabytes - 1) + b"\x03\x00" + checksum
    good = encode(half_red(), "PNG")
    return good[:33] + chunk(b"zTXt", b"Comment\x00\x00" + packed) + good[33:]


def gif_with_frames(frames: int) -> bytes:
    """A GIF that repeats one frame."""
    one = encode(Image.new("P", (1, 1)), "GIF")
    table = 3 << (one[10] & 7) + 1 if one[10] & 0x80 else 0
    begin = 13 + table
    return one[:begin] + one[begin:-1] * frames + b";"


def archive() -> bytes:
    """A ZIP that holds a web page."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("index.html", SCRIPT)
    return out.getvalue()


def jpeg_and_zip() -> bytes:
    return encode(half_red(), "JPEG") + archive()


def gif_and_script() -> bytes:
    """A GIF with a script in a comment, another in an application's block, and one after its end."""
    gif = encode(half_red().convert("P"), "GIF")
    table = 13 + (3 << (gif[10] & 7) + 1)
    comment = b"!\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\x00"
    application = b"!\xff\x0bXMP DataXMP" + bytes([len(SCRIPT)]) + SCRIPT + b"\x00"
    return gif[:table] + comment + application + gif[table:] + SCRIPT


SVG = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">&x;<foreignObject/><script>1</script></svg>'
)
FOREIGN = {
    "svg": SVG,
    "html": b"<html>" + SCRIPT,
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "tiff": encode(half_red(), "TIFF"),
    "bmp": encode(half_red(), "BMP"),
    "fits": b"SIMPLE  =                    T".ljust(80) + b"BITPIX  =  8".ljust(80),
    "ico": encode(half_red(), "ICO"),
    "zip": b"PK\x03\x04\x14\x00".ljust(64, b"\0"),
    "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic",
    "noise": bytes(range(256)),
    "cut magic": b"\x89PNG\r\n",
}


def scene(seed: int, width: int = 450, height: int = 300) -> Image.Image:
    """A picture with light and shade all over, another one for each seed."""
    shades = Random(seed).randbytes(3 * 12 * 8)
    return Image.frombytes("RGB", (12, 8), shades).resize((width, height), Image.Resampling.BICUBIC)
