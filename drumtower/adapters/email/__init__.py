"""E-mail: a newsletter to the recipients of a channel, over SMTP."""
