"""The calendar: what is planned for which day."""
