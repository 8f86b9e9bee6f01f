"""Perceptual hashes of real files: the same picture in another form, and another picture."""

import io
from pathlib import Path

import pytest
from PIL import Image

from drumtower.domain.pictures import distance, is_telling
from drumtower.media import images, worker
from drumtower.media.forms import Form
from tests.api.pictures import encode, half_red, scene

SCENE = scene(1)


def seen(content: bytes) -> int:
    found = images.look(content).perceptual_hash
    assert found is not None
    return found


def turned() -> bytes:
    """As a phone held upright writes it: lying, with a note that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(SCENE.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


@pytest.mark.parametrize(
    "again",
    [
        encode(SCENE, "JPEG", quality=30),
        encode(SCENE.resize((200, 133)), "WEBP", quality=50),
        encode(SCENE, "GIF"),  # a palette
        encode(SCENE.convert("RGBA"), "PNG"),
        images.clean(turned()).content,
    ],
    ids=["jpeg", "small", "palette", "alpha", "turned"],
)
def test_the_same_picture_in_another_form_is_near(again: bytes) -> None:
    assert distance(seen(encode(SCENE, "PNG")), seen(again)) <= 3


def test_another_picture_is_far_and_a_flat_one_says_nothing() -> None:
    mine, other, flat = (seen(encode(one, "PNG")) for one in (SCENE, scene(2), half_red()))
    assert distance(mine, other) > 16
    assert is_telling(mine)
    assert not is_telling(flat)


def test_a_file_is_looked_at_as_it_is_cleaned_and_turned(tmp_path: Path) -> None:
    made = tmp_path / "made"
    said = worker.run(["clean", Form.IMAGE.value, str(made)], io.BytesIO(turned()))
    assert (said["width"], said["height"]) == SCENE.size
    assert said["perceptual_hash"] == seen(made.read_bytes())
    assert distance(said["perceptual_hash"], seen(encode(SCENE, "PNG"))) <= 3
    again = worker.run(["look", Form.IMAGE.value, "/dev/null"], io.BytesIO(made.read_bytes()))
    assert again == said
