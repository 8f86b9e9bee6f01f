"""The test server drops connections for real: a client must see what a broken network shows."""

import asyncio
import logging
import time

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from drumtower.http import client
from drumtower.sandbox.faults import ConnectionBroken
from drumtower.testkit.serving import serve

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]}


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    match scope["path"]:
        case "/whole":
            await send(_START)
            await send({"type": "http.response.body", "body": b"0123456789"})
        case "/reset":
            raise ConnectionBroken
        case "/half":
            await send(_START)
            await send({"type": "http.response.body", "body": b"01234", "more_body": True})
            raise ConnectionBroken
        case _:
            raise RuntimeError("a bug in the app")


async def test_an_address_leaves_as_it_was_written() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["raw_path"], scope["query_string"]))
        await send(_START)
        await send({"type": "http.response.body", "body": b"0123456789"})

    path, query = (
        "/a%3Ab/%E9%BC%93%2Fx",
        "list=List(urn%3Ali%3Ax,%E9%BC%93)&range=(start:1,end:2)&plus=a+b%20c",
    )
    async with serve(app) as base_url, client(allow_private=True) as http:
        await http.get(f"{base_url}{path}?{query}")
    assert seen == [(path.encode(), query.encode())]


async def _raw(base_url: str, path: str) -> bytes:
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_answers() -> None:
    async with serve(_app) as base_url, client(allow_private=True) as http:
        assert (await http.get(f"{base_url}/whole")).text == "0123456789"
        assert (await http.get(f"{base_url}/whole")).text == "0123456789"


async def test_drops_without_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve(_app) as base_url, client(allow_private=True) as http:
        assert await _raw(base_url, "/reset") == b""
        with pytest.raises(httpx.ReadError):
            await http.post(f"{base_url}/reset?access_token=secret")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


async def test_cuts_the_body() -> None:
    async with serve(_app) as base_url, client(allow_private=True) as http:
        assert (await _raw(base_url, "/half")).endswith(b"\r\n\r\n01234")
        with pytest.raises(httpx.ReadError):
            await http.post(f"{base_url}/half")


async def test_a_real_bug_is_still_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async with serve(_app) as base_url, client(allow_private=True) as http:
        assert (await http.get(f"{base_url}/bug")).status_code == 500
    assert "a bug in the app" in caplog.text


async def test_leaves_at_once_with_a_request_hanging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reached = asyncio.Event()

    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        reached.set()
        await asyncio.sleep(60)

    async with client(allow_private=True) as http:
        async with serve(hangs) as base_url:
            hanging = asyncio.create_task(http.post(f"{base_url}/hang"))
            await reached.wait()
            started = time.monotonic()
        with pytest.raises(httpx.ReadError):
            await hanging
        assert time.monotonic() - started < 5
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
    assert not [task for task in asyncio.all_tasks() if "run_asgi" in repr(task)]


async def _hangs(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize("turns", range(12))
async def test_leaves_nobody_waiting_who_has_just_come(turns: int) -> None:
    async with serve(_hangs) as base_url:
        port = int(base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(turns):
            await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            assert await reader.read() == b""
    except ConnectionResetError:
        pass  # it was never taken from the listener's queue
    finally:
        writer.transport.abort()
