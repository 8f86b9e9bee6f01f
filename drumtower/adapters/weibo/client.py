"""Calls to Weibo for one set of credentials: the token goes in a header, so that no address holds it."""

from collections.abc import Mapping
from typing import Any

import httpx

from drumtower.adapters.weibo.errors import ERRORS
from drumtower.platforms import Credentials, HttpClient, PlatformCalls, RemoteError

TOKENS = ("access_token", "fan_service_token", "app_secret")


class WeiboCalls:
    """REST calls under `/2/`; `token` replaces the channel's access token."""

    def __init__(self, http: HttpClient, base_url: str, credentials: Credentials, token: str = "") -> None:
        self._token = token or credentials["access_token"]
        self._secrets = [credentials.values[name] for name in TOKENS if credentials.values.get(name)]
        self._calls = PlatformCalls(http=http, base_url=base_url, read_error=self._error, rules=ERRORS)

    async def get(self, name: str, **params: Any) -> Any:
        return await self._calls.call(
            "GET", f"/2/{name}.json", once=False, params=params, headers=self._authorization()
        )

    async def post(
        self,
        name: str,
        form: Mapping[str, str],
        *,
        once: bool,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
    ) -> Any:
        return await self._calls.call(
            "POST", f"/2/{name}.json", once=once, data=form, files=files, headers=self._authorization()
        )

    async def token_info(self) -> Any:
        """Whose token this is."""
        return await self._calls.call(
            "POST", "/oauth2/get_token_info", once=False, data={"access_token": self._token}
        )

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"OAuth2 {self._token}"}

    def _error(self, _: httpx.Response, body: Any) -> RemoteError | None:
        # `error_code` is a number or a numeric string; `error` is whatever Weibo says, even our own token.
        if not isinstance(body, dict) or not body.get("error_code"):
            return None
        said = str(body.get("error_description") or body.get("error") or "")
        for secret in self._secrets:
            said = said.replace(secret, "…")
        return RemoteError(code=str(body["error_code"])[:20], said=said)
