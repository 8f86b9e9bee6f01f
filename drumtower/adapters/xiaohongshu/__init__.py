"""Xiaohongshu 小红书 (RedNote): there is no API to publish notes with, so a person does, and figures are imported."""
