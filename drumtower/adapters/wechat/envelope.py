"""What proves that a callback is WeChat's: signatures, the time stamp, and the AES envelope of the safe mode.

Source: the official pages on message encryption; both worked examples of the facts are tests.
"""

import base64
from hmac import compare_digest
from xml.etree.ElementTree import Element, ParseError

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import ElementTree

from drumtower.platforms import Credentials, WebhookRefused, WebhookRequest
from drumtower.platforms.signatures import check_size, check_sorted

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


def opened(request: WebhookRequest, credentials: Credentials) -> Element:
    """Return the verified XML of a callback: plain, compatible or safe mode.

    A channel with an EncodingAESKey takes nothing plain, because a plain signature does not cover the body; of the
    compatible mode it reads the encrypted part only.
    """
    check_size(request)
    key = credentials.values.get("encoding_aes_key")
    if not key:
        check_sorted(request, credentials["token"])
    outer = _parsed(request.body)
    encrypted = outer.findtext("Encrypt")
    if not key and (encrypted is None or outer.find("MsgType") is not None):
        return outer
    if not key or encrypted is None:
        held = "holds no EncodingAESKey" if not key else "takes no plain text"
        raise WebhookRefused("encryption_required", f"the channel {held}; set both sides to the same mode")
    check_sorted(request, credentials["token"], encrypted, name="msg_signature")
    return _parsed(_decrypted(encrypted, key, credentials["app_id"]))


def _parsed(body: bytes) -> Element:
    try:
        return ElementTree.fromstring(body, forbid_dtd=True)
    # Forbidden constructs and unknown encodings are ValueErrors or LookupErrors; all of it is malformed.
    except (ParseError, ValueError, LookupError) as error:
        raise WebhookRefused("body_malformed", f"no XML for us: {type(error).__name__}") from error


def _decrypted(encrypted: str, encoded_key: str, app_id: str) -> bytes:
    try:
        key, sealed = aes_key(encoded_key), base64.b64decode(encrypted, validate=True)
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_IV])).decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
    except ValueError as error:
        raise WebhookRefused("body_malformed", "the encrypted part can't be decrypted") from error
    content = _unpadded(padded)
    size = int.from_bytes(content[_RANDOM : _RANDOM + _LENGTH], "big")
    xml, owner = content[_RANDOM + _LENGTH :][:size], content[_RANDOM + _LENGTH + size :]
    if not xml or len(xml) != size:
        raise WebhookRefused("body_malformed", "the encrypted part is cut short")
    if not compare_digest(owner, app_id.encode()):
        raise WebhookRefused("appid_mismatch", "the encrypted part is meant for another AppID")
    return xml


def _unpadded(padded: bytes) -> bytes:
    pad = padded[-1] if padded else 0
    if not 1 <= pad <= min(_BLOCK, len(padded)) or padded[-pad:] != bytes([pad]) * pad:
        raise WebhookRefused("body_malformed", "the padding is wrong")
    return padded[:-pad]
