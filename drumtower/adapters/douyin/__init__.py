"""Douyin: videos and picture posts of an authorised account, comments, messages, statistics."""
