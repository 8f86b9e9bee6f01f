"""The reference pages say what the code says: error codes, permissions, settings."""

import re
from pathlib import Path

import httpx
import pytest

from drumtower import limits
from drumtower.domain import permissions
from drumtower.domain.checks import CHECKS
from drumtower.platforms import registry
from drumtower.settings import example, reference
from tests import checks_page
from tests.error_codes import find
from tests.faults import page as reliability

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
ROOT = REFERENCE.parents[1]
ERRORS = (REFERENCE / "errors.md").read_text(encoding="utf-8")

# Codes that are put together: what may stand in the gap.
SHAPES = {
    "{}_required": ("title", "body", "text", "follow_up", "image", "video", "audio", "document"),
    "{}_too_long": ("title", "body", "text", "follow_up"),
    "too_many_{}s": ("image", "video", "audio", "document"),
    "{}_too_slow": ("image", "recording", "document", "rendition"),
    "{}_too_large": ("image", "recording", "document", "rendition"),
    "{}_broken": ("image", "recording", "document", "rendition"),
    "unknown_{}": ("brand", "owner", "channel", "asset", "reviewer", "campaign"),
}


def sections() -> list[str]:
    return re.findall(r"^### (.+)$", ERRORS, re.MULTILINE)


@pytest.mark.long
def test_every_error_code_is_explained() -> None:
    found = find()
    shapes = {one.code for one in found if "{" in one.code}
    assert shapes <= SHAPES.keys(), "say in SHAPES which codes are made of it"
    codes = {one.code: one.where for one in found if "{" not in one.code}
    codes |= {shape.format(word): "" for shape in shapes for word in SHAPES[shape]}
    missing = {code: where for code, where in codes.items() if code not in sections()}
    assert not missing, "docs/reference/errors.md lacks a section for these"
    gone = set(sections()) - codes.keys()
    assert not gone, "docs/reference/errors.md explains codes that are gone"
    assert len(sections()) == len(set(sections()))
    assert len(codes) > 150


@pytest.mark.long
def test_the_collector_sees_every_way_a_code_is_given() -> None:
    """One code of each way: a keyword, a position, a local function, a table, a choice, a dictionary, a result."""
    codes = {one.code for one in find()}
    ways = {
        "option_invalid",
        "cursor_invalid",
        "log_in_failed",
        "channel_exists",
        "unknown_click",
        "invalid_uuid",
    }
    assert ways | {"already_published", "handoff", "time_doubled", "outcome_unknown", "rate_limited"} <= codes


def test_permissions_page() -> None:
    made = permissions.reference()
    page = REFERENCE / "permissions.md"
    command = "python -c 'from drumtower.domain.permissions import reference; print(reference(), end=\"\")'"
    assert page.read_text(encoding="utf-8") == made, f"Run: {command} > {page.relative_to(ROOT)}"


def test_limits_page() -> None:
    made = limits.reference(registry.load())
    page = REFERENCE / "limits.md"
    command = (
        "python -c 'from drumtower import limits; from drumtower.platforms import registry;"
        ' print(limits.reference(registry.load()), end="")\''
    )
    assert page.read_text(encoding="utf-8") == made, f"Run: {command} > {page.relative_to(ROOT)}"


def test_checks_page() -> None:
    assert all(check.rule.__doc__ for checks in CHECKS.values() for check in checks), "say what it looks at"
    assert checks_page.PAGE.read_text(encoding="utf-8") == checks_page.page(), (
        "Run: python -m tests.checks_page"
    )


def test_settings_pages() -> None:
    for path, made, name in (
        (REFERENCE / "settings.md", reference(), "reference"),
        (ROOT / ".env.example", example(), "example"),
    ):
        command = f"python -c 'from drumtower.settings import {name}; print({name}(), end=\"\")'"
        assert path.read_text(encoding="utf-8") == made, f"Run: {command} > {path.relative_to(ROOT)}"


def test_reliability_page() -> None:
    made = reliability.page(reliability.read(reliability.KEPT))
    assert reliability.PAGE.read_text(encoding="utf-8") == made, "Run: python -m tests.faults.page"


async def test_a_problem_leads_to_its_section(client: httpx.AsyncClient) -> None:
    refused = (await client.get("/v1/brands/0199c5c0-0000-7000-8000-000000000000")).json()
    page, _, anchor = refused["type"].partition("#")
    served = await client.get(page)
    assert served.headers["content-type"].startswith("text/html")
    assert f'id="{anchor}"' in served.text
    assert all(f'id="{code}"' in served.text for code in sections())
    assert "<code>application/problem+json</code>" in served.text
