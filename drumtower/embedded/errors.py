"""The one error that whoever starts an instance has to catch."""


class CannotStart(Exception):
    """Its message is for the person who tried: say it and exit 1. The other modules raise kinds of it."""
