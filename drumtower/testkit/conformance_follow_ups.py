"""Rules for what follows a post of ours: each part hangs on the one before, once, and is found again."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from drumtower.domain.interactions import InteractionKind
from drumtower.platforms import Published, Replier, ReplyFinder, ReplyRequest
from drumtower.testkit.conformance_stage import Hooks, Stage


class FollowUpRules(Hooks):
    """As the core sends them: from what was published with the part before, and from nothing else."""

    async def test_what_follows_hangs_on_the_part_before_once(self, stage: Stage) -> None:
        rule, adapter = stage.adapter.capabilities.follow_up, stage.adapter
        if rule is None:
            pytest.skip(f"{self.adapter.__name__} takes nothing after a post")
        assert isinstance(adapter, Replier)
        post = before = await stage.out(self.message("第一条"))
        for number in range(2 if rule.option == "thread" else 1):
            request = self._after(stage, post, before, f"接着说，第{number + 2}条")
            out = await adapter.reply(request)
            assert self._hanging_on(stage, before) == [out.external_id]
            if isinstance(adapter, ReplyFinder):
                found = await adapter.find_reply(request, request.created_at)
                assert isinstance(found, Published)
                assert found.external_id == out.external_id
                assert found.context == out.context, "what comes next must hang on it either way"
            before = out
        assert [row["id"] for row in self.published(stage.sandbox)] == [post.external_id]

    def _after(self, stage: Stage, post: Published, before: Published, text: str) -> ReplyRequest:
        return ReplyRequest(
            credentials=stage.credentials,
            text=text,
            kind=InteractionKind.COMMENT,
            external_id=before.external_id,
            author_id=stage.credentials.account_id,
            post_external_id=post.external_id,
            context=before.context,
            idempotency_key=uuid4().hex,
            created_at=datetime.now(UTC),
        )

    def _hanging_on(self, stage: Stage, before: Published) -> list[str]:
        rows = stage.sandbox.store.all("comments")
        return [
            row["id"] for row in rows if before.external_id in (row.get("in_reply_to") or row.get("post"),)
        ]
