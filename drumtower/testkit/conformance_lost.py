"""Rules for lost answers and crashes: no "published" and no "not sent" without proof, and never twice."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import ClassVar

import pytest

from drumtower.domain import failures
from drumtower.platforms import (
    Absent,
    Finder,
    PlatformError,
    Preparable,
    Published,
    PublishRequest,
    Undecidable,
)
from drumtower.sandbox.faults import Behaviour, Fault
from drumtower.testkit.conformance_stage import Crashed, Hooks, Progress, Stage

LOST: Mapping[str, Fault] = {
    "hangs": Fault(behaviour=Behaviour.HANG, seconds=60),
    "resets": Fault(behaviour=Behaviour.RESET),
    "half a body": Fault(behaviour=Behaviour.HALF, status=200, body='{"id": "1", "text": "half"}'),
    "500": Fault(status=500, body="Internal Server Error", content_type="text/plain"),
    "502 page": Fault(status=502, body="<html>Bad Gateway</html>", content_type="text/html"),
    "503": Fault(status=503),
    "504 json": Fault(status=504, body='{"message": "upstream timed out"}'),
    "302": Fault(status=302, headers={"location": "http://127.0.0.1:9/"}),
    "200 empty": Fault(status=200),
    "200 page": Fault(status=200, body="<html>ok</html>", content_type="text/html"),
    "200 cut json": Fault(status=200, body='{"id": 93000000000'),
    "200 no fields": Fault(status=200, body="{}"),
    "200 null": Fault(status=200, body="null"),
    "200 list": Fault(status=200, body="[1]"),
    "200 null id": Fault(status=200, body='{"id": null, "idstr": null, "uri": null, "publish_id": null}'),
    "200 odd types": Fault(status=200, body='{"id": {}, "idstr": [], "uri": 7, "publish_id": {"a": 1}}'),
    "200 huge id": Fault(status=200, body=f'{{"id": "{"9" * 10_000}", "uri": "{"x" * 10_000}"}}'),
    "200 deep": Fault(status=200, body="[" * 50_000),
    "400 unlisted": Fault(status=400, body='{"note": "no code that anybody knows"}'),
}


class LostAnswerRules(Hooks):
    """The call that must not be repeated, with an answer that proves nothing."""

    lost: ClassVar[Mapping[str, Fault]] = LOST

    @pytest.mark.parametrize("acts", [False, True], ids=["before it acted", "after it acted"])
    async def test_a_lost_answer_is_unknown_and_is_found_out(
        self, stage: Stage, lost_answer: str, acts: bool
    ) -> None:
        fault = self.lost[lost_answer].model_copy(update={"path": self.publish_path, "acts": acts})
        request, progress = stage.request(self.message(f"回执丢失：{lost_answer}")), Progress()
        await self._lose(stage, request, progress, fault)
        if isinstance(stage.adapter, Finder):
            await self._find(stage, request, acts=acts)
        await stage.recover(request, progress)
        assert len(self.published(stage.sandbox)) == 1

    async def _lose(self, stage: Stage, request: PublishRequest, progress: Progress, fault: Fault) -> None:
        stage.break_with(fault)
        adapter = stage.impatient if fault.behaviour is Behaviour.HANG else stage.adapter
        outcome = await stage.attempt(request, progress, adapter)
        assert stage.sandbox.faults.fired == 1, "the fault did not fire: is publish_path right?"
        assert isinstance(outcome, failures.OutcomeUnknown), outcome

    async def _find(self, stage: Stage, request: PublishRequest, *, acts: bool) -> None:
        found = await stage.find(request)
        posts = self.published(stage.sandbox)
        assert len(posts) == int(acts)
        if isinstance(found, Published):
            assert found.external_id == posts[0]["id"]
        else:
            assert isinstance(found, Absent | Undecidable)
            assert not posts, f"it is out, and the look-up says {found}"

    async def test_a_look_up_that_fails_proves_nothing(self, stage: Stage) -> None:
        adapter = stage.adapter
        if not isinstance(adapter, Finder):
            pytest.skip(f"{self.adapter.__name__} is no Finder")
        request = stage.request(self.message("查不到不等于没有"))
        await stage.settle(await stage.publish(request))
        for name, fault in LOST.items():
            if fault.behaviour is Behaviour.HANG:
                continue
            stage.break_with(fault.model_copy(update={"times": 100}))
            try:
                found: object = await adapter.find(request, request.created_at)
            except PlatformError as error:
                found = error.failure
            assert not isinstance(found, Absent), f"{name}: absent without proof"
            assert not isinstance(found, failures.OutcomeUnknown), "a look-up has no outcome"
            stage.mend()

    async def test_another_post_is_not_taken_for_it(self, stage: Stage) -> None:
        if not isinstance(stage.adapter, Finder):
            pytest.skip(f"{self.adapter.__name__} is no Finder")
        await stage.out(self.message("今天的第一条"))
        found = await stage.find(stage.request(self.message("今天的第二条，还没有发")))
        assert isinstance(found, Absent | Undecidable)

    async def test_not_sent_is_transient(self, stage: Stage) -> None:
        nobody = self.nobody(stage)
        outcome = await nobody.attempt(nobody.request(self.message("无人接听")))
        assert isinstance(outcome, failures.Transient), outcome

    async def test_every_error_status_is_a_failure_of_the_right_class(self, stage: Stage) -> None:
        wrong = []
        prepared = Progress()
        request = stage.request(self.message("状态码"), prepared)
        if isinstance(stage.adapter, Preparable):  # once: 200 uploads would prove nothing more
            await stage.adapter.prepare(request)
        for status in self.statuses:
            page = {"body": "<html>?</html>", "content_type": "text/html"}
            stage.break_with(Fault.model_validate({"path": self.publish_path, "status": status, **page}))
            progress = Progress(checkpoint=dict(prepared.checkpoint))
            outcome = await stage.attempt(request, progress)
            unproven = failures.RateLimited if status == 429 else failures.OutcomeUnknown
            right = self.proven_statuses.get(status, unproven)
            if not isinstance(outcome, right):
                wrong.append((status, outcome))
        assert stage.sandbox.faults.fired == len(self.statuses)
        assert not wrong
        assert not self.published(stage.sandbox)


class CrashRules(Hooks):
    """The process dies after a save, or before the outcome is stored; the next attempt starts from rows."""

    async def test_a_crash_after_any_save_makes_no_second_post(self) -> None:
        for save in range(1, 20):
            async with AsyncExitStack() as stack:
                if not await self._crash(await self._set(stack, self.account_options), save):
                    break
        else:
            raise AssertionError("20 saves for one post")
        assert save > 1 or not issubclass(self.adapter, Preparable), "what is prepared must be saved"

    async def _crash(self, stage: Stage, save: int) -> bool:
        """Die after save number `save` and go on; False where no such save comes."""
        # With a picture where the platform takes any, so that there is something to prepare.
        rule = self.adapter.capabilities.image
        media = tuple(self.file(rule.types[0], 2048) for _ in range(max(1, rule.required))) if rule else None
        message = self.message(f"第{save}次保存后断电", media=media)
        request, progress = stage.request(message), Progress(crash_at=save)
        try:
            await stage.publish(request, progress)
        except Crashed:
            progress.crash_at = 0
            await stage.recover(request, progress)
            assert len(self.published(stage.sandbox)) == 1, f"after save {save}"
            return True
        return False

    async def test_a_crash_before_the_outcome_is_stored_makes_no_second_post(self, stage: Stage) -> None:
        request, progress = stage.request(self.message("结果还没写下就断电")), Progress()
        await stage.publish(request, progress)
        await stage.recover(request, progress)
        assert len(self.published(stage.sandbox)) == 1
