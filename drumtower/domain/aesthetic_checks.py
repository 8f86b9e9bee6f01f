"""Checks of how a post looks: sharpness, weight and shape of its images, and how many there are."""

from collections.abc import Iterator

from drumtower.domain.capabilities import family
from drumtower.domain.errors import Evidence, Severity, Violation
from drumtower.domain.facts import Files, MediaFacts

SHARP = 640  # pixels on the longer side; below it a phone of today shows an image blurred
HEAVY = 5 * 1024 * 1024  # bytes; over it readers on the move wait
MOST_RATIOS_APART = 1.6  # widest by narrowest of one post's images
FULL_GRIDS = frozenset({1, 2, 3, 4, 6, 9})  # what fills its rows where platforms show a grid of three


def sharpness(media: Files) -> Iterator[Violation]:
    """Say which images are too small to be sharp on a phone."""
    for index, image in _images(media):
        if image.width and image.height and max(image.width, image.height) < SHARP:
            yield _warn(
                f"/asset_ids/{index}",
                "image_blurred",
                f"{image.width} × {image.height}: its longer side has less than {SHARP} pixels.",
                "Use a larger original.",
                Severity.WARN,
            )


def weight(media: Files) -> Iterator[Violation]:
    """Say which images are so heavy that readers wait."""
    for index, image in _images(media):
        if image.size > HEAVY:
            yield _warn(
                f"/asset_ids/{index}",
                "image_heavy",
                f"The file has {image.size / 1024 / 1024:.1f} MB; over {HEAVY // 1024 // 1024} MB readers wait.",
                "Compress it.",
            )


def shapes(media: Files) -> Iterator[Violation]:
    """Say that a post's images do not go together in shape."""
    ratios = [image.width / image.height for _, image in _images(media) if image.width and image.height]
    if len(ratios) > 1 and max(ratios) / min(ratios) > MOST_RATIOS_APART:
        yield _warn(
            "/asset_ids",
            "images_uneven",
            f"The images range from {min(ratios):.2f} to {max(ratios):.2f} (width by height).",
            "Crop them alike, so that a grid looks even.",
        )


def count(media: Files) -> Iterator[Violation]:
    """Say that a grid of the images has a hole in it."""
    images = len(list(_images(media)))
    if images not in FULL_GRIDS and 1 < images < max(FULL_GRIDS):
        yield _warn(
            "/asset_ids",
            "grid_uneven",
            f"{images} images leave a hole in a grid of three.",
            "3, 4, 6 or 9 fill it.",
        )


def _images(media: Files) -> Iterator[tuple[int, MediaFacts]]:
    for index, file in enumerate(media):
        if file is not None and family(file.content_type) == "image":
            yield index, file


def _warn(pointer: str, code: str, detail: str, hint: str, severity: Severity = Severity.INFO) -> Violation:
    return Violation(
        pointer=pointer,
        code=code,
        detail=detail,
        hint=hint,
        severity=severity,
        evidence=Evidence(quote=detail),
    )
