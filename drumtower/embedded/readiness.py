"""Ways to ask a child of ours whether it is ready."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

ASK_SECONDS = 2.0


def http_ready(url: str) -> Callable[[], bool]:
    """A question that is answered yes by a 2xx to GET `url`; knows no proxies and follows no redirects."""
    return lambda: answers(url)


def answers(url: str) -> bool:
    """Whether GET `url` gives a 2xx within two seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status // 100 == 2
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
