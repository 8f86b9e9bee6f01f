"""Kuaishou's open platform: its wire format, with a review that takes its time and may refuse."""

from drumtower.sandbox.kuaishou.server import KuaishouSandbox

__all__ = ["KuaishouSandbox"]
