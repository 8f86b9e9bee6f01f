"""From what a client sends to the domain's content, and back."""

from dataclasses import asdict, replace
from typing import Any

from drumtower.domain.content import Content, Variant, from_json
from services.api.posts.schemas import ContentRead, PostCreate, PostUpdate, VariantBody

FIELDS = frozenset(ContentRead.model_fields)


def content_of(asked: PostCreate) -> Content:
    """Return the content of a new post."""
    return Content(**{name: _plain(getattr(asked, name)) for name in FIELDS})


def patched(content: Content, asked: PostUpdate) -> Content:
    """Lay a merge patch over the content; fields that were not sent stay. No field of it can be null."""
    given = {name: getattr(asked, name) for name in asked.model_fields_set & FIELDS}
    return replace(content, **{name: _plain(value) for name, value in given.items() if value is not None})


def _plain(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(_variant(item) if isinstance(item, VariantBody) else item for item in value)


def _variant(asked: VariantBody) -> Variant:
    return Variant(
        channel_id=asked.channel_id,
        title=asked.title,
        body=asked.body,
        asset_ids=None if asked.asset_ids is None else tuple(asked.asset_ids),
        options=asked.options,
    )


def read_content(stored: dict[str, Any]) -> ContentRead:
    """Return a stored content as clients see it."""
    return ContentRead.model_validate(asdict(from_json(stored)))
