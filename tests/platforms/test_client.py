"""The client that all accounts share keeps nothing of one for another."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from drumtower import http
from drumtower.testkit.serving import serve


async def _echo(request: Request) -> Response:
    answer = JSONResponse(dict(request.headers))
    answer.set_cookie("session", "of one account")
    return answer


async def _away(_: Request) -> Response:
    return RedirectResponse("/echo")


APP = Starlette(routes=[Route("/echo", _echo, methods=["GET", "POST"]), Route("/away", _away)])


async def test_a_cookie_of_one_account_goes_out_with_no_call_of_another() -> None:
    async with serve(APP) as url, http.client(allow_private=True) as client:
        first = await client.post(f"{url}/echo", json={"text": "秋茶"})
        assert "session" in first.headers["set-cookie"]
        assert "cookie" not in (await client.get(f"{url}/echo")).json()


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with serve(APP) as url, http.client(allow_private=True) as client:
        assert (await client.get(f"{url}/away")).status_code == 307


async def test_the_agent_is_named() -> None:
    async with serve(APP) as url, http.client(allow_private=True) as client:
        assert (await client.get(f"{url}/echo")).json()["user-agent"].startswith("Drumtower/")
