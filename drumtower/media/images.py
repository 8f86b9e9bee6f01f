"""Pictures, decoded and written anew: upright, with their colour profile and nothing else."""

import io
import struct
from typing import Any

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import get_sampling

from drumtower.domain.pictures import SIDE, difference_hash
from drumtower.domain.renditions import Target, cropped, shrunk
from drumtower.media import gif
from drumtower.media.files import MOST_FRAME_PIXELS, MOST_FRAMES, MOST_PIXELS, Measures, Picture, Refused

TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
ORIENTATION = 0x0112
# Good enough that nobody sees a second generation, where the first one's settings can't be known.
WEBP_QUALITY = 90
THUMBNAIL_QUALITY = 80
# More than a hash needs, and little enough that nothing of a picture's size is held twice.
LOOK_PIXELS = 256


def clean(content: bytes) -> Picture:
    """Decode and write anew, upright, with the colour profile and nothing else; raise Refused."""
    image = _open(content)
    if image.format == "GIF":
        rewritten, _ = gif.rewrite(content)
        image = _open(rewritten)
        _play(image)
        return _picture("GIF", image.size, rewritten)
    frames: int = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        return _animation(image, b"VP8L" in content)
    return _still(image, b"VP8L" in content)


def _open(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "GIF", "WEBP"])
    except UnidentifiedImageError as error:
        raise Refused("file_type_unsupported", "The file is no JPEG, PNG, GIF or WebP picture.") from error
    if image.width * image.height > MOST_PIXELS:
        raise Refused("image_too_large", f"The picture has more than {MOST_PIXELS} pixels.")
    return image


def _still(image: Image.Image, lossless: bool) -> Picture:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    image.load()
    options = {"JPEG": _jpeg_options, "PNG": _png_options, "WEBP": _webp_options}[kind](image, lossless)
    profile = _profile(image)
    upright = ImageOps.exif_transpose(image) if _orientation(image) != 1 else image
    # What is left in `info` could be written along: comments, EXIF, resolution.
    upright.info = {"transparency": upright.info["transparency"]} if "transparency" in upright.info else {}
    return _saved(upright, kind, icc_profile=profile, **options)


def _jpeg_options(image: Any, _: bool) -> dict[str, Any]:
    # The same tables again: hardly anything is lost, and the file stays as large as it was.
    tables = {"qtables": image.quantization} if image.quantization else {"quality": WEBP_QUALITY}
    sampling = {"subsampling": s} if (s := get_sampling(image)) >= 0 else {}
    return {**tables, **sampling, "optimize": True, "progressive": "progressive" in image.info}


def _png_options(_: Image.Image, __: bool) -> dict[str, Any]:
    return {}


def _webp_options(_: Image.Image, lossless: bool) -> dict[str, Any]:
    return {"lossless": lossless, "quality": WEBP_QUALITY, "exact": lossless}


def _animation(image: Image.Image, lossless: bool) -> Picture:
    """Write every frame anew; each has been drawn over those before it."""
    durations = _play(image)
    options: dict[str, Any] = {"duration": durations, "loop": image.info.get("loop", 0)}
    if image.format == "PNG":
        options |= {"disposal": 0, "blend": 0, "default_image": getattr(image, "default_image", False)}
    else:
        options |= {"lossless": lossless, "quality": WEBP_QUALITY}
    profile = _profile(image)
    image.seek(0)
    return _saved(image, str(image.format), save_all=True, icc_profile=profile, **options)


def _play(image: Image.Image) -> list[int]:
    """Decode all frames, and return how long each is shown, in milliseconds."""
    frames: int = getattr(image, "n_frames", 1)
    if frames > MOST_FRAMES:
        raise Refused("too_many_frames", f"The animation has more than {MOST_FRAMES} frames.")
    if frames * image.width * image.height > MOST_FRAME_PIXELS:
        raise Refused("image_too_large", f"Its frames have more than {MOST_FRAME_PIXELS} pixels together.")
    durations = []
    for frame in range(frames):
        image.seek(frame)
        image.load()
        durations.append(int(image.info.get("duration") or 0))
    return durations


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION) or 1)
    except (OSError, ValueError, TypeError, SyntaxError, KeyError, struct.error):
        return 1  # its notes are broken, the picture is not


def _profile(image: Image.Image) -> bytes | None:
    """Return the colour profile, if it is one."""
    profile = image.info.get("icc_profile")
    try:
        return bytes(profile) if profile and ImageCms.ImageCmsProfile(io.BytesIO(profile)) else None
    except (OSError, ValueError, TypeError):
        return None


def thumbnail(content: bytes, width: int) -> Picture:
    """Return a WebP no wider than `width`; of an animation the first frame."""
    image = _open(content)
    image.draft("RGB", (width, width))
    image.thumbnail((width, MOST_PIXELS))
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    return _saved(image.convert("RGBA" if has_alpha else "RGB"), "WEBP", quality=THUMBNAIL_QUALITY)


def look(content: bytes) -> Measures:
    """Return what a clean picture is, with its hash; of an animation the first frame's."""
    image = _open(content)
    kind, size = TYPES[str(image.format)], image.size
    image.draft("RGB", (LOOK_PIXELS, LOOK_PIXELS))
    image = image.convert("RGBA") if image.mode == "P" else image
    image.thumbnail((LOOK_PIXELS, LOOK_PIXELS))
    grey = _opaque(image).convert("L").resize((SIDE + 1, SIDE))
    seen = difference_hash(grey.tobytes())
    return Measures(content_type=kind, width=size[0], height=size[1], perceptual_hash=seen)


def _saved(image: Image.Image, kind: str, **options: Any) -> Picture:
    out = io.BytesIO()
    try:
        image.save(out, kind, **options)
    except ValueError as error:
        # libwebp's number for "out of memory": the largest pictures that are taken as JPEG are too much for it.
        if str(error) == "encoding error 1":
            raise MemoryError from error
        raise
    return _picture(kind, image.size, out.getvalue())


def _picture(kind: str, size: tuple[int, int], content: bytes) -> Picture:
    return Picture(content_type=TYPES[kind], width=size[0], height=size[1], content=content)


def fit(content: bytes, target: Target) -> Picture:
    """Return the picture cut to an allowed shape, shrunk, and no heavier than the target says; raise Refused."""
    image = ImageOps.exif_transpose(_open(content))
    shape = cropped(*image.size, target.ratio)
    left, upper = (image.width - shape[0]) // 2, (image.height - shape[1]) // 2
    image = image.crop((left, upper, left + shape[0], upper + shape[1]))
    image = image.resize(shrunk(*shape, target.maximum_pixels)) if target.maximum_pixels else image
    kind = next(name for name, content_type in TYPES.items() if content_type == target.content_type)
    drawn = _opaque(image) if kind == "JPEG" else image.convert("RGBA")
    for factor in (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1):
        size = (max(1, int(drawn.width * factor)), max(1, int(drawn.height * factor)))
        for quality in (90, 75):
            made = _saved(drawn.resize(size), kind, **({} if kind == "PNG" else {"quality": quality}))
            if len(made.content) <= target.maximum_bytes:
                return made
    raise Refused("rendition_impossible", "It can't be made as small as the platform asks.")


def _opaque(image: Image.Image) -> Image.Image:
    """Put a picture with holes on white paper: JPEG has none."""
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image.convert("RGBA"))
    return paper.convert("RGB")
