"""Weibo 微博 for a normal audited app: statuses, comments, mentions, fan-service messages, counters."""
