"""All long runs by name: what each plays, and which promises it proves."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.faults.answers import answers
from tests.faults.cancels import cancels
from tests.faults.clocks import downtime, skews
from tests.faults.cuts import cuts
from tests.faults.disks import full_database, full_media
from tests.faults.doors import commits, crowd, leavers
from tests.faults.field import Size
from tests.faults.hostile import hostile
from tests.faults.kills import kills
from tests.faults.lags import lags
from tests.faults.lifecycle import lifecycle
from tests.faults.outages import bell_gone, flushes, hints, postgres, stale_hints
from tests.faults.outbox import interleavings
from tests.faults.pauses import blocks, crowded, pauses
from tests.faults.points import points
from tests.faults.poison import poison
from tests.faults.races import disconnects, editors, revoked
from tests.faults.renewals import renewals
from tests.faults.report import Report
from tests.faults.restores import restores
from tests.faults.soak import soak
from tests.faults.sockets import descriptors
from tests.faults.stops import hurry, stops
from tests.faults.sweeps import silence, sweeps
from tests.faults.targets import targets
from tests.faults.texts import texts
from tests.faults.tokens import tokens
from tests.faults.upgrades import upgrades
from tests.faults.world import World

Play = Callable[[World, Size], Coroutine[Any, Any, Report]]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `promise` is what a reader of the reference page gets to know."""

    play: Play
    promise: str


RUNS: dict[str, Run] = {
    "kills": Run(kills, "kill -9 under load loses nothing and doubles nothing"),
    "naive": Run(
        partial(kills, naive=True), "the same run finds doubles where unknown outcomes are sent again"
    ),
    "pauses": Run(pauses, "a scheduler that sleeps beyond its lease sends nothing when it wakes"),
    "crowded": Run(
        crowded, "the same among six schedulers that share many posts, two of them asleep at a time"
    ),
    "blocks": Run(blocks, "an event loop that stands still for five seconds is told of, and loses no lease"),
    "unguarded": Run(
        partial(pauses, unguarded=True),
        "the same run finds a double where the lease is not looked at before sending",
    ),
    "answers": Run(
        answers, "a platform acts, and its answer lies, breaks off or never comes: nothing is sent twice"
    ),
    "points": Run(points, "a crash at any named point of a delivery's way loses and doubles nothing"),
    "texts": Run(texts, "of equal texts on one account, each finds its own post"),
    "lags": Run(lags, "a look that finds nothing is believed only when the platform's lists can be"),
    "trusting": Run(
        partial(lags, trusting=True), "the same run finds doubles where the first look is believed"
    ),
    "targets": Run(
        targets, "of eight channels, five wait for neither the one that hangs nor the one that refuses"
    ),
    "cancels": Run(cancels, "what was cancelled, as the API says, is never published"),
    "expired": Run(tokens, "many posts of one account buy one token when the old one has run out"),
    "voided": Run(
        partial(tokens, voided=True), "many posts of one account buy one token when the platform voids it"
    ),
    "renewals": Run(renewals, "kill -9 in the middle of a token's renewal loses no account"),
    "skews": Run(skews, "nothing leaves before it is due, however wrong a scheduler's clock is"),
    "jumps": Run(
        partial(skews, jumping=True),
        "clocks that jump an hour or drift send nothing early, and nothing twice",
    ),
    "downtime": Run(
        downtime, "after 26 hours without a scheduler every delivery is handled by its late policy"
    ),
    "postgres": Run(postgres, "PostgreSQL stopping at once under load loses nothing and doubles nothing"),
    "flushes": Run(flushes, "Redis emptied again and again costs no post, and no more time than a sweep"),
    "bell_gone": Run(bell_gone, "without Redis posts go out by the clock; it is heard again when it is back"),
    "stale_hints": Run(stale_hints, "hints that come back from an old snapshot of Redis move nothing"),
    "hints": Run(hints, "a hundred hints for every post are a hundred hints for nothing"),
    "full_database": Run(
        full_database, "PostgreSQL without room on its disk loses nothing, and all goes on when there is room"
    ),
    "full_media": Run(full_media, "a media store without room turns uploads away, and keeps no half of one"),
    "descriptors": Run(descriptors, "clients that never finish a request shut nobody else out"),
    "soak": Run(
        soak, "under load for long, with a fault every twenty seconds, nothing is lost and nothing grows"
    ),
    "cuts": Run(cuts, "the network to PostgreSQL cut while platforms have posts doubles nothing"),
    "commits": Run(
        commits, "a request whose COMMIT's answer got lost makes one thing, however often it is repeated"
    ),
    "crowd": Run(crowd, "more clients than connections are told when to come again; nobody waits for ever"),
    "leavers": Run(leavers, "clients that hang up leave no transaction and no connection behind"),
    "interleavings": Run(
        interleavings, "what commits late is told all the same, whatever was told meanwhile"
    ),
    "sweeps": Run(sweeps, "with its sweeper killed again and again, the sweep never rests for ten seconds"),
    "silence": Run(silence, "with every scheduler gone, readiness fails within half a minute"),
    "stops": Run(stops, "rolling restarts end in peace, and nobody has to be asked"),
    "hurry": Run(hurry, "a second SIGTERM ends a scheduler whose sends hang"),
    "restores": Run(
        restores, "what went out after a backup does not go out again when the backup is restored"
    ),
    "trusted_backup": Run(
        partial(restores, trusting=True),
        "the same run finds doubles where nobody says that it is a backup",
    ),
    "upgrades": Run(
        upgrades, "a migration under load keeps nobody waiting, and two releases side by side double nothing"
    ),
    "poison": Run(poison, "rows that nobody can send are seen by a person, and hold up no other"),
    "lifecycle": Run(
        lifecycle, "lives that Hypothesis invents end with one post at most, and a truthful row"
    ),
    "disconnects": Run(
        disconnects, "a channel disconnected while it publishes: each post is out, or held with the reason"
    ),
    "revoked": Run(revoked, "a token revoked in mid-upload is renewed, and every post goes out"),
    "editors": Run(editors, "of editors who save at once one wins, and the others are told"),
    "hostile": Run(hostile, "hostile answers of platforms end where somebody sees what happened"),
}
