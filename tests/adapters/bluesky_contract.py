"""What a Bluesky server does, checked on our sandbox and on a real PDS alike, so that the sandbox can't drift.

Left out, because a PDS alone lacks it (it is the AppView's): notifications, counts, profiles, feeds; they are checked
on the sandbox only. Left out too, because servers differ: pictures between 1 MB (PDS 0.4) and 2 MB (0.5), and what a
query without its parameters is answered (PDS 0.4.217 says 500).
"""

from tests.adapters.bluesky_publishing import PublishingContract
from tests.adapters.bluesky_records import BlobContract, RecordContract
from tests.adapters.bluesky_sessions import LimitContract, SessionContract


class BlueskyContract(SessionContract, RecordContract, BlobContract, LimitContract, PublishingContract):
    """All of it, and our adapter on top."""
