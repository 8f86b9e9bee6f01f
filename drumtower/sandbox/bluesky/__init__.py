"""A Bluesky PDS with its AppView: XRPC as PDS 0.4.217 answers it (the contract suite runs against both), lexicons of 0.5."""

from drumtower.sandbox.bluesky.server import BlueskySandbox

__all__ = ["BlueskySandbox"]
