"""The WeChat sandbox: tokens, drafts, free publishes, callbacks, comments, customer messages and datacube."""

from drumtower.sandbox.wechat.sandbox import WeChatSandbox

__all__ = ["WeChatSandbox"]
