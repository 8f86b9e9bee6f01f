"""Kuaishou: videos of an authorised account, and their numbers; the open platform gives no comments and no messages."""
