"""Rules for who follows: people in the declared dimensions, nothing invented, a refusal that says so."""

import pytest

from drumtower.domain.audience_profiles import shares
from drumtower.platforms import AudienceSource, PlatformError
from drumtower.sandbox.faults import Fault
from drumtower.testkit.conformance_stage import Hooks, Stage


class AudienceRules(Hooks):
    """The audience of an account with followers enough."""

    def _told(self, stage: Stage) -> AudienceSource:
        if not isinstance(stage.adapter, AudienceSource):
            pytest.skip(f"{self.adapter.__name__} is no AudienceSource")
        return stage.adapter

    async def test_the_audience_comes_in_declared_dimensions(self, stage: Stage) -> None:
        source = self._told(stage)
        await stage.public("follow", account=stage.account, count=5000)
        told = await source.audience(stage.credentials)
        assert told.as_of is None or told.as_of.tzinfo is not None
        assert set(told.people) == set(stage.adapter.capabilities.audience_dimensions)
        for people in told.people.values():
            found = shares(people, told.total)
            assert people
            assert 0 < sum(found.values.values()) + (found.unknown or 0) <= 1

    async def test_a_refused_audience_says_so(self, stage: Stage) -> None:
        source = self._told(stage)
        for status in (401, 403, 429, 500):
            stage.break_with(Fault(status=status, times=100))
            with pytest.raises(PlatformError):
                await source.audience(stage.credentials)
            stage.mend()
