"""Links: which are looked at, what an answer means, and what a check says of what was found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drumtower.domain import accuracy_checks
from drumtower.domain.content import Content, Kind, Nature, Variant
from drumtower.domain.link_looks import LinkState, Look, is_safe, next_look, state_of, urls_of
from tests.domain.test_checks import NOW, ONE

URL = "https://tea.example/a"
CONTENT = Content(
    title="",
    body=f"看{URL}，或 https://b.example/x.",
    kind=Kind.IMAGE_TEXT,
    nature=Nature.EDITORIAL,
    links=(URL,),
)


def test_every_link_is_looked_at_once() -> None:
    variant = Variant(channel_id=ONE, body="(https://c.example)")
    made = urls_of(replace(CONTENT, variants=(variant,)))
    assert made == [URL, "https://b.example/x", "https://c.example"]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://tea.example/茶?q=1#x", True),
        ("http://tea.example:8080/", True),
        ("https://tea.example:22/", False),
        ("https://tea.example:6379/", False),
        ("https://tea.example:99999/", False),
        ("http://public.example@127.0.0.1/", False),
        ("ftp://tea.example/", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("http://tea.example\\@127.0.0.1/", False),
        ("http://tea.example\t.evil/", False),
        ("http:///x", False),
        ("http://[::1/", False),
        (f"http://{'a' * 5_000}.example/", False),
    ],
)
def test_what_may_be_looked_at(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "alive"), (403, "alive"), (429, "alive"), (404, "dead"), (410, "dead"), (503, "unreachable")],
)
def test_what_an_answer_means(status: int, state: str) -> None:
    assert state_of(status).value == state


def test_only_who_did_not_answer_is_tried_again_and_not_for_ever() -> None:
    assert next_look(LinkState.DEAD, 0, NOW) is None
    assert next_look(LinkState.UNREACHABLE, 2, NOW) == NOW + timedelta(minutes=10)
    assert next_look(LinkState.UNREACHABLE, 3, NOW) is None


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (None, None),
        (LinkState.ALIVE, None),
        (LinkState.DEAD, "link_dead"),
        (LinkState.REFUSED, "link_not_public"),
        (LinkState.UNREACHABLE, "link_unreachable"),
    ],
)
def test_what_is_said_of_it(state: LinkState | None, code: str | None) -> None:
    seen: dict[str, Any] = {"detail": "HTTP 404", "looked_at": datetime(2026, 11, 23, tzinfo=UTC)}
    urls = (URL, "https://b.example/x") if state else ()
    looks = tuple(Look(url=url, state=state or LinkState.ALIVE, **seen) for url in urls)
    found = list(accuracy_checks.links((URL,), CONTENT.body, looks))
    assert [(one.pointer, one.code) for one in found] == (
        [("/links/0", code), ("/body", code)] if code else []
    )
    for one in found[1:]:
        assert one.evidence is not None
        assert CONTENT.body[one.evidence.start : one.evidence.end] == "https://b.example/x"
