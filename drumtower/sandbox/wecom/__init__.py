"""A WeCom 企业微信 for tests and demos."""

from drumtower.sandbox.wecom.server import WeComSandbox

__all__ = ["WeComSandbox"]
