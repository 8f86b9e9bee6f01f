"""A feed as iCalendar (RFC 5545): the library escapes, folds and writes the zones."""

from collections.abc import Iterable
from datetime import date, timedelta

from icalendar import Calendar, Event

from drumtower.domain.feeds import Entry
from drumtower.domain.text import without_controls

PRODID = "-//Drumtower//Calendar//EN"
# How often calendars should look again.
REFRESH = timedelta(hours=1)


def write(name: str, entries: Iterable[Entry], timezone: str) -> bytes:
    """Return the calendar; equal entries give equal bytes."""
    calendar = Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", without_controls(name))
    calendar.add("x-wr-calname", without_controls(name))
    calendar.add("x-wr-timezone", timezone)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    years = set()
    for entry in entries:
        calendar.add_component(_event(entry))
        years.add((entry.at or entry.first or entry.changed_at).year)
    if years:  # whole years, so that the zones do not change from day to day
        calendar.add_missing_timezones(
            first_date=date(min(years), 1, 1), last_date=date(max(years) + 1, 1, 1)
        )
    return bytes(calendar.to_ical())


def _event(entry: Entry) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("sequence", entry.revision)
    if entry.at is not None:
        event.add("dtstart", entry.at)  # no end: it happens at that moment
    elif entry.first is not None and entry.last is not None:
        event.add("dtstart", entry.first)
        event.add("dtend", entry.last + timedelta(days=1))  # the first day after it
    event.add("summary", without_controls(entry.title))
    if entry.note:
        event.add("description", without_controls(entry.note))
    event.add("categories", [entry.kind.value])
    event.add("transp", "TRANSPARENT")  # nobody's time is taken
    return event
