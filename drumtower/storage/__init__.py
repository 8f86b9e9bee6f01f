"""Where files live: one port, a local directory or an S3 bucket behind it."""

from drumtower.settings import Settings
from drumtower.storage.local import LocalStorage
from drumtower.storage.port import Storage

__all__ = ["LocalStorage", "Storage", "storage_of"]


def storage_of(settings: Settings) -> Storage:
    """Return the bucket where one is named, else the directory."""
    if settings.s3_bucket is None:
        return LocalStorage(settings.storage_dir)
    # Its client takes 4 MB of every process, and most installations have no bucket.
    from drumtower.storage.s3 import S3Storage  # noqa: PLC0415 - as said above

    return S3Storage(
        bucket=settings.s3_bucket,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        key_id=settings.s3_access_key_id,
        secret=settings.s3_secret_access_key.get_secret_value(),
    )
