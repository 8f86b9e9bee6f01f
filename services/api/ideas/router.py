"""Ideas: /v1/ideas."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from drumtower.db.models import Idea
from drumtower.db.repositories.ideas import IdeaRepository
from drumtower.domain.ideas import IdeaSource, IdeaStatus
from drumtower.domain.permissions import Permission
from services.api import searching
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.editing import Edit, edits
from services.api.etags import set_etag
from services.api.ideas import service
from services.api.ideas.schemas import IdeaCreate, IdeaDevelop, IdeaRead, IdeaScoreBody, IdeaUpdate
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.posts.reading import read_new
from services.api.posts.schemas import PostRead
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/ideas", "ideas")
Writer = Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))]
Writing = Annotated[Edit, Depends(edits(Permission.POSTS_WRITE))]


async def _hold(edit: Edit, idea_id: UUID) -> Idea:
    idea = await IdeaRepository(edit.tx, edit.principal.workspace_id).get(idea_id, lock=True)
    edit.check(idea.revision)
    return idea


async def _answer(edit: Edit, idea: Idea) -> IdeaRead:
    [read] = await service.read_ideas(edit.tx, edit.principal, [idea])
    return edit.answer(idea.revision, read)


@router.get("", operation_id="ideas_list", summary="List ideas")
async def list_ideas(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    status: IdeaStatus | None = None,
    source: IdeaSource | None = None,
    brand_id: UUID | None = None,
    created_by: UUID | None = None,
    q: Annotated[
        str | None, Query(min_length=1, max_length=100, description="Stands in the title or the note.")
    ] = None,
) -> Page[IdeaRead]:
    equal = {"status": status, "source": source, "brand_id": brand_id, "created_by": created_by}
    statement = IdeaRepository(tx, principal.workspace_id).matching(
        equal=equal, found=searching.found("ideas", q) if q else None
    )
    rows, cursor = await paging.rows(tx, statement, Idea.id)
    return Page(data=await service.read_ideas(tx, principal, rows), next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    operation_id="ideas_create",
    summary="Note an idea",
    responses=responses(409, 413, 415),
)
async def create_idea(
    body: IdeaCreate,
    principal: Writer,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> IdeaRead:
    idea = await service.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/ideas/{idea.id}"
    set_etag(response, idea.revision)
    [read] = await service.read_ideas(tx, principal, [idea])
    return read


@router.get("/{idea_id}", operation_id="ideas_get", summary="Read an idea")
async def get_idea(idea_id: UUID, principal: Reader, tx: TxDep, response: Response) -> IdeaRead:
    idea = await IdeaRepository(tx, principal.workspace_id).get(idea_id)
    set_etag(response, idea.revision)
    [read] = await service.read_ideas(tx, principal, [idea])
    return read


@router.patch(
    "/{idea_id}",
    operation_id="ideas_update",
    summary="Change an idea",
    responses=responses(409, 412, 413, 415),
)
async def update_idea(idea_id: UUID, body: IdeaUpdate, edit: Writing) -> IdeaRead:
    idea = await _hold(edit, idea_id)
    service.update(edit, idea, body)
    return await _answer(edit, idea)


@router.post(
    "/{idea_id}/score",
    operation_id="ideas_score",
    summary="Say what you think of an idea",
    responses=responses(409, 412, 413, 415),
)
async def score_idea(
    idea_id: UUID, body: IdeaScoreBody, edit: Writing, idempotency: IdempotencyDep
) -> IdeaRead:
    """One score a member; a later one replaces it."""
    idea = await _hold(edit, idea_id)
    await service.score(edit, idea, body)
    return await _answer(edit, idea)


def _moving(status: IdeaStatus) -> Callable[..., Any]:
    async def moved(idea_id: UUID, edit: Writing, idempotency: IdempotencyDep) -> IdeaRead:
        idea = await _hold(edit, idea_id)
        service.move(edit, idea, status)
        return await _answer(edit, idea)

    return moved


for _name, _summary, _status in (
    ("shortlist", "Put an idea on the shortlist", IdeaStatus.SHORTLISTED),
    ("drop", "Drop an idea", IdeaStatus.DROPPED),
):
    router.post(
        f"/{{idea_id}}/{_name}",
        operation_id=f"ideas_{_name}",
        summary=_summary,
        responses=responses(409, 412),
    )(_moving(_status))


@router.post(
    "/{idea_id}/develop",
    status_code=201,
    operation_id="ideas_develop",
    summary="Make a post of an idea",
    responses=responses(409, 412, 413, 415),
)
async def develop_idea(
    idea_id: UUID, body: IdeaDevelop, edit: Writing, services: ServicesDep, idempotency: IdempotencyDep
) -> PostRead:
    """The post is a draft with the idea's title and note, unless other words are sent, and remembers the idea."""
    idea = await _hold(edit, idea_id)
    post = await service.develop(edit, services.registry, idea, body)
    edit.response.headers["Location"] = f"/v1/posts/{post.id}"
    return edit.answer(post.revision, read_new(post, services.registry, edit.now))
