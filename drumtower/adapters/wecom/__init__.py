"""WeCom 企业微信: a robot's messages to an internal group, and mass messages that a member confirms for customer groups."""
