"""The suite itself: no rule may hide another."""

from collections import Counter

from drumtower.testkit.conformance import AdapterConformance


def test_no_rule_hides_another() -> None:
    own = [name for rules in AdapterConformance.__mro__ for name in vars(rules) if not name.startswith("__")]
    twice = [name for name, count in Counter(own).items() if count > 1 and name != "stage"]
    assert not twice


def test_there_are_rules() -> None:
    assert len([name for name in dir(AdapterConformance) if name.startswith("test_")]) > 50
