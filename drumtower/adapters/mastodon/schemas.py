"""What is read of a server's answers, and a status's HTML as the text it was written as."""

from pydantic import AwareDatetime

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Answer, Count, Id
from drumtower.platforms.markup import as_text


class Account(Answer):
    """An account. `id` is this server's own number for it, `url` is the same everywhere."""

    id: Id
    acct: str
    url: Id
    display_name: str = ""
    followers_count: Count = None


class Status(Answer):
    """A status, ours or another's."""

    id: Id
    created_at: AwareDatetime
    account: Account
    content: str = ""
    url: str | None = None
    visibility: str = "public"
    in_reply_to_id: Id | None = None
    in_reply_to_account_id: Id | None = None
    favourites_count: Count = None
    replies_count: Count = None
    reblogs_count: Count = None

    @property
    def text(self) -> str:
        """The text without markup; links keep their address, mentions their name."""
        return as_text(self.content)

    def given(self) -> dict[Metric, int | None]:
        return {
            Metric.LIKES: self.favourites_count,
            Metric.COMMENTS: self.replies_count,
            Metric.SHARES: self.reblogs_count,
        }


class Notification(Answer):
    """A mention; answers to our statuses are mentions too."""

    id: Id
    status: Status | None = None


class Attachment(Answer):
    """An uploaded file."""

    id: Id
