"""Weibo's wire format as documented for a normal audited app; what is open is chosen the harder way."""

from drumtower.sandbox.weibo.server import WeiboSandbox

__all__ = ["WeiboSandbox"]
