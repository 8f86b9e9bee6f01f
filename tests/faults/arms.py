"""What a scheduler of the rig may do other than a real one; each is off unless the run asks for it."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Arms(BaseSettings):
    """Read from the environment (prefix FAULTS_) by each forked scheduler."""

    model_config = SettingsConfigDict(env_prefix="FAULTS_", extra="ignore", frozen=True)

    # Sandboxes show a write at once and publish within a second: waiting as for real platforms proves nothing.
    read_lag: float | None = None
    poll_after: float | None = None
    # Mutations: the guard is off, and the run must go red.
    naive: bool = False  # an unknown outcome is sent again instead of looked up
    no_deadline: bool = False  # bytes leave however old the lease is
    # Faults inside the process.
    crash: str = ""  # the named point at which the process ends itself, see crashes.py
    crash_skip: int = 0  # how often that point is passed unharmed first
    linger: float = 0.0  # seconds between the commit of the intent and the call: what SIGSTOP must hit
    hasty_retries: bool = False  # back-off in milliseconds, so that eight attempts fit into a run
    skew: float = 0.0  # seconds by which this process's wall clock is ahead
    skew_after: float = 0.0  # seconds after its start from which on it is
    drift: float = 0.0  # seconds that this clock gains every second
    block: float = 0.0  # seconds for which the event loop stands still at every twentieth send
    fired: Path | None = None  # where a fault says that it fired
