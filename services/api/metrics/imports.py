"""Imported readings: what a platform shows to people and tells no API."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field

from drumtower.db.engine import Tx
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain.samples import Metric
from drumtower.platforms import ByHand
from drumtower.platforms.registry import Registry
from services.api import audit, importing
from services.api.importing import Cell, Given, Import, ImportRead, Whole
from services.api.principals import Principal
from services.api.schemas import Body, Moment

# As the creator centres of Chinese platforms name them.
NAMES = {
    "笔记链接": "post",
    "作品链接": "post",
    "笔记ID": "post",
    "统计时间": "taken_at",
    "日期": "taken_at",
    "曝光量": "exposure",
    "阅读量": "exposure",
    "观看量": "exposure",
    "播放量": "exposure",
    "点赞": "likes",
    "点赞量": "likes",
    "评论": "comments",
    "评论量": "comments",
    "分享": "shares",
    "分享量": "shares",
    "收藏": "saves",
    "收藏量": "saves",
    "粉丝数": "followers",
}


class SampleRow(Body):
    """One reading: totals at a moment, of a post, or (without one) of the channel itself. What is left out is unknown."""

    model_config = ConfigDict(extra="forbid")

    post: Annotated[
        Cell | None, Field(description="Its link, its id on the platform, or the delivery's.")
    ] = None
    taken_at: Moment
    exposure: Whole | None = None
    likes: Whole | None = None
    comments: Whole | None = None
    shares: Whole | None = None
    saves: Whole | None = None
    followers: Whole | None = None

    def values(self) -> dict[Metric, int]:
        given = {metric: getattr(self, metric.value, None) for metric in Metric}
        return {metric: value for metric, value in given.items() if value is not None}


class SampleImport(Import):
    """Readings to import."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "channel_id": "0199c5c0-0000-7000-8000-000000000000",
                "dry_run": True,
                "csv": "笔记链接,统计时间,观看量,点赞\nhttps://www.xiaohongshu.com/explore/65a1b2c3d4e5f60718293a4b,2026-11-20,1234,56\n",
            }
        }
    }


async def take(
    tx: Tx, principal: Principal, registry: Registry, asked: SampleImport, now: datetime
) -> ImportRead:
    """Store what is new and say what became of each row; a dry run says the same and stores nothing."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(asked.channel_id)
    zone = ZoneInfo(principal.timezone)
    given = importing.read(asked, SampleRow, NAMES, zone, now)
    await importing.alone(tx, channel.id)
    importing.refuse_future(given, "taken_at", now)
    _check_subjects(given)
    adapter = registry.adapters.get(channel.platform)
    names = {row.post for row in given.rows.values() if row.post}
    posts = await importing.posts_named(tx, channel, adapter.by_hand if adapter else ByHand(), names)
    for index, row in list(given.rows.items()):
        if row.post and row.post not in posts:
            detail = "This is no published post of the channel."
            importing.refuse(
                given,
                index,
                "post",
                "post_not_published",
                detail,
                "Give its link as the proof has it, or its id.",
            )
    samples = {
        index: [
            NewSample(
                delivery_id=posts[row.post].id if row.post else None,
                metric=metric,
                value=value,
                taken_at=row.taken_at,
                source="import",
            )
            for metric, value in row.values().items()
        ]
        for index, row in given.rows.items()
    }
    fresh, known = await _sorted_out(SampleRepository(tx, principal.workspace_id), asked, samples)
    answer = importing.told(asked, given, known)
    if fresh and not asked.dry_run:
        await SampleRepository(tx, principal.workspace_id).add(channel.id, fresh, zone)
        about = {"created": answer.created, "duplicate": answer.duplicate, "refused": answer.refused}
        audit.record(tx, principal, "channel.samples_imported", channel.id, now, **about)
    return answer


def _check_subjects(given: Given) -> None:
    """Followers are a channel's, all else is a post's."""
    for index, row in list(given.rows.items()):
        values = row.values()
        if not values:
            importing.refuse(given, index, "", "nothing_to_import", "It holds no number.")
        elif row.post and Metric.FOLLOWERS in values:
            importing.refuse(given, index, "followers", "followers_of_post", "Followers are the channel's.")
        elif not row.post and values.keys() != {Metric.FOLLOWERS}:
            importing.refuse(
                given, index, "post", "post_required", "Whose numbers are these?", "Name the post."
            )


async def _sorted_out(
    repository: SampleRepository, asked: SampleImport, samples: dict[int, list[NewSample]]
) -> tuple[list[NewSample], list[int]]:
    """Return the samples that tell something new, and the rows that tell nothing; the last of equal ones counts."""
    told = {one.key: one for some in samples.values() for one in some}
    fresh = await repository.unknown(asked.channel_id, list(told.values()))
    new = {id(one) for one in fresh}
    known = [index for index, some in samples.items() if not any(id(one) in new for one in some)]
    return fresh, known
