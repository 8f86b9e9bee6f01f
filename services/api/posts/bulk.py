"""One verb on many posts: each by the same service as the single call, in a savepoint of its own, with a verdict."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import Select

from drumtower.db.engine import Tx
from drumtower.db.models import Post
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.errors import Conflict, DrumtowerError, Invalid, Violation
from drumtower.platforms.registry import Registry
from services.api import searching
from services.api.posts import reviewing, service
from services.api.posts.bulk_schemas import MOST, Bulk, BulkFilter, BulkRead, BulkRow, BulkVerb, BulkVerdict
from services.api.posts.schemas import PostUpdate
from services.api.principals import Principal
from services.api.problems import refusals

# A submit runs every check on every channel: more of them would hold the posts for too long.
MOST_SUBMITS = 200
# Which argument a verb can't do without, and the field of the post that it becomes.
NEEDS = {
    BulkVerb.ASSIGN: "owner_id",
    BulkVerb.SET_CAMPAIGN: "campaign_id",
    BulkVerb.SET_DUE: "due_on",
    BulkVerb.SET_PILLAR: "pillar",
    BulkVerb.TAG: "tags",
    BulkVerb.UNTAG: "tags",
}
_LISTS = frozenset({"ids", "status", "tag", "due_on_from", "due_on_to", "q"})


async def run(tx: Tx, principal: Principal, registry: Registry, asked: Bulk, now: datetime) -> BulkRead:
    """Do it to each; raise Invalid for arguments that don't fit, Conflict where there are more posts or fewer."""
    _check_arguments(asked)
    statement = _found(PostRepository(tx, principal.workspace_id), asked.filter)
    most = MOST_SUBMITS if asked.verb is BulkVerb.SUBMIT else MOST
    ids = (await tx.scalars(statement.with_only_columns(Post.id).order_by(Post.id).limit(most + 1))).all()
    if len(ids) > most:
        detail = f"{asked.verb} takes {most} posts at most; the filter finds more."
        raise Invalid.at("/filter", "bulk_too_many", detail, "Narrow the filter.")
    if len(ids) != asked.expected_count:
        detail = f"The filter finds {len(ids)} posts, not {asked.expected_count}; nothing was changed."
        raise Conflict("bulk_count_differs", detail)
    rows = [await _one(tx, principal, registry, asked, post_id, now) for post_id in ids]
    done = sum(row.verdict is BulkVerdict.DONE for row in rows)
    return BulkRead(data=rows, done=done, refused=len(rows) - done)


def _check_arguments(asked: Bulk) -> None:
    given, needed = asked.arguments.model_fields_set, NEEDS.get(asked.verb)
    violations = [
        Violation(
            pointer=f"/arguments/{name}",
            code="bulk_argument",
            detail=f"{asked.verb} takes no {name}.",
            hint="Leave it out, or choose the verb that sets it.",
        )
        for name in sorted(given - {needed})
    ]
    if needed is not None and needed not in given:
        detail = f"{asked.verb} needs {needed}."
        violations.append(
            Violation(pointer=f"/arguments/{needed}", code="field_missing", detail=detail, hint="Add it.")
        )
    if violations:
        raise Invalid.of(violations)


def _found(posts: PostRepository, asked: BulkFilter) -> Select[Post]:
    statement = posts.matching(
        equal={name: getattr(asked, name) for name in BulkFilter.model_fields.keys() - _LISTS},
        statuses=[one.value for one in asked.status or ()],
        due_from=asked.due_on_from,
        due_to=asked.due_on_to,
        tags=asked.tag or (),
        found=searching.found("posts", asked.q) if asked.q else None,
    ).where(Post.archived_at.is_(None))
    return statement if asked.ids is None else statement.where(Post.id.in_(asked.ids))


async def _one(
    tx: Tx, principal: Principal, registry: Registry, asked: Bulk, post_id: UUID, now: datetime
) -> BulkRow:
    """Do it to one; a refusal takes back what was begun of it, and stops no other."""
    try:
        async with tx.begin_nested():
            made = await _act(tx, principal, registry, asked, post_id, now)
    except (ValidationError, DrumtowerError) as error:
        return BulkRow(post_id=post_id, verdict=BulkVerdict.REFUSED, errors=refusals(error))
    return BulkRow(post_id=post_id, verdict=BulkVerdict.DONE, made_id=made)


async def _act(
    tx: Tx, principal: Principal, registry: Registry, asked: Bulk, post_id: UUID, now: datetime
) -> UUID | None:
    match asked.verb:
        case BulkVerb.ARCHIVE:
            await service.archive(tx, principal, post_id, now)
        case BulkVerb.DUPLICATE:
            return (await service.duplicate(tx, principal, post_id, now)).id
        case BulkVerb.SUBMIT:
            post = await service.hold(tx, principal, post_id)
            await reviewing.submit(tx, principal, registry, post, now)
        case _:
            post = await service.hold(tx, principal, post_id)
            change = PostUpdate.model_validate(_change(asked, post))
            await service.update(tx, principal, registry, post_id, change, f'"{post.revision}"', now)
    return None


def _change(asked: Bulk, post: Post) -> dict[str, Any]:
    if asked.verb is BulkVerb.TAG:
        return {"tags": [*post.tags, *asked.arguments.tags]}
    if asked.verb is BulkVerb.UNTAG:
        return {"tags": [tag for tag in post.tags if tag not in asked.arguments.tags]}
    return asked.arguments.model_dump(include={NEEDS[asked.verb]}, mode="json")
