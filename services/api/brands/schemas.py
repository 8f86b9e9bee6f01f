"""Brands over HTTP."""

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from drumtower.domain.brands import Address, ColourRole, ContrastLevel, FontRole, contrasts, palette
from drumtower.domain.content import Nature
from drumtower.domain.disclosures import Disclosure
from drumtower.domain.errors import Severity
from services.api.schemas import Answer, Body, Line, Moment, Name, Paragraph, Patch

Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Words = Annotated[list[Word], Field(max_length=200)]
Count = Annotated[int, Field(ge=0, le=1_000)]


class ColourBody(Body):
    """A named colour of the palette."""

    name: Word
    hex: Annotated[
        str,
        StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$"),
        AfterValidator(str.upper),
        Field(examples=["#7A1E2C"]),
    ]
    role: ColourRole


class FontBody(Body):
    """A font, and the right to use it."""

    family: Word
    role: FontRole
    licence: Line = ""


class PillarPlanBody(Body):
    """How much of what is said a pillar is to have."""

    pillar: Word
    percent: Annotated[float, Field(ge=0, le=100, description="Of the brand's posts.")]


class ProductNameBody(Body):
    """A name as it is written. Case and gaps are looked after; `wrong` is for other spellings."""

    name: Word
    wrong: Annotated[list[Word], Field(max_length=50)] = []


class ToneRulesBody(Body):
    """What of the tone can be counted; null: nothing is asked."""

    address: Annotated[Address | None, Field(description="`formal`: 您. `familiar`: 你.")] = None
    most_exclamations: Annotated[Count | None, Field(description="In one post.")] = None
    most_emoji: Annotated[Count | None, Field(description="In one post.")] = None


class DisclosureRuleBody(Body):
    """When readers are told something: where all that is named applies; what is empty rules nothing out.

    Two rules hold without being written: promotional posts tell that they are advertisements, and posts with files made by
    AI tell that (both warn).
    """

    disclosure: Disclosure
    severity: Severity = Severity.WARN
    natures: Annotated[list[Nature], Field(max_length=len(Nature))] = []
    platforms: Annotated[list[Word], Field(max_length=50)] = []
    campaign_ids: Annotated[list[UUID], Field(max_length=100)] = []
    ai_assets: Annotated[bool, Field(description="Only where a file of the post was made by AI.")] = False


Palette = Annotated[list[ColourBody], Field(max_length=50)]
Fonts = Annotated[list[FontBody], Field(max_length=len(FontRole))]
PillarPlan = Annotated[list[PillarPlanBody], Field(max_length=200)]
ProductNames = Annotated[list[ProductNameBody], Field(max_length=200)]
DisclosureRules = Annotated[list[DisclosureRuleBody], Field(max_length=50)]


class BrandCreate(Body):
    """A new brand."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "name": "鼓楼茶",
                "positioning": "办公室里的好茶",
                "core_values": ["慢", "真"],
                "tone": "温和、具体",
                "tone_rules": {"address": "formal", "most_exclamations": 1},
                "palette": [
                    {"name": "茶红", "hex": "#7A1E2C", "role": "primary"},
                    {"name": "宣纸", "hex": "#FAF6EE", "role": "background"},
                ],
                "fonts": [{"family": "思源宋体", "role": "heading", "licence": "OFL-1.1"}],
                "pillars": ["产品", "茶知识"],
                "pillar_plan": [{"pillar": "茶知识", "percent": 60}],
                "product_names": [{"name": "鼓楼一号", "wrong": ["鼓楼壹号"]}],
                "disclosure_rules": [{"disclosure": "ai_generated", "severity": "block", "ai_assets": True}],
            }
        }
    }

    name: Name
    positioning: Paragraph = ""
    core_values: Words = []
    tone: Line = ""
    tone_rules: ToneRulesBody = ToneRulesBody()
    palette: Palette = []
    fonts: Fonts = []
    pillars: Words = []
    pillar_plan: PillarPlan = []
    banned_words: Words = []
    required_words: Words = []
    product_names: ProductNames = []
    disclosure_rules: DisclosureRules = []


class BrandUpdate(Patch):
    """A merge patch: a field that is absent stays as it is; lists are replaced whole."""

    name: Name | None = None
    positioning: Paragraph | None = None
    core_values: Words | None = None
    tone: Line | None = None
    tone_rules: ToneRulesBody | None = None
    palette: Palette | None = None
    fonts: Fonts | None = None
    pillars: Words | None = None
    pillar_plan: PillarPlan | None = None
    banned_words: Words | None = None
    required_words: Words | None = None
    product_names: ProductNames | None = None
    disclosure_rules: DisclosureRules | None = None

    def changes(self) -> dict[str, Any]:
        """Return what was sent, as it is stored."""
        sent = super().changes().keys()
        return {name: value for name, value in self.model_dump(mode="json").items() if name in sent}


class ContrastRead(Answer):
    """How well a text colour of the palette is read on a background (WCAG 2.2, 1.4.3: 4.5 for all text, 3 for large)."""

    text: str
    background: str
    ratio: float
    level: ContrastLevel


class BrandRead(Answer):
    """A brand. `contrasts`: the palette's text colours on its backgrounds, the worst first."""

    id: UUID
    name: str
    positioning: str
    core_values: list[str]
    tone: str
    tone_rules: ToneRulesBody
    palette: list[ColourBody]
    contrasts: list[ContrastRead] = []
    fonts: list[FontBody]
    pillars: list[str]
    pillar_plan: list[PillarPlanBody]
    banned_words: list[str]
    required_words: list[str]
    product_names: list[ProductNameBody]
    disclosure_rules: list[DisclosureRuleBody]
    created_at: Moment
    updated_at: Moment

    @model_validator(mode="after")
    def _measure(self) -> "BrandRead":
        colours = palette([one.model_dump() for one in self.palette])
        self.contrasts = [ContrastRead.model_validate(one) for one in contrasts(colours)]
        return self


class PillarShareRead(Answer):
    """How much of what was said belongs to a pillar; null: posts that name none. `drift`: percentage points over the plan."""

    pillar: str | None
    posts: int
    percent: float
    planned: float | None
    drift: float | None


class ToneDriftRead(Answer):
    """How many of the posts that were looked at leave the tone in one way, and some of them."""

    code: str
    posts: int
    percent: float
    post_ids: Annotated[list[UUID], Field(description="The newest, ten at most.")]


class DriftRead(Answer):
    """Where what was said, and is planned, has moved away from the brand. `looked_at`: texts read, the newest 500 at most."""

    start: Annotated[dt.date, Field(serialization_alias="from")]
    end: Annotated[dt.date, Field(serialization_alias="to")]
    posts: int
    pillars: list[PillarShareRead]
    looked_at: int
    tone: list[ToneDriftRead]
