"""The ad share: how much of what a channel says may sell."""
