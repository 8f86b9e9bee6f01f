"""Posts: written, checked, reviewed, scheduled."""
