"""The metrics service against a real database and sandbox platforms."""
