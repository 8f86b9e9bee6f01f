"""Rules for what a preparation leaves behind: whatever became of it, it can be taken away, and only that."""

from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from drumtower.platforms import Discarder, PlatformError, Preparable, PublishRequest
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_stage import Crashed, Hooks, Progress, Stage


class CleaningRules(Hooks):
    """A post that will not go out leaves nothing on the platform."""

    async def test_what_was_prepared_is_taken_away_and_nothing_else(self, stage: Stage) -> None:
        adapter = self._discarder(stage)
        out = await stage.out(self.message("这一篇已经发了"))
        kept = await self._prepared(stage, stage.request(self.message("这一篇还要发")))
        before = self.prepared(stage.sandbox)
        dropped = await self._prepared(stage, stage.request(self.message("这一篇不发了")))
        assert len(self.prepared(stage.sandbox)) > len(before), (
            "prepare leaves nothing: no need of a Discarder"
        )
        for _ in range(2):
            await adapter.discard(stage.credentials, dropped)
            assert self.prepared(stage.sandbox) == before
        assert [post["id"] for post in self.published(stage.sandbox)] == [out.external_id]
        await adapter.discard(stage.credentials, kept)

    async def test_after_any_save_of_a_preparation_nothing_stays(self) -> None:
        for save in range(1, 20):
            async with AsyncExitStack() as stack:
                stage = await self._set(stack, self.account_options)
                adapter = self._discarder(stage)
                progress = Progress(crash_at=save)
                try:
                    await self._prepare(stage, stage.request(self.message("准备到一半")), progress)
                except Crashed:
                    await adapter.discard(stage.credentials, progress.checkpoint)
                    assert not self.prepared(stage.sandbox), f"after save {save}"
                    continue
                return
        raise AssertionError("20 saves for one preparation")

    async def test_a_platform_that_is_down_keeps_it_for_a_while(self, stage: Stage) -> None:
        adapter = self._discarder(stage)
        left = await self._prepared(stage, stage.request(self.message("平台不在")))
        stage.break_with(Fault(status=500, times=10))
        with pytest.raises(PlatformError):
            await adapter.discard(stage.credentials, left)
        stage.mend()
        await adapter.discard(stage.credentials, left)
        assert not self.prepared(stage.sandbox)

    def _discarder(self, stage: Stage) -> Discarder:
        if not isinstance(stage.adapter, Discarder):
            pytest.skip(f"{self.adapter.__name__} is no Discarder")
        return stage.adapter

    async def _prepared(self, stage: Stage, request: PublishRequest) -> dict[str, object]:
        progress = Progress()
        await self._prepare(stage, request, progress)
        return progress.checkpoint

    async def _prepare(self, stage: Stage, request: PublishRequest, progress: Progress) -> None:
        assert isinstance(stage.adapter, Preparable), "only what is prepared can be left behind"
        await stage.adapter.prepare(replace(request, save=progress.save))
