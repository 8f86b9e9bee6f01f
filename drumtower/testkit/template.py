"""Starts a new adapter: a copy of examples/adapter-template under another platform's name."""

import re
import shutil
from pathlib import Path

# In a checkout the example itself; in an installation the copy that the wheel carries.
TEMPLATES = (
    Path(__file__).resolve().parents[2] / "examples" / "adapter-template",
    Path(__file__).resolve().parent / "adapter-template",
)
_TEXT = (".py", ".toml", ".md")


class CannotMake(Exception):
    """The copy can't be made; the message says why."""


def make(slug: str, into: Path) -> Path:
    """Copy the template to `into`/drumtower-{slug}; raise CannotMake where the name or the place is no good."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,31}", slug):
        raise CannotMake(f"{slug!r} is no slug: 2 to 32 lower-case letters, digits and underscores.")
    template = next((place for place in TEMPLATES if place.is_dir()), None)
    if template is None:
        raise CannotMake("The template is not part of this installation; it is in the repository's examples.")
    target = into / f"drumtower-{slug}"
    if target.exists():
        raise CannotMake(f"{target} is there already.")
    ignored = shutil.ignore_patterns("__pycache__", ".*", "dist")
    shutil.copytree(template, target, ignore=ignored)
    for path in sorted(target.rglob("*notice*"), reverse=True):
        path.rename(path.with_name(path.name.replace("notice", slug)))
    for path in target.rglob("*"):
        if path.suffix in _TEXT:
            path.write_text(_renamed(path.read_text(encoding="utf-8"), slug), encoding="utf-8")
    return target


def _renamed(text: str, slug: str) -> str:
    name = "".join(part.capitalize() for part in slug.split("_"))
    text = re.sub(r"Notice(?=Adapter|Sandbox\b)", name, text).replace("TestNotice", f"Test{name}")
    text = text.replace("drumtower_notice", f"drumtower_{slug}").replace(
        "drumtower-notice", f"drumtower-{slug}"
    )
    text = re.sub(r'^notice = "', f'{slug} = "', text, flags=re.MULTILINE)
    return text.replace('slug: ClassVar[str] = "notice"', f'slug: ClassVar[str] = "{slug}"').replace(
        "check notice", f"check {slug}"
    )
