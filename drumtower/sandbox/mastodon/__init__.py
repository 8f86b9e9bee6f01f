"""A Mastodon server's wire format."""

from drumtower.sandbox.mastodon.sandbox import MastodonSandbox

__all__ = ["MastodonSandbox"]
