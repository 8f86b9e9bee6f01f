"""Weibo 微博 for a normal audited app: statuses/share, comments, mentions, fan-service messages and counters."""
