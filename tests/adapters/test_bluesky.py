"""The Bluesky adapter over real HTTP against the sandbox; what a real server proves stands in tests/real."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drumtower.adapters.bluesky.adapter import BlueskyAdapter
from drumtower.adapters.bluesky.errors import RULES
from drumtower.domain import failures
from drumtower.domain.samples import Metric
from drumtower.platforms import Credentials, PlatformError, PostReference, Token
from drumtower.sandbox.bluesky import BlueskySandbox
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance import AdapterConformance
from tests.adapters.bluesky_desk import Desk, desk, error, reference

__all__ = ["desk"]

PUT = "repo.putRecord"


class TestBluesky(AdapterConformance):
    adapter = BlueskyAdapter
    sandbox = BlueskySandbox
    errors = RULES
    publish_path = "com.atproto.repo.putRecord"
    reply_path = "com.atproto.repo.putRecord"

    def error(self, code: str, said: str = "") -> Fault:
        return error(code, said)

    def stats_unknown(self, post_id: str) -> Fault:
        return Fault(path="getPosts", status=200, body=json.dumps({"posts": [{"uri": post_id}]}))


class TestSessions:
    async def test_a_server_that_is_away_costs_no_log_in(self, desk: Desk) -> None:
        desk.break_with(error("InternalServerError", path="refreshSession"))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert isinstance(caught.value.failure, failures.Transient)
        log_ins = [one for one in desk.sandbox.store.log() if one["collection"] == "_refresh"]
        assert len(log_ins) == 1

    @pytest.mark.parametrize("acts", [False, True])
    async def test_a_lost_renewal_is_asked_for_again(self, desk: Desk, acts: bool) -> None:
        desk.break_with(Fault(path="refreshSession", status=502, acts=acts))
        with pytest.raises(PlatformError):
            await desk.adapter.token(desk.credentials)
        token = await desk.adapter.token(desk.credentials)
        await desk.adapter.identify(replace(desk.credentials, token=token))

    @pytest.mark.parametrize("code", ["AuthenticationRequired", "AuthFactorTokenRequired", "InvalidRequest"])
    async def test_a_log_in_that_is_refused_is_for_a_person(self, desk: Desk, code: str) -> None:
        # No app password by its looks: only silence keeps it in.
        values = {**desk.credentials.values, "password": "correct horse battery"}
        desk.break_with(error(code, "said correct horse battery", path="createSession"))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(Credentials(values=values))
        assert isinstance(caught.value.failure, failures.Disconnected)
        assert "horse" not in str(caught.value)

    async def test_a_closed_account(self, desk: Desk) -> None:
        account = desk.credentials.account_id
        await desk.public("status", account=account, status="deactivated")
        for call in (desk.adapter.identify(desk.credentials), desk.adapter.publish(desk.request())):
            with pytest.raises(PlatformError) as caught:
                await call
            assert isinstance(caught.value.failure, failures.NotPermitted)
        await desk.public("status", account=account, status="takendown")
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert isinstance(caught.value.failure, failures.NotPermitted)

    async def test_an_access_token_at_its_end(self, desk: Desk) -> None:
        await desk.adapter.http.post(f"{desk.url}/control/clock", json={"seconds": 7201})
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(desk.request())
        assert caught.value.failure == failures.AuthExpired(
            detail="the session has ended (ExpiredToken: Token has expired)", platform_code="ExpiredToken"
        )
        token = await desk.adapter.token(desk.credentials)
        await desk.adapter.publish(
            replace(desk.request(), credentials=replace(desk.credentials, token=token))
        )

    @pytest.mark.parametrize("jwt", ["x", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.eyJleHAiOjFlOTl9.c"])
    async def test_a_token_that_tells_no_end(self, desk: Desk, jwt: str) -> None:
        body = json.dumps({"accessJwt": jwt, "refreshJwt": "r"})
        desk.break_with(Fault(path="refreshSession", status=200, body=body))
        assert await desk.adapter.token(desk.credentials) == Token(access=jwt, refresh="r")

    async def test_half_an_answer_shows_no_token(self, desk: Desk) -> None:
        desk.break_with(Fault(path="refreshSession", status=200, body='{"accessJwt": "eyJsecret.x.y"}'))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.token(desk.credentials)
        assert caught.value.__cause__ is None
        assert "secret" not in repr(caught.value)


class TestErrors:
    @pytest.mark.parametrize("code", ["InvalidRequest", "ExpiredToken", "BlobNotFound", "RateLimitExceeded"])
    async def test_a_name_with_a_status_that_is_not_its_own_proves_nothing(
        self, desk: Desk, code: str
    ) -> None:
        desk.break_with(error(code, status=500, path=PUT))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)

    async def test_the_end_of_a_rate_limit_is_read(self, desk: Desk) -> None:
        resets = int(datetime.now(UTC).timestamp()) + 200
        headers = {"RateLimit-Reset": str(resets)}
        desk.break_with(error("RateLimitExceeded", path=PUT, headers=headers))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert caught.value.failure == failures.RateLimited(
            detail="over the server's rate limit (RateLimitExceeded)",
            platform_code="RateLimitExceeded",
            until=datetime.fromtimestamp(resets, UTC),
        )

    async def test_the_answer_names_another_post(self, desk: Desk) -> None:
        other = {"uri": "at://did:plc:x/app.bsky.feed.post/3ke6kg3wk2222", "cid": "bafy"}
        desk.break_with(Fault(path=PUT, status=200, body=json.dumps(other)))
        with pytest.raises(PlatformError) as caught:
            await desk.out()
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)

    async def test_something_is_under_the_key_and_the_look_fails(self, desk: Desk) -> None:
        asked = desk.request()
        out = await desk.adapter.publish(asked)
        desk.break_with(Fault(path="getRecord", status=502))
        with pytest.raises(PlatformError) as caught:
            await desk.adapter.publish(asked)
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)
        assert await desk.adapter.find(asked, asked.created_at) == out

    async def test_the_appview_is_away_and_publishing_works(self, desk: Desk) -> None:
        desk.break_with(error("UpstreamFailure", path="app.bsky", times=3))
        for call in (desk.pull({}), desk.adapter.channel_stats(desk.credentials)):
            with pytest.raises(PlatformError) as caught:
                await call
            assert isinstance(caught.value.failure, failures.Transient)
        assert (await desk.out()).external_id


class TestNumbers:
    async def test_shares_are_reposts_and_quotes(self, desk: Desk) -> None:
        out = await desk.out()
        for act, count in (("like", 3), ("share", 2), ("save", 4)):
            await desk.public(f"public/{act}", post=out.external_id, count=count)
        await desk.public("public/quote", post=out.external_id, author={"id": "1"}, text="看")
        reading = (await desk.adapter.post_stats(desk.credentials, [reference(out)]))[out.external_id]
        assert reading.values == {
            Metric.LIKES: 3,
            Metric.COMMENTS: 0,
            Metric.SHARES: 3,
            Metric.SAVES: 4,
        }

    async def test_a_post_that_is_gone_has_no_numbers(self, desk: Desk) -> None:
        kept, gone = await desk.out("留"), await desk.out("撤")
        await desk.adapter.delete(desk.credentials, reference(gone))
        strange = PostReference(external_id="https://weibo.com/1", published_at=datetime.now(UTC))
        found = await desk.adapter.post_stats(desk.credentials, [reference(kept), reference(gone), strange])
        assert set(found) == {kept.external_id}

    async def test_many_posts_take_several_calls(self, desk: Desk) -> None:
        posts = [reference(await desk.out(f"第{number}条")) for number in range(60)]
        found = await desk.adapter.post_stats(desk.credentials, posts)
        assert set(found) == {post.external_id for post in posts}
        assert await desk.adapter.post_stats(desk.credentials, []) == {}

    async def test_numbers_that_are_none_are_left_out(self, desk: Desk) -> None:
        out = await desk.out()
        views = [
            {"uri": out.external_id, "likeCount": 5, "quoteCount": 2},
            {"uri": "at://did:plc:b/app.bsky.feed.post/1", "likeCount": 9},
            {"uri": out.external_id, "likeCount": -1},
            {"uri": out.external_id, "likeCount": 2**63},
        ]
        desk.break_with(Fault(path="getPosts", status=200, body=json.dumps({"posts": views})))
        found = await desk.adapter.post_stats(desk.credentials, [reference(out)])
        assert {uri: reading.values for uri, reading in found.items()} == {out.external_id: {Metric.LIKES: 5}}
        desk.break_with(Fault(path="getProfile", status=200, body="{}"))
        assert (await desk.adapter.channel_stats(desk.credentials)).values == {}
        assert (await desk.adapter.channel_stats(desk.credentials)).values == {Metric.FOLLOWERS: 12}
