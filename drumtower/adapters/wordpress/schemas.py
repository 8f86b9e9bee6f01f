"""What is read of a site's answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from drumtower.platforms.answers import Answer, Id


def _utc(value: Any) -> Any:
    return f"{value}+00:00" if isinstance(value, str) else value


Gmt = Annotated[AwareDatetime, BeforeValidator(_utc)]  # a field named *_gmt says no zone


class Rendered(Answer):
    """A text as the site shows it."""

    rendered: str = ""


class Link(Answer):
    """The address of another record in the API."""

    href: Id


class Links(Answer):
    """Where a record and its author stand in the API; that of a user is the same everywhere."""

    self_: list[Link] = Field(default=[], alias="self")
    author: list[Link] = Field(default=[])


class User(Answer):
    """Who the password acts as. `capabilities` are what the role may do."""

    id: Id
    name: str = ""
    link: str | None = None
    capabilities: dict[str, bool] = Field(default={})
    links: Links = Field(alias="_links")


class Post(Answer):
    """A post, out or not. `date_gmt` is when it was, or will be, published."""

    id: Id
    slug: str = ""
    status: str
    link: str | None = None
    date_gmt: Gmt | None = None


class Attachment(Answer):
    """An uploaded file, or one in the site's library."""

    id: Id
    slug: str = ""
    source_url: Id


class Term(Answer):
    """A category or a tag."""

    id: int
    name: str


class Comment(Answer):
    """A comment that the site shows. `author` is 0 where its author has no account."""

    id: Id
    post: Id
    parent: int = 0
    author: int = 0
    author_name: str = ""
    date_gmt: Gmt
    content: Rendered = Rendered()
    link: str | None = None
    links: Links = Field(default=Links(), alias="_links")

    @property
    def written_by(self) -> str:
        """The author's record on the site; for guests the name is all there is."""
        return self.links.author[0].href if self.author and self.links.author else f"guest:{self.author_name}"

    @property
    def written_at(self) -> datetime:
        return self.date_gmt
