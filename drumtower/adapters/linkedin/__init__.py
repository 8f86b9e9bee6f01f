"""LinkedIn: posts of company pages and of persons, comments, notifications, statistics."""
