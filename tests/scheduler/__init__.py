"""The scheduler on a real database, against sandboxes over HTTP."""
