"""A WordPress site's wire format."""

from drumtower.sandbox.wordpress.sandbox import WordPressSandbox

__all__ = ["WordPressSandbox"]
