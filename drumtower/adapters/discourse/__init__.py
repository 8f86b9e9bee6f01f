"""Discourse, the software of many industry forums: topics, replies, moderation queue, webhooks, counters."""
