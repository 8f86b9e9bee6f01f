"""What people say to us on a platform."""

from enum import StrEnum


class InteractionKind(StrEnum):
    """How it was said."""

    COMMENT = "comment"
    MESSAGE = "message"
    MENTION = "mention"


class InteractionStatus(StrEnum):
    """Where an interaction stands with us."""

    OPEN = "open"
    PENDING = "pending"  # waits for the other side
    RESOLVED = "resolved"
    SPAM = "spam"


class Sentiment(StrEnum):
    """How it feels."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Intent(StrEnum):
    """What the person wants."""

    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    QUESTION = "question"
    PRAISE = "praise"
    PURCHASE = "purchase"
    SPAM = "spam"
