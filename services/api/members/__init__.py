"""The team: members, what they may do, and who is invited."""
