"""What of the web reaches the app: requests of its own pages, to the hosts that it answers for, and small ones."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN = ("127.0.0.1", "localhost", "::1")
"""Hosts of this machine."""
MOST_BYTES = 4_000_000
"""Of one message of a page: a study and the tables of a record."""
METHODS = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; script-src 'self'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def policy_of(page: str) -> str:
    """Return the policy of a page: nothing but what this server sends, and of scripts in the page those it has now."""
    digests = (base64.b64encode(hashlib.sha256(found.encode()).digest()).decode() for found in _INLINE.findall(page))
    return POLICY + "".join(f" 'sha256-{digest}'" for digest in digests)


def hostname(authority: str) -> str:
    """Return the host of an authority, without its port; empty if it is none.

    Examples
    --------
    >>> hostname("localhost:8080"), hostname("[::1]:80"), hostname("a b")
    ('localhost', '::1', '')
    """
    try:
        parts = urlsplit(f"//{authority}")
        plain = not (set(authority) & set(" /\\@?#")) and (parts.port is None or parts.port > 0)
    except ValueError:
        return ""
    return (parts.hostname or "") if plain else ""


def refusal(scope: Scope, hosts: Iterable[str]) -> str:
    """Say why a request is refused; empty if it is not.

    Parameters
    ----------
    scope : mapping
        Of ASGI.
    hosts : iterable of str
        That the app answers for.
    """
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    given, origins = headers.get("host", []), headers.get("origin", [])
    if len(given) != 1 or hostname(given[0]) not in hosts:
        return "wanted a host that this app answers for"
    if scope["type"] == "websocket" and len(origins) != 1:
        return "wanted the origin of the page"
    if any(
        urlsplit(origin).scheme not in ("http", "https") or urlsplit(origin).netloc != given[0] for origin in origins
    ):
        return "wanted the origin of the page itself"
    if scope["type"] == "http" and scope["method"] not in METHODS:
        return "wanted a page to be read: files come through the page itself"
    return ""


class Safe:
    """An application of ASGI behind these checks.

    Parameters
    ----------
    app : App
    hosts : iterable of str
        Further hosts that it answers for, as a proxy passes them on.
    page : str
        Whose own scripts may run.
    """

    def __init__(self, app: App, hosts: Iterable[str] = (), page: str = "") -> None:
        self.app = app
        self.hosts = frozenset((*OWN, *(host.lower() for host in hosts)))
        named = HEADERS | {"content-security-policy": policy_of(page)}
        self.headers = [(name.encode(), value.encode()) for name, value in named.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        why = refusal(scope, self.hosts)
        if why and scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": why})
        if why:
            return await self._refuse(send, why)
        await self.app(scope, receive, self._guarded(send))

    async def _refuse(self, send: Send, why: str) -> None:
        """Answer with a refusal; what is left of a large body is not read."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *self.headers]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": f"doseopt: {why}\n".encode()})

    def _guarded(self, send: Send) -> Send:
        """Return what sends an answer with the headers that forbid what the app does not need."""
        own = {name for name, _ in self.headers}

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = [each for each in message["headers"] if each[0].lower() not in own]
                message = {**message, "headers": [*kept, *self.headers]}
            await send(message)

        return sending
