"""Settings, read once at a process's start from the environment (prefix DRUMTOWER_) and passed on."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PLACEHOLDERS = {"", "changeme", "change-me", "secret"}


class Settings(BaseSettings):
    """Everything an operator may set; `.env.example` lists it, docs/reference/settings.md explains it."""

    model_config = SettingsConfigDict(env_prefix="DRUMTOWER_", env_file=".env", extra="ignore", frozen=True)

    environment: Literal["production", "local"] = "production"
    database_url: str = Field(validation_alias=AliasChoices("DRUMTOWER_DATABASE_URL", "DATABASE_URL"))
    redis_url: str = Field(validation_alias=AliasChoices("DRUMTOWER_REDIS_URL", "REDIS_URL"))
    # Fernet keys, newest first, separated by commas: the first encrypts, all decrypt.
    secret_keys: SecretStr
    public_url: str = "http://127.0.0.1:8000"
    storage_dir: Path = Path(".state/assets")
    # Sandboxes and self-hosted servers live on private addresses; nobody else's base_url may.
    allow_private_addresses: bool = False
    cors_origins: tuple[str, ...] = ()
    requests_per_minute: int = Field(default=1200, ge=1)
    largest_body: int = Field(default=1024 * 1024, ge=1024)
    largest_asset: int = Field(default=20 * 1024 * 1024, ge=1024)

    dispatch_every: timedelta = timedelta(seconds=1)
    lease: timedelta = timedelta(seconds=60)
    prepare_ahead: timedelta = timedelta(minutes=10)
    # How long an unknown outcome rests before "absent" may mean "send again".
    reconcile_grace: timedelta = timedelta(seconds=60)
    platform_concurrency: int = Field(default=20, ge=1)
    feedback_every: timedelta = timedelta(minutes=1)
    # A rehearsal samples at this fixed interval instead of the decaying plan.
    sampling_rehearsal: timedelta | None = None

    @field_validator("database_url")
    @classmethod
    def _asyncpg(cls, url: str) -> str:
        for scheme in ("postgresql://", "postgres://"):
            if url.startswith(scheme):
                return "postgresql+asyncpg://" + url.removeprefix(scheme)
        return url

    @field_validator("secret_keys")
    @classmethod
    def _real_keys(cls, keys: SecretStr) -> SecretStr:
        if keys.get_secret_value().strip().lower() in _PLACEHOLDERS:
            raise ValueError("set DRUMTOWER_SECRET_KEYS to a Fernet key (drumtower key new)")
        return keys
