"""Discourse's wire format, by its API document and its source; what is open is chosen the harder way."""

from drumtower.sandbox.discourse.server import DiscourseSandbox

__all__ = ["DiscourseSandbox"]
