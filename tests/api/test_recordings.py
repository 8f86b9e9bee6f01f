"""Videos, sound and documents over HTTP: uploaded, measured, served in pieces, checked against a platform's rules."""

import httpx
import pytest

from tests.api import pictures
from tests.api.test_assets import codes, upload
from tests.media import made


@pytest.mark.long
async def test_a_video_is_an_asset(client: httpx.AsyncClient) -> None:
    film = made.recording("video/mp4")
    answer = await upload(client, film, "秋茶.mov", alt_text="泡茶")
    assert answer.status_code == 201, answer.text
    asset = answer.json()
    assert (asset["kind"], asset["content_type"], asset["file_name"]) == (
        "video",
        "video/mp4",
        "秋茶.mov.mp4",
    )
    assert (asset["width"], asset["height"], asset["duration_ms"]) == (64, 36, 2000)
    assert asset["codecs"] == ["mpeg4", "aac"]
    again = await upload(client, film)
    assert (again.status_code, again.json()) == (200, asset)
    sound = (await upload(client, made.recording("audio/mpeg"))).json()
    paper = (await upload(client, made.document())).json()
    await upload(client, pictures.talkative_png())
    for kind, one in (("video", asset), ("audio", sound), ("document", paper)):
        assert (await client.get("/v1/assets", params={"kind": kind})).json()["data"] == [one]

    address = f"/v1/assets/{asset['id']}"
    whole = await client.get(f"{address}/content")
    assert whole.headers["accept-ranges"] == "bytes"
    assert len(whole.content) == asset["size"] == int(whole.headers["content-length"])
    assert made.SECRET.encode() not in whole.content
    assert codes(await client.get(f"{address}/renditions", params={"width": 160})) == [
        ("/asset_id", "not_an_image")
    ]


@pytest.mark.long
async def test_some_bytes_of_a_file(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Input 47."""
    monkeypatch.setattr("services.api.assets.service.CHUNK", 100)
    address = (await upload(client, made.recording("video/mp4"))).headers["location"]
    content = (await client.get(f"{address}/content")).content
    size = len(content)
    for wanted, start, end in (
        ("bytes=0-99", 0, 100),
        ("bytes=150-449", 150, 450),
        ("bytes=7-", 7, size),
        ("bytes=-5", size - 5, size),
        (f"bytes=10-{size + 5}", 10, size),
    ):
        some = await client.get(f"{address}/content", headers={"Range": wanted})
        assert (some.status_code, some.content) == (206, content[start:end]), wanted
        assert some.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for wanted in (
        "bytes=0-1,5-6",
        "bytes=" + ",".join(["0-0"] * 1_000),
        "bytes=9-2",
        "lines=1-2",
        "bytes=-",
    ):
        assert (await client.get(f"{address}/content", headers={"Range": wanted})).content == content
    for wanted in (f"bytes={size}-", "bytes=9999999999999-", "bytes=-0"):
        refused = await client.get(f"{address}/content", headers={"Range": wanted})
        assert (refused.status_code, refused.json()["code"]) == (416, "range_unsatisfiable")


@pytest.mark.long
async def test_what_is_refused_says_why(client: httpx.AsyncClient) -> None:
    for content, code in (
        (made.recording("video/mp4")[:-800], "recording_broken"),
        (made.document(password="x"), "document_locked"),
    ):
        refused = await upload(client, content)
        assert (refused.status_code, codes(refused)) == (422, [("/file", code)])
        assert refused.json()["errors"][0]["hint"]
    assert (await client.get("/v1/assets")).json()["data"] == []
