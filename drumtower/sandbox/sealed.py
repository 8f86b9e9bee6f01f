"""Tencent's XML and its AES envelope, as the platform makes them.

Written here on its own, from the documentation, so that a slip of the adapters' can't hide in it.
"""

import base64
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def cdata(tag: str, text: str) -> str:
    """An XML field of text; a CDATA end inside it is split over two sections."""
    return f"<{tag}><![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]></{tag}>"


def element(tag: str, value: object) -> str:
    return f"<{tag}>{value}</{tag}>"


def sign(*parts: str) -> str:
    """Hex SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(xml: str, encoding_aes_key: str, app_id: str, noise: bytes) -> str:
    """Seal `xml` for `app_id`; `noise` are the 16 leading bytes."""
    key = base64.b64decode(encoding_aes_key + "=")
    text = xml.encode()
    plain = noise + len(text).to_bytes(4, "big") + text + app_id.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()
