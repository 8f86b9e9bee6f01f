"""Douyin's open platform: its wire format, with a public that answers and a review that may refuse."""

from drumtower.sandbox.douyin.server import DouyinSandbox

__all__ = ["DouyinSandbox"]
