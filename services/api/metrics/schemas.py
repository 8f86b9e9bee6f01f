"""Key figures over HTTP."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumtower.domain.figures import Reason
from drumtower.domain.kpi_dictionary import Kpi, Unit
from drumtower.domain.samples import Metric
from services.api.schemas import Answer, Moment


class MeaningRead(Answer):
    """A text in two languages."""

    zh_cn: str
    en: str


class DefinitionRead(Answer):
    """What a key figure means and how it is computed. `inputs` are the names that its basis shows."""

    kpi: Kpi
    label: MeaningRead
    unit: Unit
    formula: str
    inputs: list[str]
    meaning: MeaningRead


class DictionaryRead(BaseModel):
    """All key figures that can be asked for."""

    data: list[DefinitionRead]


class SampleRead(Answer):
    """One reading as it came: a total. Without a delivery it is the channel's own number.

    `source` says whether it was asked of the platform or imported; `final` that the platform will not count it again.
    """

    id: UUID
    channel_id: UUID
    delivery_id: UUID | None
    metric: Metric
    value: int
    taken_at: Moment
    source: Literal["pull", "import"]
    final: bool


class MissingRead(Answer):
    """A channel that is not in the figure, or only in part, and why."""

    channel_id: UUID
    reason: Reason


class BasisRead(BaseModel):
    """How the value came about: the formula, its inputs by name (numbers or null), and what is missing from it.

    `complete` is false where a channel that has published lacks in the value. `reason` says why there is no value.
    `engagement_metrics` are those that at least one of the channels gives.
    """

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"additionalProperties": {"type": ["number", "null"]}}
    )

    formula: str
    denominator: str | None
    complete: bool
    missing: list[MissingRead]
    reason: Reason | None
    engagement_metrics: list[str]


class FreshnessRead(BaseModel):
    """When the channels of a figure were last sampled: the stalest and the freshest. Both now for live figures."""

    oldest: Moment
    newest: Moment


class KpiRead(BaseModel):
    """One figure of one group. `value` is null where it is not known; the basis says why."""

    metric: Kpi
    group: dict[str, str | None]
    value: float | int | None
    unit: Unit
    basis: BasisRead
    freshness: FreshnessRead | None


class KpiListRead(BaseModel):
    """Figures of a period. Days are the workspace's; `to` is included."""

    from_: date = Field(alias="from")
    to: date
    timezone: str
    group_by: list[str]
    data: list[KpiRead]
