"""Best times: when a channel's posts did best."""
