"""Who follows a link: a person, or a machine that previews, indexes or checks it."""

import re
from collections.abc import Mapping

# Names of crawlers and previewers in the user agents they publish. "MicroMessenger" and "Weibo" are no bots: they
# are the browsers inside the apps, where most people in China follow links.
_MACHINES = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|prefetch|scan|monitor|headless|lighthouse|"
    r"facebookexternalhit|facebookcatalog|whatsapp/|skypeuripreview|embedly|bitlybot|vkshare|iframely|"
    r"google-(?:inspectiontool|read-aloud|safety)|mediapartners|apis-google|yandex|bytespider|petalbot|sogou web|"
    r"360spider|yisou|baidu(?:spider|boxapp-render)|ahrefs|semrush|dataprovider|"
    r"curl/|wget/|python|httpx|aiohttp|okhttp/|go-http-client|java/|libwww|axios/|node-fetch|undici|postman|guzzle|ruby",
    re.IGNORECASE,
)


def is_bot(method: str, headers: Mapping[str, str]) -> bool:
    """Say whether a request for a link comes from a machine. Header names are lower case."""
    if method != "GET":
        return True  # link checkers ask with HEAD; people's browsers follow with GET
    purpose = f"{headers.get('purpose', '')} {headers.get('sec-purpose', '')} {headers.get('x-purpose', '')}"
    if "prefetch" in purpose or "preview" in purpose:
        return True
    agent = headers.get("user-agent", "")
    return not agent.strip() or _MACHINES.search(agent) is not None
