"""GET /errors: what each error code means, so that a problem's `type` leads somewhere. Made from the committed page."""

import html
import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from drumtower.domain.errors import NotFound

router = APIRouter()

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
_CODE = re.compile(r"`([^`]+)`")


@router.get("/errors", include_in_schema=False)
async def errors() -> HTMLResponse:
    return HTMLResponse(_page(), headers={"Content-Security-Policy": "default-src 'none'"})


@cache
def _page() -> str:
    if not PAGE.exists():  # an installation without its documentation
        raise NotFound.thing("page")
    blocks = PAGE.read_text(encoding="utf-8").split("\n\n")
    body = "\n".join(_block(block.strip()) for block in blocks)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title>{body}</html>'


def _block(block: str) -> str:
    """Return one paragraph or heading as HTML; a code's heading is the anchor that problems name."""
    marks, _, text = block.partition(" ")
    if marks not in ("#", "##", "###"):
        return f"<p>{_inline(block)}</p>"
    anchor = f' id="{html.escape(text.strip("`"))}"' if marks == "###" else ""
    return f"<h{len(marks)}{anchor}>{_inline(text)}</h{len(marks)}>"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", html.escape(text))
