"""Conversions of one workspace: each external id once, however often it is told."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.models import Conversion
from drumtower.db.repositories.scope import Scoped


class ConversionRepository(Scoped):
    """Reads and adds conversions."""

    def all(self) -> Select[Conversion]:
        return self.select(Conversion)

    async def get(self, conversion_id: UUID) -> Conversion:
        """Return the conversion; raise NotFound."""
        return await self.find(Conversion, conversion_id, "conversion")

    async def add(self, rows: Sequence[dict[str, Any]]) -> set[UUID]:
        """Add rows and return the ids of those that are new; one that another request adds now is waited for."""
        if not rows:
            return set()
        # In one order, so that two batches with the same conversions can't wait for each other in a circle.
        ordered = sorted(rows, key=lambda row: str(row["external_id"]))
        statement = insert(Conversion).on_conflict_do_nothing(index_elements=["workspace_id", "external_id"])
        return set((await self.tx.scalars(statement.values(ordered).returning(Conversion.id))).all())

    async def by_external_ids(self, external_ids: Collection[str]) -> dict[str, Conversion]:
        found = await self.tx.scalars(self.all().where(Conversion.external_id.in_(external_ids)))
        return {conversion.external_id: conversion for conversion in found}
