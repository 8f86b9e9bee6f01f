"""LinkedIn: everything the conformance suite asks, with and without pictures."""

from drumtower.testkit.conformance import AdapterConformance
from drumtower.testkit.conformance_lost import CrashRules, LostAnswerRules
from tests.adapters.linkedin_stage import LinkedInHooks, Pictured


class TestLinkedIn(LinkedInHooks, AdapterConformance):
    """Texts: ours are known by words, author and time."""


class TestLinkedInPictures(Pictured, LostAnswerRules, CrashRules):
    """Pictures: ours are known by the URN of what was uploaded for them."""
