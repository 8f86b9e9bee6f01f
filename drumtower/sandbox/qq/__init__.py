"""QQ's bot platform for tests and demos."""

from drumtower.sandbox.qq.server import QQSandbox

__all__ = ["QQSandbox"]
