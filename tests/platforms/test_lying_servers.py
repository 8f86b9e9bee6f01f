"""Hostile inputs 93 and 94: a certificate for another name, and an answer that ends in the middle with no length."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drumtower import http
from drumtower.domain import failures
from drumtower.platforms import PlatformCalls, PlatformError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def certify(directory: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate for `name` that signs itself; return it, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = directory / "certificate.pem", directory / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, secret


async def ask(base_url: str) -> failures.Failure:
    """Make a call that publishes, and return how it failed."""
    async with http.client(allow_private=True) as client:
        calls = PlatformCalls(
            http=client, base_url=base_url, read_error=lambda response, body: None, rules={}
        )
        with pytest.raises(PlatformError) as raised:
            await calls.call("POST", "/send", once=True, json={"text": "秋茶"})
    return raised.value.failure


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
async def test_a_certificate_for_another_name_is_no_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pem, key = certify(tmp_path, name)
    trusting = ssl.create_default_context(cafile=pem)
    monkeypatch.setattr(http, "_certificates", lambda: trusting)
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        failure = await ask(f"https://localhost:{server.sockets[0].getsockname()[1]}")
    if name == "localhost":  # the right name gets through, so it is the name that is looked at
        assert isinstance(failure, failures.OutcomeUnknown)
        assert len(asked) == 1
    else:
        assert isinstance(failure, failures.Transient)
        assert "not sent" in failure.detail
        assert asked == []


@pytest.mark.parametrize("body", [b'{"id": "17', b'{"id"', b""])
async def test_an_answer_without_a_length_that_ends_early_proves_nothing(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        failure = await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert isinstance(failure, failures.OutcomeUnknown)
