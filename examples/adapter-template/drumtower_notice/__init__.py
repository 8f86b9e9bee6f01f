"""Drumtower on Notice, an invented platform."""
