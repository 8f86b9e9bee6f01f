"""Calls made from data: where the token goes, what an error is, and what an answer proves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from drumtower.domain import failures
from drumtower.platforms import Envelope, Meaning, PlatformError, RemoteError, TokenPlace, Wire, error_table
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.moments import BEIJING
from drumtower.platforms.wire import Api, connect

ERRORS = error_table(
    {
        Meaning.CONTENT_REJECTED: {"7": "the text is refused", "422": "it is refused"},
        Meaning.RATE_LIMITED: {"8": "the day is used up"},
    },
    midnight={"8": BEIJING},
)


class Post(Answer):
    """An answer."""

    id: Id
    likes: Count = None


class Server:
    """Answers everything alike and remembers what it was asked."""

    def __init__(self, status: int = 200, **answer: Any) -> None:
        self.status, self.answer, self.seen = status, answer, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(self.status, **self.answer)

    def api(self, wire: Wire, token: str = "t0ken", secrets: tuple[str, ...] = ()) -> Api:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return connect(http, "https://platform.example", wire, token=token, secrets=secrets)


def wire(**changes: Any) -> Wire:
    given = {
        "errors": ERRORS,
        "read_error": Envelope(code=("extra.error_code", "data.error_code"), said=("text",)),
    }
    return Wire(**{**given, **changes})


async def failure_of(server: Server, talk: Wire, *, once: bool = False, **more: Any) -> failures.Failure:
    with pytest.raises(PlatformError) as caught:
        await server.api(talk, **more).post("post", Post, {"text": "鼓"}, once=once)
    return caught.value.failure


class TestRequests:
    async def test_a_bearer_token_and_the_path_form(self) -> None:
        server = Server(json={"id": 1})
        post = await server.api(wire(path="/2/{}.json", headers={"Version": "202601"})).get("show", Post)
        (request,) = server.seen
        assert (post.id, post.likes) == ("1", None)
        assert request.url == "https://platform.example/2/show.json"
        assert request.headers["authorization"] == "Bearer t0ken"
        assert request.headers["version"] == "202601"

    async def test_a_token_in_the_query_and_none_at_all(self) -> None:
        server = Server(json={"id": "1"})
        talk = wire(token=TokenPlace(header=None), path="/{}")
        await server.api(talk).get("a", Post, page=None, ids=["1", "2"])
        await server.api(talk, token="").get("a", Post)
        assert [str(request.url.query, "ascii") for request in server.seen] == [
            "access_token=t0ken&ids=1&ids=2",
            "",
        ]
        assert "authorization" not in server.seen[0].headers

    async def test_a_query_that_stands_in_the_path_stays_as_it_is(self) -> None:
        server = Server(json={"id": "1"})
        path = "a%3Ab?actions=List(A,B)&urn=urn%3Ali%3Ax"
        await server.api(wire(path="/{}")).get(path, Post)
        await server.api(wire(path="/{}")).get(path, Post, page=None)
        assert {request.url.raw_path for request in server.seen} == {f"/{path}".encode()}

    async def test_json_goes_out_unescaped_and_surrogates_harm_nothing(self) -> None:
        server = Server(json={"id": "1"})
        await server.api(wire(path="/{}")).post("a", Post, {"text": "鼓\ud800"})
        assert server.seen[0].content == '{"text": "鼓?"}'.encode()


class TestAnswers:
    @pytest.mark.parametrize(
        "body",
        [
            {"extra": {"error_code": 7}, "data": {"error_code": 0}},
            {"extra": {}, "data": {"error_code": "7"}},
        ],
    )
    async def test_the_first_path_that_holds_something_counts(self, body: dict[str, Any]) -> None:
        failure = await failure_of(Server(json=body), wire(), once=True)
        assert isinstance(failure, failures.ContentRejected)

    async def test_a_fine_code_is_no_error(self) -> None:
        server = Server(json={"extra": {"error_code": 0}, "id": "1"})
        assert (await server.api(wire()).get("a", Post)).id == "1"

    async def test_the_status_is_the_code_where_the_platform_has_no_other(self) -> None:
        talk = wire(read_error=Envelope(said=("error",), status=True))
        failure = await failure_of(Server(422, json={"error": "Validation failed"}), talk)
        assert isinstance(failure, failures.ContentRejected)
        assert "Validation failed" in failure.detail
        assert isinstance(await failure_of(Server(500, text="<p>"), talk, once=True), failures.OutcomeUnknown)

    async def test_secrets_are_cut_out_of_what_the_platform_says(self) -> None:
        body = {"extra": {"error_code": 7}, "text": "t0ken and s3cret-of-app"}
        failure = await failure_of(Server(json=body), wire(), secrets=("s3cret-of-app", ""))
        assert "t0ken" not in failure.detail
        assert "s3cret" not in failure.detail
        quiet = await failure_of(Server(json=body), wire(quiet=True))
        assert "and" not in quiet.detail

    async def test_a_day_quota_opens_at_the_platforms_midnight(self) -> None:
        failure = await failure_of(Server(json={"extra": {"error_code": 8}}), wire())
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        assert failure.until.astimezone(BEIJING).timetz().replace(tzinfo=None).isoformat() == "00:00:00"

    async def test_an_id_that_stands_in_a_header(self) -> None:
        server = Server(201, headers={"x-restli-id": "urn:li:share:1"})
        post = await server.api(wire(fields={"x-restli-id": "id"})).post("posts", Post, {}, once=True)
        assert post.id == "urn:li:share:1"

    async def test_a_success_without_a_body_where_the_status_says_all(self) -> None:
        assert await Server(201).api(wire(bodyless=True)).send("PUT", "", object) == {}
        assert isinstance(
            await failure_of(Server(201), wire(bodyless=True), once=True), failures.OutcomeUnknown
        )
        for server in (Server(201), Server(201, text="<html>")):
            with pytest.raises(PlatformError):
                await server.api(wire()).send("PUT", "", object)
        with pytest.raises(PlatformError):
            await Server(201, text="<html>").api(wire(bodyless=True)).send("PUT", "", object)

    async def test_no_content_is_an_answer_and_an_empty_200_is_none(self) -> None:
        assert await Server(204).api(wire()).post("a", dict[str, Any], {}, once=True) == {}
        assert isinstance(await failure_of(Server(200), wire(), once=True), failures.OutcomeUnknown)
        assert isinstance(await failure_of(Server(204), wire(), once=True), failures.OutcomeUnknown)

    @pytest.mark.parametrize(
        "body", [{}, [], None, {"id": None}, {"id": {}}, {"id": "x" * 10_000}, {"id": True}]
    )
    async def test_an_answer_that_does_not_fit_proves_nothing(self, body: Any) -> None:
        server = Server(json=body)
        assert isinstance(await failure_of(server, wire(), once=True), failures.OutcomeUnknown)
        assert isinstance(await failure_of(server, wire()), failures.Transient)

    @pytest.mark.parametrize(
        ("given", "read"), [(3, 3), ("3", 3), (-1, None), ("--", None), (None, None), (True, None)]
    )
    async def test_a_count_that_is_none_is_not_zero(self, given: Any, read: int | None) -> None:
        server = Server(json={"id": "1", "likes": given})
        assert (await server.api(wire()).get("a", Post)).likes == read


class TestRedirectsAndSilence:
    async def test_a_redirect_is_an_answer_to_whoever_asked_for_its_address(self) -> None:
        headers = {"location": "https://platform.example/t/7"}
        for body in ({}, {"text": "<html>moved</html>"}, {"json": {"id": "1"}}):
            server = Server(301, headers=headers, **body)
            found = await server.api(wire(fields={"location": "location"})).get("a", dict[str, str])
            assert found["location"] == headers["location"]
            assert len(server.seen) == 1, "it must not be followed"

    async def test_a_redirect_proves_nothing_to_anybody_else(self) -> None:
        for status, headers in ((301, {"location": "/x"}), (302, {}), (304, {"location": "/x"})):
            server = Server(status, headers=headers)
            assert isinstance(await failure_of(server, wire(), once=True), failures.OutcomeUnknown)
            mapped = wire(fields={"location": "location"})
            assert isinstance(await failure_of(server, mapped, once=True), failures.OutcomeUnknown)

    async def test_a_deletion_may_be_without_words_and_nothing_else_may(self) -> None:
        server = Server(200)
        assert await server.api(wire()).send("DELETE", "a", dict[str, str]) == {}
        assert isinstance(await failure_of(server, wire()), failures.Transient)
        with pytest.raises(PlatformError):
            await Server(200, text="<html>").api(wire()).send("DELETE", "a", object)
        with pytest.raises(PlatformError):
            await Server(500).api(wire()).send("DELETE", "a", object)

    @pytest.mark.parametrize(("headers", "seconds"), [({}, 90), ({"retry-after": "30"}, 30)])
    async def test_a_wait_in_the_body_counts_where_no_header_says_one(
        self, headers: dict[str, str], seconds: int
    ) -> None:
        def read(_: httpx.Response, __: object) -> RemoteError:
            return RemoteError(code="9", after=timedelta(seconds=90))

        rules = error_table({Meaning.RATE_LIMITED: {"9": "slow down"}})
        server = Server(429, headers=headers, json={})
        failure = await failure_of(server, wire(errors=rules, read_error=read))
        assert isinstance(failure, failures.RateLimited)
        assert failure.until is not None
        wait = failure.until - datetime.now(UTC)
        assert timedelta(seconds=seconds - 5) < wait <= timedelta(seconds=seconds)
