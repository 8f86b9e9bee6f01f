"""The contract and the adapter against a real WordPress 6.1.9 with PHP 8.2 and MariaDB 10.11."""

import httpx
import pytest

from tests.adapters.wordpress_contract import Desk, Server, WordPressContract
from tests.real.wordpress import Site

pytestmark = [pytest.mark.long, pytest.mark.real_wordpress]


class TestContract(WordPressContract):
    @pytest.fixture
    async def server(self, site: Site) -> Server:
        async def say(post: str, text: str) -> None:
            form = {
                "comment_post_ID": post,
                "comment": text,
                "author": "胡同老王",
                "email": "wang@example.com",
            }
            # The site slows down each address by itself, and ours is the editor's.
            elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
            async with httpx.AsyncClient(transport=elsewhere) as visitor:
                answer = await visitor.post(f"{site.url}/wp-comments-post.php", data=form)
            assert answer.status_code == 302, answer.text

        passwords = {role: (role, password) for role, password in site.passwords.items()}
        return Server(url=site.url, passwords=passwords, say=say)

    async def test_who_comments_too_fast_is_told_so(self, desk: Desk) -> None:
        """The one documented answer that the sandbox does not give: it would slow everybody's tests."""
        out = await desk.out(desk.request("太快"))
        said = [
            await desk.raw(
                "POST", "comments", "contributor", json={"post": int(out.external_id), "content": text}
            )
            for text in ("一", "二")
        ]
        assert [one.status_code for one in said] == [201, 400]
        assert said[1].json()["code"] == "comment_flood"
