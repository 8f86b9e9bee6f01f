"""What proves that a callback is WeChat's: signatures, the time stamp, and the AES envelope of the safe mode."""

from xml.etree.ElementTree import Element

from drumtower.platforms import Credentials, WebhookRefused, WebhookRequest
from drumtower.platforms.sealed import parsed, unsealed
from drumtower.platforms.signatures import check_size, check_sorted


def opened(request: WebhookRequest, credentials: Credentials) -> Element:
    """Return the verified XML of a callback: plain, compatible or safe mode.

    A channel with an EncodingAESKey takes nothing plain, because a plain signature does not cover the body; of the
    compatible mode it reads the encrypted part only.
    """
    check_size(request)
    key = credentials.values.get("encoding_aes_key")
    if not key:
        check_sorted(request, credentials["token"])
    outer = parsed(request.body)
    encrypted = outer.findtext("Encrypt")
    if not key and (encrypted is None or outer.find("MsgType") is not None):
        return outer
    if not key or encrypted is None:
        held = "holds no EncodingAESKey" if not key else "takes no plain text"
        raise WebhookRefused("encryption_required", f"the channel {held}; set both sides to the same mode")
    check_sorted(request, credentials["token"], encrypted, name="msg_signature")
    return parsed(unsealed(encrypted, key, credentials["app_id"]))
