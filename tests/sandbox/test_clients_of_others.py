"""Public client libraries against our sandboxes: what people use with the real servers must work with these."""

import asyncio

import pytest
from atproto import AsyncClient, exceptions
from mastodon import Mastodon, MastodonAPIError, MastodonNotFoundError, MastodonUnauthorizedError

from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.mastodon import MastodonSandbox
from drumtower.testkit.serving import serve

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


async def test_mastodon_py_signs_in_publishes_reads_and_deletes() -> None:
    sandbox = MastodonSandbox()
    account = sandbox.add_account(name="鼓楼茶")

    def work(url: str) -> None:
        them = Mastodon(access_token=account["access_token"], api_base_url=url)
        me = them.account_verify_credentials()
        assert (me.display_name, me.url) == ("鼓楼茶", account["id"])
        picture = them.media_post(PNG, mime_type="image/png", description="茶")
        status = them.status_post(
            "新茶 <到了>", media_ids=[picture.id], idempotency_key="k1", visibility="unlisted"
        )
        again = them.status_post("新茶 <到了>", media_ids=[picture.id], idempotency_key="k1")
        assert again.id == status.id
        assert (status.visibility, status.created_at.tzinfo is not None) == ("unlisted", True)
        assert status.content == "<p>新茶 &lt;到了&gt;</p>"
        answer = them.status_post("再说一句", in_reply_to_id=status.id)
        assert [one.id for one in them.account_statuses(me.id)] == [answer.id, status.id]
        assert them.notifications(types=["mention"]) == []
        them.status_delete(status.id)
        with pytest.raises(MastodonNotFoundError):
            them.status_delete(status.id)
        with pytest.raises(MastodonAPIError, match="character limit of 500"):
            them.status_post("茶" * 501)
        stranger = Mastodon(access_token="nobody's", api_base_url=url)
        with pytest.raises(MastodonUnauthorizedError):
            stranger.account_verify_credentials()
        for one in (them, stranger):
            one.session.close()

    async with serve(sandbox.app) as url:
        await asyncio.to_thread(work, url)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Use .content=:DeprecationWarning")  # its way of sending bytes
async def test_atproto_signs_in_publishes_reads_and_deletes() -> None:
    sandbox = BlueskySandbox()
    account = sandbox.add_account(name="gulou")
    async with serve(sandbox.app) as url:
        us, stranger = (AsyncClient(base_url=f"{url}/xrpc") for _ in range(2))
        profile = await us.login(account["identifier"], account["password"])
        assert profile is not None
        assert profile.did == account["id"]
        post = await us.send_post("新茶到了", langs=["zh"])
        pictured = await us.send_image("一张图", PNG, "茶")
        record = await us.app.bsky.feed.post.get(account["id"], post.uri.rpartition("/")[2])
        assert (record.value.text, record.cid) == ("新茶到了", post.cid)
        listed = await us.app.bsky.feed.post.list(account["id"])
        assert set(listed.records) == {post.uri, pictured.uri}
        answer = await us.send_post("再说一句", reply_to={"root": _strong(post), "parent": _strong(post)})
        found = await us.get_posts([answer.uri])
        assert found.posts[0].record.reply.parent.uri == post.uri
        assert await us.delete_post(post.uri)
        with pytest.raises(exceptions.UnauthorizedError):
            await stranger.login(account["identifier"], "wrong")
        for one in (us, stranger):
            await one.request.close()


def _strong(post: object) -> dict[str, str]:
    return {"uri": post.uri, "cid": post.cid}  # type: ignore[attr-defined]
