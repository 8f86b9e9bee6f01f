"""The workspace's settings and policies."""
