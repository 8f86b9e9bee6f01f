"""What a workspace has decided for itself: read from `workspaces.policies`, where what is not said is the default."""

from datetime import time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from drumtower.domain.ad_share import OnBreach
from drumtower.domain.reviews import Criterion

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]


def _in_order(hours: str) -> str:
    opens, _, closes = hours.partition("-")
    if opens >= closes:
        hint = {"hint": "Write it like 09:00-18:00."}
        raise PydanticCustomError("value_error", "A working day ends after it begins.", hint)
    return hours


# One value, so that a patch never leaves an end before its beginning.
Hours = Annotated[
    str,
    StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"),
    AfterValidator(_in_order),
]


class Policy(BaseModel):
    """One group of decisions; unknown fields are refused, so that a misspelt one is not taken for the default."""

    model_config = ConfigDict(extra="forbid")


class AdSharePolicy(Policy):
    """How many of a channel's posts may be promotional."""

    limit_percent: Annotated[float, Field(ge=0, le=100, description="Of a channel's posts.")] = 20.0
    on_breach: Annotated[
        OnBreach, Field(description="`override`: blocked until a second person gives a reason.")
    ] = OnBreach.OVERRIDE


class FourEyesPolicy(Policy):
    """How many people a post passes. That nobody judges their own post is no policy: it can't be turned off."""

    min_reviewers: Annotated[
        int,
        Field(ge=1, le=len(Criterion), description="How many people at least pass a post's four points."),
    ] = 1
    separate_publisher: Annotated[
        bool, Field(description="Whoever wrote a post may not schedule it either.")
    ] = False


class OriginalityPolicy(Policy):
    """How like an earlier text a post may be."""

    threshold: Annotated[
        float, Field(gt=0, le=1, description="From this share of the text on, it is like another.")
    ] = 0.4
    blocks: Annotated[bool, Field(description="Stop such a post, rather than warn.")] = False
    image_distance: Annotated[
        int,
        Field(
            ge=0, le=16, description="Up to how many of 64 bits two files differ that show the same picture."
        ),
    ] = 6
    cooldown_days: Annotated[
        int,
        Field(ge=0, le=3_650, description="How long our own text or picture rests before it is used again."),
    ] = 30


class ReviewPolicy(Policy):
    """How fast reviewers answer, in business hours of the workspace's zone, and how long an approval holds."""

    within_hours: Annotated[
        int | None,
        Field(ge=1, le=400, description="Business hours for a reviewer who is asked; null: no deadline."),
    ] = 9
    hours: Annotated[Hours, Field(description="The working day, by the clock of the workspace's zone.")] = (
        "09:00-18:00"
    )
    approval_days: Annotated[
        int, Field(ge=1, le=365, description="How long a post without a planned day stays approved.")
    ] = 30

    @property
    def working_day(self) -> tuple[time, time]:
        """When a working day begins, and when it ends."""
        opens, closes = map(time.fromisoformat, self.hours.split("-"))
        return opens, closes


class Policies(Policy):
    """Everything a workspace decides."""

    four_eyes: FourEyesPolicy = FourEyesPolicy()
    review: ReviewPolicy = ReviewPolicy()
    ad_share: AdSharePolicy = AdSharePolicy()
    originality: OriginalityPolicy = OriginalityPolicy()
    jargon: Annotated[
        list[Word], Field(max_length=500, description="Words that readers should not have to know.")
    ] = []
    industry: Annotated[
        Word | None, Field(description="Rules of other industries do not hold; null: all hold.")
    ] = None


def read(stored: dict[str, Any]) -> Policies:
    """Read what is stored; what a later release stored beside it is left alone."""
    return Policies.model_validate(stored, extra="ignore")
