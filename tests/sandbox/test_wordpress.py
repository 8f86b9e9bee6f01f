"""The WordPress sandbox keeps the contract that a real site keeps (tests/real/test_wordpress.py)."""

from collections.abc import AsyncIterator

import httpx
import pytest

from drumtower.sandbox.wordpress import WordPressSandbox
from drumtower.testkit.serving import serve
from tests.adapters.wordpress_contract import Server, WordPressContract


class TestContract(WordPressContract):
    @pytest.fixture
    async def server(self) -> AsyncIterator[Server]:
        sandbox = WordPressSandbox()
        made = {role: sandbox.add_account(role=role) for role in ("editor", "contributor")}
        passwords = {role: (one["username"], one["app_password"]) for role, one in made.items()}
        async with serve(sandbox.app) as url:

            async def say(post: str, text: str) -> None:
                body = {"post": post, "author": {"name": "胡同老王"}, "text": text}
                async with httpx.AsyncClient() as visitor:
                    assert (await visitor.post(f"{url}/control/public/comment", json=body)).is_success

            yield Server(url=url, passwords=passwords, say=say)
