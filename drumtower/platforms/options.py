"""Per-post settings: what an author may set, each with its label in both languages, and what may follow a post."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

MOST_PARTS = 24  # of a thread, where the platform names no limit
Part = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


def labelled(zh_cn: str, en: str, **more: Any) -> dict[str, Any]:
    """Return a setting's name as its JSON Schema carries it: `title` in English, `x-label` in both languages."""
    return {"title": en, "json_schema_extra": {"x-label": {"zh_cn": zh_cn, "en": en}}, **more}


class Thread(BaseModel):
    """Settings of a platform that takes threads: `capabilities.follow_up` says how long, and how many."""

    thread: Annotated[
        list[Part],
        Field(**labelled("后续各条", "Thread"), description="What follows the post, part by part."),
    ] = []


class FirstComment(BaseModel):
    """Settings of a platform on which we comment our own post."""

    first_comment: Annotated[
        str,
        Field(
            **labelled("首条评论", "First comment"), max_length=10_000, description="Our comment on the post."
        ),
    ] = ""
