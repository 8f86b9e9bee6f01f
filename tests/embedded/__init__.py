"""The embedded servers and the supervisor, with real processes that are really killed."""
