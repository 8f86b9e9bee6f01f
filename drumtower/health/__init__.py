"""Whether a process makes progress, and its figures: read from the database, told over HTTP."""
