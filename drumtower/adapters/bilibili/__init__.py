"""Bilibili 哔哩哔哩: videos by the signed open platform API, reviewed in Bilibili's own time."""
