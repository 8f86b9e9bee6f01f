"""Assets: uploads that are good, hostile, too large, or there already."""

import asyncio
import hashlib
import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import select

from drumtower.db.engine import Database
from drumtower.db.models import Asset, AuditEvent
from drumtower.media import studio, worker
from drumtower.settings import Settings
from services.api.assets.names import attachment, safe_name
from tests.api import pictures
from tests.factories import Team

JPEG = pictures.encode(pictures.half_red(), "JPEG")
SLEEPER = ("/bin/sh", "-c", "exec sleep 60")
BOMB_SECONDS = 10.0  # two on an idle machine; tests share theirs


async def upload(
    client: httpx.AsyncClient, content: bytes, name: str = "茶.jpg", **more: Any
) -> httpx.Response:
    headers = more.pop("headers", {})
    return await client.post(
        "/v1/assets", files={"file": (name, content, "text/html")}, data=more, headers=headers
    )


async def stored(client: httpx.AsyncClient, content: bytes) -> bytes:
    """Upload, and return what is served."""
    made = await upload(client, content)
    assert made.status_code in (200, 201), made.text
    return (await client.get(f"/v1/assets/{made.json()['id']}/content")).content


def files_in(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def codes(response: httpx.Response) -> list[tuple[str, str]]:
    assert response.headers["content-type"] == "application/problem+json"
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


@pytest.mark.long
async def test_upload_read_download_update(client: httpx.AsyncClient, db: Database) -> None:
    made = await upload(
        client,
        JPEG,
        "../秋茶 上新.jpeg",
        alt_text="一杯茶",
        credit="小李",
        expires_at="2030-01-01T08:00:00+08:00",
    )
    assert made.status_code == 201, made.text
    asset = made.json()
    address = made.headers["location"]
    assert address == f"/v1/assets/{asset['id']}"
    assert (asset["file_name"], asset["content_type"]) == ("秋茶 上新.jpeg", "image/jpeg")
    assert (asset["width"], asset["height"], asset["alt_text"]) == (60, 40, "一杯茶")
    assert asset["expires_at"] == "2030-01-01T00:00:00Z"
    read = await client.get(address)
    assert read.json() == asset
    assert [a["id"] for a in (await client.get("/v1/assets")).json()["data"]] == [asset["id"]]
    assert (await client.get("/v1/assets", params={"content_type": "image/png"})).json()["data"] == []

    served = await client.get(f"{address}/content")
    assert hashlib.sha256(served.content).hexdigest() == asset["sha256"]
    assert len(served.content) == asset["size"]
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"
    disposition = served.headers["content-disposition"]
    assert disposition.startswith("attachment; ")
    assert unquote(disposition.partition("UTF-8''")[2]) == "秋茶 上新.jpeg"
    again = await client.get(
        f"{address}/content", headers={"If-None-Match": f'"x", {served.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")

    changed = await client.patch(
        address, json={"credit": "小王", "expires_at": None}, headers={"If-Match": read.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text
    assert {**asset, "credit": "小王", "expires_at": None} == changed.json()
    late = await client.patch(address, json={"credit": "x"}, headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "edited_meanwhile")
    assert codes(await client.patch(address, json={"licence": None})) == [("/licence", "null_not_allowed")]
    assert codes(await client.patch(address, json={"sha256": "0"})) == [("/sha256", "unknown_field")]
    async with db.transaction() as tx:
        verbs = (await tx.scalars(select(AuditEvent.verb).order_by(AuditEvent.id))).all()
    assert verbs == ["asset.uploaded", "asset.updated"]


@pytest.mark.long
async def test_the_same_picture_is_kept_once(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(upload(client, JPEG, f"{n}.jpg", alt_text=str(n)) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.text for answer in answers}) == 1
    # What a phone notes is no part of the picture.
    noted = await upload(client, pictures.encode(pictures.half_red(), "JPEG", comment=b"x"))
    assert (noted.status_code, noted.json()) == (200, answers[0].json())
    theirs = await upload(stranger, JPEG)
    assert theirs.status_code == 201
    assert theirs.json()["id"] != answers[0].json()["id"]


async def test_a_keyed_upload_is_replayed_whatever_its_boundary(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "upload-1"}
    first = await upload(client, JPEG, headers=key)
    again = await upload(client, JPEG, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    for other in ({"alt_text": "else"}, {"name": "else.jpg"}, {"content": pictures.talkative_png()}):
        refused = await upload(client, **({"content": JPEG} | other), headers=key)
        assert codes(refused) == [("header idempotency-key", "idempotency_key_reused")]


@pytest.mark.long
async def test_only_the_picture_is_kept(client: httpx.AsyncClient) -> None:
    """S15, S16; inputs 64 and 68."""
    phone = pictures.phone_jpeg(orientation=6)
    assert pictures.SECRET in phone
    jpeg = await stored(client, phone)
    assert pictures.SECRET not in jpeg
    upright = pictures.opened(jpeg)
    assert upright.size == (40, 60)
    assert not upright.getexif()
    assert upright.info["icc_profile"] == pictures.profile()
    # Orientation 6 is "turn clockwise": what was up is right.
    assert upright.convert("RGB").getpixel((35, 30))[0] > 150  # type: ignore[index]
    assert upright.convert("RGB").getpixel((5, 30))[2] > 150  # type: ignore[index]

    png = await stored(client, pictures.talkative_png())
    assert pictures.SECRET not in png
    assert pictures.opened(png).mode == "RGBA"
    assert pictures.opened(png).info["icc_profile"] == pictures.profile()

    for polyglot in (pictures.jpeg_and_zip(), pictures.gif_and_script()):
        kept = await stored(client, polyglot)
        assert pictures.SCRIPT not in kept
        assert b"PK\x03\x04" not in kept

    cmyk = pictures.encode(pictures.half_red().convert("CMYK"), "JPEG", quality=95)
    assert pictures.opened(await stored(client, cmyk)).mode == "CMYK"
    deep = pictures.encode(Image.new("I;16", (10, 10), 40_000), "PNG")
    assert pictures.opened(await stored(client, deep)).getpixel((5, 5)) == 40_000


@pytest.mark.long
@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_animations_keep_their_frames(client: httpx.AsyncClient, kind: str) -> None:
    given = pictures.opened(pictures.animation(kind))
    kept = pictures.opened(await stored(client, pictures.animation(kind)))
    assert (kept.format, kept.n_frames, kept.info["loop"]) == (kind, 4, 3)  # type: ignore[attr-defined]
    for number in range(4):
        given.seek(number)
        kept.seek(number)
        [before, after] = [image.convert("RGB").getpixel((5, 5)) for image in (given, kept)]
        assert all(abs(a - b) < 8 for a, b in zip(before, after, strict=True))  # type: ignore[arg-type]
        assert given.info["duration"] == kept.info["duration"]


@pytest.mark.long
async def test_bombs_and_foreign_files_are_refused(client: httpx.AsyncClient, settings: Settings) -> None:
    """S14; inputs 61, 62, 63, 65, 66, 68, 69, 70, 74."""
    bombs = {
        "image_too_large": [pictures.png_claiming(50_000, 50_000), pictures.png_claiming(40_000, 1_001)],
        "too_many_frames": [pictures.gif_with_frames(100_000), pictures.gif_with_frames(201)],
        "image_broken": [
            pictures.png_with_text_bomb(),
            JPEG[:-200],
            pictures.animation("GIF")[:-8],
            pictures.animation("WEBP")[:-30],
        ],
        "file_type_unsupported": [pictures.SVG],
        "file_empty": [b""],
    }
    for code, files in bombs.items():
        for content in files:
            began = time.monotonic()
            refused = await upload(client, content, "harmless.png")
            assert (refused.status_code, codes(refused)) == (422, [("/file", code)]), content[:40]
            assert time.monotonic() - began < BOMB_SECONDS
    for name, content in pictures.FOREIGN.items():  # what the process would say, without starting one
        assert worker.run(["clean", "image", "-"], io.BytesIO(content))["code"] == "file_type_unsupported", (
            name
        )
    assert (await upload(client, JPEG)).status_code == 201
    assert len(files_in(settings.storage_dir)) == 1


# Starlette leaves the temporary file of a part that never ends to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_forms_are_read_strictly(client: httpx.AsyncClient, settings: Settings, app: FastAPI) -> None:
    """Inputs 45, 46 and 72."""
    wrong = await upload(client, JPEG, alt_text="x" * 3_000, expires_at="tomorrow", owner="me")
    assert set(codes(wrong)) == {
        ("/alt_text", "invalid_string"),
        ("/expires_at", "invalid_datetime"),
        ("/owner", "unknown_field"),
    }
    assert codes(await upload(client, JPEG, alt_text="a\x00b"))[0][1] == "nul_character"
    assert codes(await upload(client, JPEG, credit=["a", "b"])) == [("/credit", "duplicate_key")]
    assert codes(await client.post("/v1/assets", files={"alt_text": (None, "x")})) == [
        ("/file", "field_missing")
    ]
    assert codes(await client.post("/v1/assets", files={"file": (None, "x")})) == [("/file", "field_missing")]

    async def raw(body: bytes, content_type: str = "multipart/form-data; boundary=b") -> httpx.Response:
        return await client.post("/v1/assets", content=body, headers={"Content-Type": content_type})

    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    assert (await raw(head + JPEG)).status_code == 422  # no last boundary: cut off on the way
    assert (
        await raw(b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 10_000)
    ).status_code == 400
    assert (await raw(b"--b\r\nX: " + b"x" * (1 << 20))).status_code == 400
    assert (await raw(b"\xff\xfe")).status_code in (400, 422)
    assert (await raw(head + JPEG + b"\r\n--b--", "multipart/form-data")).status_code == 400
    for media in (
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=b; charset=hex",
    ):
        assert (await raw(b"a=1&" * 1_000, media)).status_code == 415
    small = settings.model_copy(
        update={"largest_asset": 1024, "largest_document": 2048, "largest_recording": 4096}
    )
    app.state.services = replace(app.state.services, settings=small)
    for content in (b"x" * 1025, b"%PDF-".ljust(2049), b"\0\0\0\x18ftypisom".ljust(4097)):
        exact = await upload(client, content)
        assert (exact.status_code, exact.json()["code"]) == (413, "file_too_large")
    over = await upload(client, b"x" * (4096 + 100_000))
    assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
    assert over.headers["content-type"] == "application/problem+json"
    assert (await client.get("/v1/assets")).json()["data"] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.ini.png"),
        ("con", "_con.png"),
        ("NUL.png", "_NUL.png"),
        ("com1.tar.PNG", "_com1.tar.png"),
        ("x" * 5_000 + ".png", "x" * 150 + ".png"),
        ("a\x00b\r\nX-Evil: 1.png", "abX-Evil 1.png"),
        ("photo\u202egnp.exe", "photognp.exe.png"),
        ("photo.jpg", "photo.jpg.png"),
        ("", "file.png"),
        ("...", "file.png"),
        ("/", "file.png"),
        (".png", "png.png"),
        ("鼓楼 🍵.png", "鼓楼 🍵.png"),
        ('a"b;c%41.png', "ab;c41.png"),
    ],
)  # fmt: skip
def test_file_names_are_made_harmless(given: str, kept: str) -> None:
    """Input 71."""
    assert safe_name(given, "image/png") == kept
    header = attachment(kept)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert unquote(header.partition("UTF-8''")[2]) == kept


@pytest.mark.long
async def test_renditions(client: httpx.AsyncClient) -> None:
    for content, size in (
        (pictures.encode(pictures.half_red(800, 400), "JPEG"), (160, 80)),
        (pictures.talkative_png(), (60, 40)),
        (pictures.animation("GIF"), (24, 16)),
    ):
        address = (await upload(client, content)).headers["location"]
        made = await client.get(f"{address}/renditions", params={"width": 160})
        assert (made.status_code, made.headers["content-type"]) == (200, "image/webp"), made.text
        assert pictures.opened(made.content).size == size
        kept = await client.get(f"{address}/renditions", params={"width": 160})
        assert kept.content == made.content
        known = {"If-None-Match": made.headers["etag"]}
        fresh = await client.get(f"{address}/renditions", params={"width": 160}, headers=known)
        assert fresh.status_code == 304
    assert (await client.get(f"{address}/renditions", params={"width": 161})).status_code == 422
    assert (await client.get(f"{address}/renditions")).status_code == 422


async def test_who_may(
    client: httpx.AsyncClient, reviewer: httpx.AsyncClient, stranger: httpx.AsyncClient, app: FastAPI
) -> None:
    address = (await upload(client, JPEG)).headers["location"]
    refused = await upload(reviewer, JPEG)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert (await reviewer.get(f"{address}/content")).status_code == 200
    for answer in (
        await stranger.get(address),
        await stranger.get(f"{address}/content"),
        await stranger.get(f"{address}/renditions", params={"width": 160}),
        await stranger.patch(address, json={"credit": "mine"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    del client.headers["authorization"]
    assert (await upload(client, b"x" * 100)).status_code == 401


@pytest.mark.long
async def test_storage_and_workers_may_fail(
    client: httpx.AsyncClient, settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    root: Path = settings.storage_dir
    root.write_text("a file where the directory should be")  # noqa: ASYNC240 - a test's own small file
    full = await upload(client, JPEG)
    assert (full.status_code, full.json()["code"]) == (503, "storage_unavailable")
    assert "retry-after" in full.headers
    root.unlink()  # noqa: ASYNC240
    address = (await upload(client, JPEG)).headers["location"]
    files_in(root)[0].unlink()
    lost = await client.get(f"{address}/content")
    assert (lost.status_code, lost.json()["code"]) == (503, "storage_unavailable")

    for command, code in ((SLEEPER, "image_too_slow"), (("false",), "image_broken")):
        with monkeypatch.context() as patched:
            patched.setattr(studio, "COMMAND", command)
            patched.setattr(studio, "SECONDS", 0.2)
            assert codes(await upload(client, pictures.talkative_png())) == [("/file", code)]
    assert (await upload(client, pictures.talkative_png())).status_code == 201
    async with db.transaction() as tx:
        assert len((await tx.scalars(select(Asset))).all()) == 2


@pytest.mark.long
async def test_a_crowd_waits_for_a_free_worker(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, team: Team
) -> None:
    monkeypatch.setattr(studio, "COMMAND", SLEEPER)
    monkeypatch.setattr(studio, "SECONDS", 1.0)
    monkeypatch.setattr(studio, "QUEUE_SECONDS", 0.2)
    answers = await asyncio.gather(*(upload(client, JPEG) for _ in range(4)))
    found = sorted((answer.status_code, answer.json()["code"]) for answer in answers)
    assert found == [(422, "image_too_slow")] * 2 + [(503, "images_busy")] * 2
