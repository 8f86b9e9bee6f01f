"""Rules for answers, in public and in private, and for taking posts down."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from drumtower.domain import failures
from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import (
    Absent,
    Deleter,
    FeedbackSource,
    Messenger,
    PlatformError,
    Published,
    Replier,
    ReplyFinder,
    ReplyRequest,
    Undecidable,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_feedback import drain, reference
from drumtower.testkit.conformance_lost import LOST
from drumtower.testkit.conformance_stage import Hooks, Stage

FOLLOWER = {"id": "9001", "name": "胡同老王"}


class ReplyRules(Hooks):
    """One answer each, and a lost one is looked up."""

    async def _asked(self, stage: Stage) -> tuple[Replier, ReplyRequest]:
        adapter = stage.adapter
        if not isinstance(adapter, Replier):
            pytest.skip(f"{self.adapter.__name__} is no Replier")
        if not isinstance(adapter, FeedbackSource):
            pytest.skip(
                f"{self.adapter.__name__} hears by webhook only: its own tests answer what came by it"
            )
        post = reference(await stage.out(self.message("欢迎提问")))
        await stage.public(
            "comment", account=stage.account, post=post.external_id, author=FOLLOWER, text="几点开门？"
        )
        (event,), _ = await drain(adapter, stage, {}, [post])
        request = ReplyRequest(
            credentials=stage.credentials,
            text="每天九点开门，欢迎来。",
            kind=event.kind,
            external_id=event.external_id,
            author_id=event.author_id,
            post_external_id=event.post_external_id,
            context=event.context,
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )
        return adapter, request

    def _answers(self, stage: Stage, request: ReplyRequest) -> list[str]:
        rows = [row for row in stage.sandbox.store.all("comments") if not row.get("deleted")]
        return [row["id"] for row in rows if row["in_reply_to"] == request.external_id]

    async def test_answers_a_comment(self, stage: Stage) -> None:
        replier, request = await self._asked(stage)
        out = await replier.reply(request)
        assert self._answers(stage, request) == [out.external_id]
        (row,) = [row for row in stage.sandbox.store.all("comments") if row["id"] == out.external_id]
        assert request.text in row["text"]

    @pytest.mark.parametrize("acts", [False, True], ids=["before it acted", "after it acted"])
    @pytest.mark.parametrize("lost", LOST)
    async def test_a_lost_reply_is_unknown_and_is_found_out(
        self, stage: Stage, lost: str, acts: bool
    ) -> None:
        replier, request = await self._asked(stage)
        fault = LOST[lost].model_copy(update={"path": self.reply_path, "acts": acts})
        stage.break_with(fault)
        patient = stage.impatient if fault.behaviour is Behaviour.HANG else replier
        assert isinstance(patient, Replier)
        with pytest.raises(PlatformError) as caught:
            await patient.reply(request)
        assert stage.sandbox.faults.fired == 1, "the fault did not fire: is reply_path right?"
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)
        if isinstance(replier, ReplyFinder):
            stage.pass_time(stage.adapter.capabilities.read_lag)
            found = await replier.find_reply(request, request.created_at)
            if isinstance(found, Absent):
                await replier.reply(request)
            assert isinstance(found, Published | Absent | Undecidable)
            assert isinstance(found, Published) <= acts
            assert isinstance(found, Absent) <= (not acts)
            assert len(self._answers(stage, request)) == int(acts or isinstance(found, Absent))

    async def test_a_listed_code_on_reply(self, stage: Stage) -> None:
        replier, request = await self._asked(stage)
        for code in self.errors:
            stage.break_with(self.error(code).model_copy(update={"path": self.reply_path}))
            with pytest.raises(PlatformError):
                await replier.reply(request)
        assert stage.sandbox.faults.fired == len(self.errors)
        assert not self._answers(stage, request)

    async def test_answers_a_message(self, stage: Stage) -> None:
        messenger, request = await self._written(stage)
        await messenger.message(request)
        (row,) = [row for row in stage.sandbox.store.all("messages") if row["direction"] == "out"]
        assert row["text"] == request.text
        assert row["to"] == request.author_id

    @pytest.mark.parametrize("acts", [False, True], ids=["before it acted", "after it acted"])
    @pytest.mark.parametrize("lost", LOST)
    async def test_a_lost_message_is_unknown(self, stage: Stage, lost: str, acts: bool) -> None:
        messenger, request = await self._written(stage)
        fault = LOST[lost].model_copy(update={"path": self.message_path, "acts": acts})
        stage.break_with(fault)
        patient = stage.impatient if fault.behaviour is Behaviour.HANG else messenger
        assert isinstance(patient, Messenger)
        with pytest.raises(PlatformError) as caught:
            await patient.message(request)
        assert stage.sandbox.faults.fired == 1, "the fault did not fire: is message_path right?"
        assert isinstance(caught.value.failure, failures.OutcomeUnknown)
        if isinstance(messenger, ReplyFinder):
            assert not isinstance(await messenger.find_reply(request, request.created_at), Absent) or not acts

    async def test_a_stranger_gets_no_message(self, stage: Stage) -> None:
        messenger, request = await self._written(stage)
        with pytest.raises(PlatformError) as caught:
            await messenger.message(
                replace(request, author_id=f"{request.author_id[:-1]}7", text="您好，打扰了")
            )
        assert isinstance(caught.value.failure, failures.NotPermitted | failures.ContentRejected)

    async def _written(self, stage: Stage) -> tuple[Messenger, ReplyRequest]:
        adapter = stage.adapter
        if not isinstance(adapter, Messenger):
            pytest.skip(f"{self.adapter.__name__} is no Messenger")
        answer = await stage.public("message", account=stage.account, author=FOLLOWER, text="还有货吗")
        assert answer.status_code == 200, answer.text
        row = next(row for row in stage.sandbox.store.all("messages") if row["direction"] == "in")
        request = ReplyRequest(
            credentials=stage.credentials,
            text="有的，两件起包邮。",
            kind=InteractionKind.MESSAGE,
            external_id=str(answer.json()["id"]),
            author_id=row["author"]["id"],
            post_external_id=None,
            context=self.message_context,
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )
        return adapter, request


class DeletingRules(Hooks):
    """Gone is gone, twice too."""

    async def test_deletes(self) -> None:
        if not issubclass(self.adapter, Deleter):
            pytest.skip(f"{self.adapter.__name__} is no Deleter")
        options = self.account_options if self.deleting_options is None else self.deleting_options
        async with AsyncExitStack() as stack:
            stage = await self._set(stack, options)
            adapter = stage.adapter
            assert isinstance(adapter, Deleter)
            keep, drop = (
                await stage.out(self.message("留下的一篇")),
                await stage.out(self.message("发错了，要撤下")),
            )
            await adapter.delete(stage.credentials, reference(drop))
            assert [post["id"] for post in self.published(stage.sandbox)] == [keep.external_id]
            await adapter.delete(stage.credentials, reference(drop))
            stage.break_with(Fault(status=500, times=10))
            with pytest.raises(PlatformError):
                await adapter.delete(stage.credentials, reference(keep))
            assert len(self.published(stage.sandbox)) == 1
