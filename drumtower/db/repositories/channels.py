"""Channels of one workspace."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, update

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import WAITING, State


async def disconnect(tx: Tx, channel_id: UUID, detail: str, now: datetime) -> None:
    """Note that the platform takes the channel's credentials no more, and in which words it said so."""
    await tx.execute(
        update(Channel)
        .where(Channel.id == channel_id)
        .values(status="disconnected", status_detail=detail, updated_at=now)
        .execution_options(synchronize_session=False)
    )


class ChannelRepository(Scoped):
    """Reads channels, and the deliveries that depend on their being connected."""

    def all(self) -> Select[Channel]:
        return self.select(Channel)

    async def get(self, channel_id: UUID, *, lock: bool = False) -> Channel:
        """Return the channel; raise NotFound."""
        return await self.find(Channel, channel_id, "channel", lock=lock)

    async def by_account(self, platform: str, account_id: str) -> Channel | None:
        """Return the channel of a platform's account, if it is connected in this workspace."""
        same = Channel.platform == platform, Channel.account_id == account_id
        return (await self.tx.scalars(self.all().where(*same))).one_or_none()

    async def connected_elsewhere(self, platform: str, account_id: str) -> bool:
        """Say whether another workspace has the account connected; nothing else of it is told."""
        theirs = Channel.workspace_id != self.workspace_id, Channel.status == "connected"
        same = Channel.platform == platform, Channel.account_id == account_id
        return await self.tx.scalar(select(Channel.id).where(*same, *theirs).limit(1)) is not None

    async def among(self, channel_ids: Sequence[UUID]) -> dict[UUID, Channel]:
        """Return those of `channel_ids` that are this workspace's, by id."""
        found = await self.tx.scalars(self.all().where(Channel.id.in_(channel_ids)))
        return {channel.id: channel for channel in found}

    async def disconnect_all(self, detail: str, now: datetime) -> None:
        """Take every channel out of use, and its secrets away."""
        await self.tx.execute(
            update(Channel)
            .where(Channel.workspace_id == self.workspace_id)
            .values(status="disconnected", status_detail=detail, token=None, token_next=None, updated_at=now)
            .execution_options(synchronize_session=False)
        )

    async def waiting(self, channel_id: UUID) -> Sequence[Delivery]:
        """Return the channel's deliveries that have not been claimed, locked."""
        return await self._deliveries(channel_id, [state.value for state in WAITING])

    async def held(self, channel_id: UUID) -> Sequence[Delivery]:
        """Return the channel's held deliveries, locked."""
        return await self._deliveries(channel_id, [State.HELD.value])

    async def _deliveries(self, channel_id: UUID, states: list[str]) -> Sequence[Delivery]:
        statement = (
            self.select(Delivery)
            .where(Delivery.channel_id == channel_id, Delivery.state.in_(states))
            .order_by(Delivery.id)
            .with_for_update()
        )
        return (await self.tx.scalars(statement)).all()
