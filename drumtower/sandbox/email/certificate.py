"""A certificate for localhost that vouches for itself: who is to trust the server gets it as an authority."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Where it and its key are, as PEM."""

    public: Path
    key: Path


def certificate_at(directory: Path) -> Certificate:
    """Return the certificate that is kept there; made on the first call."""
    kept = Certificate(public=directory / "email.crt", key=directory / "email.key")
    if not (kept.public.exists() and kept.key.exists()):
        directory.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        kept.key.touch(mode=0o600)
        kept.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        kept.public.write_bytes(_signed(key).public_bytes(serialization.Encoding.PEM))
    return kept


def _signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
