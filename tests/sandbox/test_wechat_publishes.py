"""The WeChat sandbox: publishes that survive a kill, and callbacks that are tried three times."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from drumtower.http import client
from drumtower.platforms import InteractionEvent, OutcomeEvent
from drumtower.sandbox.wechat import WeChatSandbox, callbacks
from drumtower.testkit.serving import serve
from tests.sandbox.wechat_caller import READER, Caller, calling, listening

SERVER = """
import sys
from pathlib import Path
import uvicorn
from drumtower.sandbox.wechat import WeChatSandbox
uvicorn.run(WeChatSandbox(Path(sys.argv[1])).app, fd=int(sys.argv[2]), log_level="error")
"""


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling(WeChatSandbox()) as made:
        yield made


class TestPublishes:
    @pytest.mark.long
    async def test_a_task_ends_by_itself(self, caller: Caller) -> None:
        await caller.control("settings", publish_delay=0.3)
        task = await caller.submit()
        ask = {"publish_id": task["publish_id"]}
        assert (await caller.post("/cgi-bin/freepublish/get", ask))["publish_status"] == 1
        assert (await caller.state()).get("posts", []) == []
        await asyncio.sleep(0.5)
        done = await caller.post("/cgi-bin/freepublish/get", ask)
        assert done["publish_status"] == 0
        assert f"mid={task['msg_data_id']}" in done["article_detail"]["item"][0]["article_url"]
        (post,) = (await caller.state())["posts"]
        assert post["id"] == done["article_id"]
        assert post["text"] == "正文"
        assert {"account", "created_at", "likes", "comments", "shares", "reads", "deleted"} <= set(post)
        assert (await caller.post("/cgi-bin/draft/batchget", {"offset": 0, "count": 20}))["total_count"] == 0

    @pytest.mark.parametrize(("status", "out"), [(2, False), (3, False), (4, False), (5, True), (6, True)])
    async def test_scenarios(self, caller: Caller, status: int, out: bool) -> None:
        await caller.control("scenario", account=caller.secret["account"], publish_status=status)
        task = await caller.submit()
        await caller.control("clock", seconds=2)
        said = await caller.post("/cgi-bin/freepublish/get", {"publish_id": task["publish_id"]})
        assert said["publish_status"] == status
        assert said["fail_idx"] == ([1] if status in (2, 4) else [])
        assert len((await caller.state()).get("posts", [])) == int(out)
        assert (await caller.post("/cgi-bin/draft/batchget", {"offset": 0, "count": 1}))[
            "total_count"
        ] == int(not out)
        await caller.submit()
        await caller.control("clock", seconds=2)
        assert [post["deleted"] for post in (await caller.state())["posts"]][-1] is False

    async def test_the_poll_quota_of_the_day(self, caller: Caller) -> None:
        await caller.control("settings", poll_quota=3)
        ask = {"publish_id": (await caller.submit())["publish_id"]}
        codes = [(await caller.post("/cgi-bin/freepublish/get", ask)).get("errcode", 0) for _ in range(4)]
        assert codes == [0, 0, 0, 45009]
        await caller.control("clock", days=1)
        assert "publish_status" in await caller.post("/cgi-bin/freepublish/get", ask)

    async def test_lists_reads_and_deletion(self, caller: Caller) -> None:
        for title in ("一", "二"):
            await caller.submit(title=title)
        await caller.control("clock", seconds=2)
        ask = {"offset": 0, "count": 20, "no_content": 1}
        listed = await caller.post("/cgi-bin/freepublish/batchget", ask)
        news = [item["content"]["news_item"][0] for item in listed["item"]]
        assert [one["title"] for one in news] == ["二", "一"]
        assert all(one["thumb_media_id"] and "content" not in one for one in news)
        gone = {"article_id": listed["item"][0]["article_id"], "index": 1}
        assert (await caller.post("/cgi-bin/freepublish/delete", gone))["errcode"] == 0
        assert (await caller.post("/cgi-bin/freepublish/delete", gone))["errcode"] == 53600
        assert (await caller.post("/cgi-bin/freepublish/getarticle", gone))["errcode"] == 53600
        for count in (0, 21):
            assert (await caller.post("/cgi-bin/freepublish/batchget", {**ask, "count": count}))[
                "errcode"
            ] == 47003

    async def test_two_submits_are_two_articles(self, caller: Caller) -> None:
        media_id = (await caller.draft())["media_id"]
        for _ in range(2):
            await caller.post("/cgi-bin/freepublish/submit", {"media_id": media_id})
        await caller.control("clock", seconds=2)
        assert len((await caller.state())["posts"]) == 2


class TestRestart:
    @pytest.mark.long
    async def test_a_restart_waits_for_what_is_not_due_yet(self, tmp_path: Path) -> None:
        log = tmp_path / "wechat.jsonl"
        first = WeChatSandbox(log)
        async with calling(first) as caller:
            await caller.control("settings", publish_delay=0.6)
            await caller.submit()
            for task in first.publishes.ground.timers.tasks.values():
                task.cancel()
        first.store.close()
        second = WeChatSandbox(log)
        assert second.store.all("posts") == []
        await asyncio.sleep(1.2)
        assert len(second.store.all("posts")) == 1
        second.store.close()

    @pytest.mark.long
    async def test_a_task_ends_although_the_server_was_killed(self, tmp_path: Path) -> None:
        log = tmp_path / "wechat.jsonl"
        seed = WeChatSandbox(log)
        secret = seed.add_account()
        seed.store.put("_settings", "all", {"publish_delay": 1.5})
        seed.store.close()
        async with client(allow_private=True) as http, _process(log) as (base_url, kill):
            caller = Caller(http, base_url, secret)
            caller.token = (await caller.stable())["access_token"]
            async with listening(caller, "safe") as receiver:
                task = await caller.submit()
                await kill()
                assert receiver.received == []
                async with _process(log) as (_, kill_again):  # nobody asks it anything
                    await receiver.hears(1)
                    await kill_again()
        (event,) = receiver.received[0].events
        assert isinstance(event, OutcomeEvent)
        assert event.handle == {"publish_id": task["publish_id"]}
        restarted = WeChatSandbox(log)
        assert [post["publish_id"] for post in restarted.store.all("posts")] == [task["publish_id"]]
        assert restarted.store.all("drafts") == []
        restarted.store.close()


@asynccontextmanager
async def _process(log: Path) -> AsyncIterator[tuple[str, Any]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.set_inheritable(True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, str(log), str(listener.fileno()), pass_fds=[listener.fileno()]
        )

        async def kill() -> None:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()

        try:
            yield f"http://127.0.0.1:{port}", kill
        finally:
            await kill()


class TestCallbacks:
    @pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
    async def test_a_publish_and_a_message_in_every_mode(self, caller: Caller, mode: str) -> None:
        account = caller.secret["account"]
        async with listening(caller, mode) as receiver:
            said = await caller.control(
                "public/message", account=account, author={"id": READER}, text="在吗 ]]> 👍"
            )
            await receiver.hears(1)
            (message,) = receiver.received[0].events
            assert isinstance(message, InteractionEvent)
            assert (message.text, message.author_id) == ("在吗 ]]> 👍", READER)
            assert message.external_id == said.json()["id"]
            task = await caller.submit()
            await caller.control("clock", seconds=2)
            await receiver.hears(2)
            (event,) = receiver.received[1].events
            assert isinstance(event, OutcomeEvent)
            assert event.outcome is not None
            assert event.handle == {"publish_id": task["publish_id"]}
            assert event.outcome.external_id == (await caller.state())["posts"][0]["id"]
            assert event.outcome.context["msg_data_id"] == task["msg_data_id"]

    @pytest.mark.long
    async def test_three_tries_with_one_message_id(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(callbacks, "PAUSE", 0.05)
        monkeypatch.setattr(callbacks, "PATIENCE", httpx.Timeout(0.3))
        account = caller.secret["account"]
        async with listening(caller, "safe") as receiver:
            receiver.slow = 1.0  # over the patience: cut off
            receiver.answers = [PlainTextResponse("", 500)]
            await caller.control("public/message", account=account, author={"id": READER}, text="在吗")
            await receiver.hears(3)
            await asyncio.sleep(0.3)
            assert len({received.event_key for received in receiver.received}) == 1
            assert len(receiver.received) == 3
            (push,) = (await caller.state())["pushes"]
            assert (push["state"], push["tries"]) == ("done", 3)

    async def test_given_up_after_three(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(callbacks, "PAUSE", 0.02)
        account = caller.secret["account"]
        async with listening(caller, "safe") as receiver:
            receiver.answers = [PlainTextResponse("", 500)] * 9
            await caller.control("public/message", account=account, author={"id": READER}, text="在吗")
            await receiver.hears(3)
            await asyncio.sleep(0.3)
        assert len(receiver.received) == 3
        (push,) = (await caller.state())["pushes"]
        assert push["state"] == "given_up"

    async def test_an_address_that_does_not_answer_is_not_kept(self, caller: Caller) -> None:
        account = caller.secret["account"]
        async with serve(Starlette()) as url:
            answer = await caller.control("callback", account=account, url=f"{url}/hook", mode="safe")
        assert answer.status_code == httpx.codes.BAD_REQUEST
        answer = await caller.control("callback", account="gh_nobody", url="http://127.0.0.1:9/")
        assert answer.status_code == httpx.codes.NOT_FOUND

    async def test_no_key_no_safe_mode(self) -> None:
        async with calling(WeChatSandbox(), encoding_aes_key="") as caller:
            answer = await caller.control(
                "callback", account=caller.secret["account"], url="http://127.0.0.1:9/"
            )
            assert answer.status_code == httpx.codes.BAD_REQUEST
