"""A mail server for tests and demos."""

from drumtower.sandbox.email.server import EmailSandbox

__all__ = ["EmailSandbox"]
