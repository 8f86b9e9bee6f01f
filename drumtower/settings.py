"""Settings, read once at a process's start from the environment (prefix DRUMTOWER_) and passed on."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, FilePath, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

_PLACEHOLDERS = {"", "changeme", "change-me", "secret"}


class Settings(BaseSettings):
    """Everything an operator may set; `.env.example` lists it, docs/reference/settings.md explains it."""

    model_config = SettingsConfigDict(env_prefix="DRUMTOWER_", env_file=".env", extra="ignore", frozen=True)

    environment: Literal["production", "local"] = Field(
        default="production", description="`local` is a rehearsal on this machine."
    )
    database_url: str = Field(
        validation_alias=AliasChoices("DRUMTOWER_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL: `postgresql://user:password@host/name`. `DATABASE_URL` does too.",
    )
    redis_url: str = Field(
        validation_alias=AliasChoices("DRUMTOWER_REDIS_URL", "REDIS_URL"),
        description="Redis or Valkey: `redis://host:6379/0`. `REDIS_URL` does too. While it is away, work goes on.",
    )
    secret_keys: SecretStr = Field(
        description="Keys that encrypt credentials at rest (`drumtower key new`), newest first, separated by commas:"
        " the first encrypts, all decrypt. Lose them, and every channel must be connected again."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="Where clients and platforms reach the API: short links and webhook addresses start with it.",
    )
    storage_dir: Path = Field(
        default=Path(".state/assets"), description="Where the files of assets are kept, without a bucket."
    )
    s3_bucket: str | None = Field(
        default=None, description="The S3 bucket that keeps the files of assets instead of a directory."
    )
    s3_endpoint: str | None = Field(
        default=None,
        description="The address of a server that speaks S3, such as MinIO; without one, Amazon's.",
    )
    s3_region: str = Field(default="us-east-1", description="The bucket's region.")
    s3_access_key_id: str | None = Field(
        default=None, description="The key for the bucket; without one, that of the machine (its role)."
    )
    s3_secret_access_key: SecretStr = Field(default=SecretStr(""), description="The key's secret.")
    allow_private_addresses: bool = Field(
        default=False,
        description="Whether a channel's `base_url` may lead to a private address, as sandboxes have."
        " Never in production: members could reach what only this machine may.",
    )
    mail_authority: FilePath | None = Field(
        default=None,
        description="A PEM file with the authority that vouches for your own mail server, beside the machine's.",
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description='Origins whose pages may call the API, as JSON: `["https://desk.example"]`.'
    )
    requests_per_minute: int = Field(
        default=1200, ge=1, description="How many a credential or address may send."
    )
    largest_body: int = Field(default=1024 * 1024, ge=1024, description="The largest JSON body, in bytes.")
    largest_import: int = Field(
        default=32 * 1024 * 1024,
        ge=1024,
        description="The largest import of posts, in bytes of its JSON body.",
    )
    largest_asset: int = Field(
        default=20 * 1024 * 1024, ge=1024, description="The largest picture that may be uploaded, in bytes."
    )
    largest_document: int = Field(
        default=100 * 1024 * 1024, ge=1024, description="The largest document that may be uploaded, in bytes."
    )
    largest_recording: int = Field(
        default=1024 * 1024 * 1024,
        ge=1024,
        description="The largest video or sound that may be uploaded, in bytes. It takes three times its room on disk"
        " while it comes in.",
    )

    probe_address: str | None = Field(
        default=None,
        pattern=r"^\S+:\d{1,5}$",
        description="Where the scheduler and metrics processes answer `/health/live`, `/health/ready` and `/metrics`,"
        " such as `0.0.0.0:9100`; each process on a machine needs its own. The API answers all three itself.",
    )

    dispatch_every: timedelta = Field(
        default=timedelta(seconds=1), description="How often the scheduler looks for deliveries that are due."
    )
    lease: timedelta = Field(
        default=timedelta(seconds=60), description="After how long a silent scheduler's work is taken over."
    )
    prepare_ahead: timedelta = Field(
        default=timedelta(minutes=10), description="How long before it is due a delivery's media is uploaded."
    )
    reconcile_grace: timedelta = Field(
        default=timedelta(seconds=60),
        description="How long an unknown outcome rests before 'not there' may mean 'send again'.",
    )
    series_ahead: timedelta = Field(
        default=timedelta(days=14),
        ge=timedelta(hours=1),
        description="How far ahead series plan their deliveries.",
    )
    release_gap: timedelta = Field(
        default=timedelta(minutes=1),
        ge=timedelta(seconds=1),
        description="How far apart a channel's posts leave at least that a freeze held back.",
    )
    release_answer_gap: timedelta = Field(
        default=timedelta(seconds=5),
        ge=timedelta(seconds=1),
        description="The same for its replies and messages.",
    )
    platform_concurrency: int = Field(
        default=20, ge=1, description="How many sends to one platform run at once."
    )
    channel_concurrency: int = Field(
        default=5,
        ge=1,
        description="How many sends on one channel run at once, so that none fills its platform's places.",
    )
    documented_limits: bool = Field(
        default=True,
        description="Whether the rates and quotas that platforms document bind (docs/reference/limits.md)."
        " A limit that a platform tells with its answers always binds.",
    )
    breaker_rest: timedelta = Field(
        default=timedelta(seconds=30),
        ge=timedelta(),
        description="How long a platform or channel that fails is left alone at first; 0 switches breakers off.",
    )
    feedback_every: timedelta = Field(
        default=timedelta(minutes=1),
        description="How often feedback is pulled where platforms do not push it.",
    )
    sampling_rehearsal: timedelta | None = Field(
        default=None,
        description="For rehearsals: sample metrics at this fixed interval instead of the plan that decays.",
    )

    @property
    def largest_file(self) -> int:
        """The largest upload of any kind, in bytes."""
        return max(self.largest_asset, self.largest_document, self.largest_recording)

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


def reference() -> str:
    """Write docs/reference/settings.md: every setting with its default, as Markdown."""
    rows = [f"| `{name}` | {_shown(field)} | {field.description} |" for name, field in _fields()]
    return "\n".join(
        [
            "# Settings",
            "",
            "Made from `drumtower/settings.py`. Set them in the environment, or in a file `.env` (see `.env.example`).",
            "Lengths of time are ISO 8601 (`PT30S`, `PT10M`) or a number of seconds.",
            "",
            "| name | default | |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def example() -> str:
    """Write .env.example: what must be set, and the defaults of what may be."""
    lines = ["# Made from drumtower/settings.py; docs/reference/settings.md explains it."]
    for name, field in _fields():
        line = f"{name}=" if field.is_required() else f"# {name}={_plain(field.default)}"
        lines += ["", f"# {field.description}", line]
    return "\n".join([*lines, ""])


def _fields() -> list[tuple[str, FieldInfo]]:
    """Return each setting with its name in the environment."""
    return [(f"DRUMTOWER_{name.upper()}", field) for name, field in Settings.model_fields.items()]


def _shown(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return f"`{_plain(field.default)}`" if field.default is not None else "none"


def _plain(value: object) -> str:
    """Write a default as the environment takes it."""
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():.0f}S"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return json.dumps(value)
    return "" if value is None else str(value)
