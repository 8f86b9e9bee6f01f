"""XML callbacks, and the AES envelope that Tencent seals them in: WeChat's safe mode, every callback of WeCom.

Source: the official pages on message encryption; the worked examples of the facts are tests.
"""

import base64
from hmac import compare_digest
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import ElementTree

from drumtower.platforms.base import WebhookRefused

_KEY_CHARACTERS, _KEY_BYTES = 43, 32
_BLOCK = 32  # of the PKCS#7 padding; AES's own block is 16
_IV, _RANDOM, _LENGTH = 16, 16, 4


def aes_key(encoded: str) -> bytes:
    """Return the 32 bytes of an EncodingAESKey; raise ValueError where it is none.

    The last character may leave spare bits; Python's decoder takes that, a strict one would not.
    """
    key = base64.b64decode(f"{encoded}=") if len(encoded) == _KEY_CHARACTERS and encoded.isascii() else b""
    if len(key) != _KEY_BYTES:
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return key


def parsed(body: bytes) -> Element:
    """Read a callback's XML; raise WebhookRefused for anything else, entities and DTDs too."""
    try:
        return ElementTree.fromstring(body, forbid_dtd=True)
    # Forbidden constructs and unknown encodings are ValueErrors or LookupErrors; all of it is malformed.
    except (ParseError, ValueError, LookupError) as error:
        raise WebhookRefused("body_malformed", f"no XML for us: {type(error).__name__}") from error


def unsealed(encrypted: str, encoded_key: str, owner: str) -> bytes:
    """Open what was sealed for `owner` (an AppID, a corp id); raise WebhookRefused where it was not."""
    try:
        key, sealed = aes_key(encoded_key), base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_IV])).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
    except ValueError as error:
        raise WebhookRefused("body_malformed", "the encrypted part can't be decrypted") from error
    content = _unpadded(padded)
    size = int.from_bytes(content[_RANDOM : _RANDOM + _LENGTH], "big")
    message, meant = content[_RANDOM + _LENGTH :][:size], content[_RANDOM + _LENGTH + size :]
    if not message or len(message) != size:
        raise WebhookRefused("body_malformed", "the encrypted part is cut short")
    if not compare_digest(meant, owner.encode()):
        raise WebhookRefused("appid_mismatch", "the encrypted part is meant for another account")
    return message


def _unpadded(padded: bytes) -> bytes:
    pad = padded[-1] if padded else 0
    if not 1 <= pad <= min(_BLOCK, len(padded)) or padded[-pad:] != bytes([pad]) * pad:
        raise WebhookRefused("body_malformed", "the padding is wrong")
    return padded[:-pad]
