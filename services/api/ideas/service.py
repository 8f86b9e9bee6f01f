"""What can be done with ideas."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Idea, Post
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.ideas import IdeaRepository
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ideas import NEXT, IdeaStatus, standing
from drumtower.domain.ids import new_id
from drumtower.platforms.registry import Registry
from services.api import audit
from services.api.editing import Edit
from services.api.ideas.schemas import (
    IdeaCreate,
    IdeaDevelop,
    IdeaRead,
    IdeaScoreBody,
    IdeaUpdate,
    StandingRead,
)
from services.api.posts import service as posts
from services.api.posts.schemas import PostCreate
from services.api.principals import Principal


async def read_ideas(tx: Tx, principal: Principal, ideas: Sequence[Idea]) -> list[IdeaRead]:
    """Return the ideas with their scores and posts: three queries, whatever the length of the page."""
    await tx.flush()
    repository = IdeaRepository(tx, principal.workspace_id)
    ids = [idea.id for idea in ideas]
    scores = await repository.scores_of(ids)
    became = await repository.posts_of(ids)
    return [_read(idea, [score.points for score in scores[idea.id]], became[idea.id]) for idea in ideas]


def _read(idea: Idea, points: list[dict[str, int]], post_ids: list[UUID]) -> IdeaRead:
    found = standing(points)
    score = StandingRead(**found.means, total=found.total, voices=found.voices)
    shown = {name: getattr(idea, name) for name in IdeaRead.model_fields if hasattr(idea, name)}
    return IdeaRead.model_validate(shown | {"score": score, "post_ids": post_ids})


async def create(tx: Tx, principal: Principal, asked: IdeaCreate, now: datetime) -> Idea:
    """Add an idea; raise Invalid where its brand is none of ours."""
    if not await BrandRepository(tx, principal.workspace_id).knows(asked.brand_id):
        raise Invalid.of([Violation.unknown("brand")])
    idea = Idea(
        id=new_id(),
        workspace_id=principal.workspace_id,
        status=IdeaStatus.NEW.value,
        revision=1,
        created_by=principal.member_id,
        created_at=now,
        updated_at=now,
        **asked.model_dump(),
    )
    tx.add(idea)
    audit.record(tx, principal, "idea.created", idea.id, now, source=asked.source)
    return idea


def update(edit: Edit, idea: Idea, asked: IdeaUpdate) -> None:
    """Change the fields that were sent."""
    changes = asked.changes()
    for name, value in changes.items():
        setattr(idea, name, value)
    _changed(edit, idea, "updated", fields=sorted(changes))


def _changed(edit: Edit, idea: Idea, verb: str, **detail: object) -> None:
    idea.revision += 1
    idea.updated_at = edit.now
    audit.record(edit.tx, edit.principal, f"idea.{verb}", idea.id, edit.now, **detail)


async def score(edit: Edit, idea: Idea, asked: IdeaScoreBody) -> None:
    """Keep the member's score. It is nobody's edit: the revision stays."""
    ideas = IdeaRepository(edit.tx, edit.principal.workspace_id)
    await ideas.score(idea.id, edit.principal.member_id, asked.model_dump(), edit.now)
    audit.record(edit.tx, edit.principal, "idea.scored", idea.id, edit.now, **asked.model_dump())


def move(edit: Edit, idea: Idea, status: IdeaStatus) -> None:
    """Bring the idea to `status`; raise Conflict where that does not follow."""
    before = IdeaStatus(idea.status)
    if status not in NEXT[before]:
        raise Conflict("idea_status", f"The idea is {before}; it can't become {status}.")
    idea.status = status.value
    _changed(edit, idea, status.value)


async def develop(edit: Edit, registry: Registry, idea: Idea, asked: IdeaDevelop) -> Post:
    """Write the post that the idea becomes; the post remembers the idea."""
    move(edit, idea, IdeaStatus.DEVELOPED)
    given = asked.model_dump(exclude_unset=True)
    begun = {"title": idea.title, "body": idea.note, "brand_id": idea.brand_id}
    words = {name: value for name, value in given.items() if value is not None}
    draft = PostCreate.model_validate(begun | words)
    return await posts.create(edit.tx, edit.principal, registry, draft, edit.now, idea_id=idea.id)
