"""The least that FastAPI and the ORM could do: one model in, one row stored; one row, or a page of fifty, out."""

from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import insert, select, text
from sqlalchemy.orm import Mapped

from drumtower.db.engine import Database
from drumtower.db.types import Base, Id
from drumtower.domain.ids import new_id

PAGE = 50


class Note(Base):
    """What the bare app keeps."""

    __tablename__ = "bench_notes"

    id: Mapped[Id]
    title: Mapped[str]
    body: Mapped[str]


class Asked(BaseModel):
    """What the bare app takes."""

    title: str
    body: str


class Told(BaseModel):
    """What the bare app gives."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    body: str


async def prepare(db: Database, notes: int = 0) -> None:
    """Make its table, with so many rows."""
    async with db.transaction() as tx:
        await tx.execute(text("CREATE TABLE bench_notes (id uuid PRIMARY KEY, title text, body text)"))
        if notes:
            rows = [{"id": new_id(), "title": "秋茶上新", "body": "一杯好茶"} for _ in range(notes)]
            await tx.execute(insert(Note), rows)


def bare(db: Database) -> FastAPI:
    """Make the app that does nothing but store and tell."""
    app = FastAPI()

    @app.post("/notes", status_code=201)
    async def add(asked: Asked) -> Asked:
        async with db.transaction() as tx:
            tx.add(Note(**asked.model_dump()))
        return asked

    @app.get("/notes")
    async def page() -> list[Told]:
        async with db.transaction() as tx:
            rows = await tx.scalars(select(Note).order_by(Note.id.desc()).limit(PAGE))
            return [Told.model_validate(row) for row in rows]

    return app
