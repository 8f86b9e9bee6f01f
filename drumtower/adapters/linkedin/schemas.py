"""What LinkedIn answers, read strictly where we depend on it and tolerantly elsewhere."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AliasChoices, BeforeValidator, Field

from drumtower.domain.audience_profiles import Dimension
from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id, NumberId
from drumtower.platforms.moments import epoch

Moment = Annotated[datetime, BeforeValidator(epoch)]
_PERSON = "urn:li:person:"
# What LinkedIn tells of a page's followers. Its regions smaller than countries and kinds of association are not kept.
FACETS = (
    Dimension.REGION,
    Dimension.INDUSTRY,
    Dimension.JOB_FUNCTION,
    Dimension.SENIORITY,
    Dimension.COMPANY_SIZE,
)


def encoded(urn: str) -> str:
    """Write a URN for a path or a query: its own signs are escaped, those of Rest.li lists are not."""
    return quote(urn, safe="")


def urns(names: Any) -> str:
    """Write several URNs as a Rest.li list."""
    return f"List({','.join(encoded(name) for name in names)})"


def is_person(account: str) -> bool:
    return account.startswith(_PERSON)


def person(sub: str) -> str:
    return f"{_PERSON}{sub}"


def page_of(urn: str) -> str:
    """Return where people see a post."""
    return f"https://www.linkedin.com/feed/update/{urn}/"


class Member(Answer):
    """Who signed in; `picture` is left alone."""

    sub: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]


class Role(Answer):
    """One row of organizationAcls."""

    role: str
    organization: Id


class Roles(Answer):
    elements: list[Role]


class Organization(Answer):
    id: NumberId
    name: Annotated[str, Field(alias="localizedName", min_length=1)]
    vanity: Annotated[str | None, Field(alias="vanityName")] = None


class Begun(Answer):
    """Where to send a picture, and what to call it."""

    address: Annotated[str, Field(alias="uploadUrl", max_length=4000)]
    image: Id


class Upload(Answer):
    value: Begun


class Created(Answer):
    """A new post: LinkedIn answers with its id in a header, and without a body."""

    restli_id: Annotated[str, Field(pattern=r"^urn:li:(share|ugcPost):[0-9]{1,20}$")]


class Named(Answer):
    id: str = ""


class Several(Answer):
    images: tuple[Named, ...] = ()


class Article(Answer):
    source: str = ""
    thumbnail: str = ""


class Content(Answer):
    media: Named | None = None
    several: Annotated[Several | None, Field(alias="multiImage")] = None
    article: Article | None = None


class Post(Answer):
    """A post as its author reads it."""

    id: Id
    author: Id
    created_at: Annotated[Moment, Field(alias="createdAt")]
    commentary: str = ""
    content: Content | None = None

    def pictures(self) -> Iterator[str]:
        """Return the URNs of what was uploaded for it."""
        content = self.content or Content()
        if content.media:
            yield content.media.id
        if content.several:
            yield from (image.id for image in content.several.images)
        if content.article and content.article.thumbnail:
            yield content.article.thumbnail


class Posts(Answer):
    elements: list[Post]


class Text(Answer):
    text: str = ""


class Stamp(Answer):
    time: Moment


class Comment(Answer):
    """A comment. Its own URN names the thread's activity and its id."""

    id: NumberId
    actor: Id
    created: Stamp
    urn: Annotated[str | None, Field(alias="commentUrn")] = None
    object: str = ""
    message: Text = Text()

    def name(self) -> str:
        return self.urn or f"urn:li:comment:({self.object},{self.id})"


class Comments(Answer):
    elements: list[Comment]


class Said(Answer):
    """A comment or a share, as a notification shows it."""

    entity: Id
    owner: Id
    text: str = ""
    object: str = ""
    parent: Annotated[str | None, Field(alias="parentComment")] = None


class Activity(Answer):
    comment: Said | None = None
    share: Said | None = None


class SourcePost(Answer):
    entity: Id


class Notification(Answer):
    """Somebody did something to the page or to one of its posts."""

    id: Annotated[NumberId, Field(alias="notificationId")]
    organization: Annotated[Id, Field(alias="organizationalEntity")]
    action: Annotated[str, Field(max_length=64)]
    at: Annotated[Moment, Field(alias="lastModifiedAt")]
    source: Annotated[str | None, Field(alias="sourcePost")] = None
    source_post: Annotated[SourcePost | None, Field(alias="decoratedSourcePost")] = None
    activity: Annotated[Activity | None, Field(alias="decoratedGeneratedActivity")] = None


class Notifications(Answer):
    """Entries are read one by one, so that an odd one blocks no other."""

    elements: list[dict[str, Any]]


class Totals(Answer):
    impressions: Annotated[Count, Field(alias="impressionCount")] = None
    likes: Annotated[Count, Field(alias="likeCount")] = None
    comments: Annotated[Count, Field(alias="commentCount")] = None
    shares: Annotated[Count, Field(alias="shareCount")] = None


class Counted(Answer):
    """One row of the share statistics; a post without any activity may have none."""

    totals: Annotated[Totals, Field(alias="totalShareStatistics")]
    share: str | None = None
    ugc_post: Annotated[str | None, Field(alias="ugcPost")] = None

    def given(self) -> dict[Metric, int | None]:
        return {
            Metric.EXPOSURE: self.totals.impressions,
            Metric.LIKES: self.totals.likes,
            Metric.COMMENTS: self.totals.comments,
            Metric.SHARES: self.totals.shares,
        }


class Statistics(Answer):
    elements: list[Counted]


class Network(Answer):
    size: Annotated[Count, Field(alias="firstDegreeSize")]


class FollowerCounts(Answer):
    """Of a facet, LinkedIn adds organic and paid followers up in the first; the other is not to be read."""

    organic: Annotated[Count, Field(alias="organicFollowerCount")] = None


class Facet(Answer):
    """How many followers share one value: a URN, or a range of staff."""

    counts: Annotated[FollowerCounts, Field(alias="followerCounts")]
    value: Annotated[
        str,
        Field(validation_alias=AliasChoices("geo", "function", "industry", "seniority", "staffCountRange")),
    ]


Facets = Annotated[list[Facet], Field(default_factory=list)]


class Followers(Answer):
    """A page's followers by facet; each lists its 100 largest values, and small ones not at all."""

    region: Annotated[Facets, Field(alias="followerCountsByGeoCountry")]
    industry: Annotated[Facets, Field(alias="followerCountsByIndustry")]
    job_function: Annotated[Facets, Field(alias="followerCountsByFunction")]
    seniority: Annotated[Facets, Field(alias="followerCountsBySeniority")]
    company_size: Annotated[Facets, Field(alias="followerCountsByStaffCountRange")]

    def people(self) -> dict[Dimension, dict[str, int]]:
        found = {
            dimension: {
                facet.value: facet.counts.organic
                for facet in getattr(self, dimension.value)
                if facet.counts.organic is not None
            }
            for dimension in FACETS
        }
        return {dimension: values for dimension, values in found.items() if values}


class FollowerStatistics(Answer):
    elements: Annotated[list[Followers], Field(min_length=1)]
