"""Drumtower: what more than one service needs, and all that an adapter author installs."""
