"""LinkedIn's versioned REST API as documented for pages and members; what is open is chosen the harder way."""

from drumtower.sandbox.linkedin.server import LinkedInSandbox

__all__ = ["LinkedInSandbox"]
