"""WeChat Official Account 微信公众号: a draft, then a free publish that the platform confirms later."""
