"""What stands before the server's routes: key, number, size and time of requests."""

import asyncio
import hmac
import logging
import re
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from espnet2_ext.serve.errors import RequestError
from espnet2_ext.serve.metrics import Metrics

OPEN = ("/health",)
"""Paths that need no key."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a machine calls itself: a page on the web whose own name points here cannot use
a server without a key."""

MAX_JSON = 262_144
"""Bytes of a request that is no upload: those are read into memory."""

PATIENCE = 30.0
"""Seconds for the next part of a request."""

DRAINED, DRAIN_SECONDS = 1 << 30, 20.0
"""What is thrown away of a request that is refused: its sender reads the answer only
after having sent everything."""


class Gate:
    """Lets through what the server can take; everything else gets a clear answer."""

    def __init__(
        self,
        app: ASGIApp,
        key: str | None,
        most: int,
        max_bytes: int,
        metrics: Metrics,
    ):
        """Stand before ``app``.

        Args:
            app: the routes.
            key: that requests have to bring, if any.
            most: requests with a body that are inside at once.
            max_bytes: of a body.
            metrics: are told.
        """
        self._app, self._most, self._max_bytes = app, most, max_bytes
        self._key = None if key is None else f"Bearer {key}".encode()
        self._inside = 0
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, body = time.monotonic(), _Body(scope, receive, self._max_bytes)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status >= 400:
                    await body.drain()
            await send(message)

        heavy = scope["method"] not in ("GET", "HEAD")
        refusal = self._refusal(scope, body, heavy)
        if refusal is not None:
            await refusal.answer()(scope, receive, answer)
        else:
            self._inside += heavy
            try:
                await self._app(scope, body.receive, answer)
            finally:
                self._inside -= heavy
        seconds = time.monotonic() - begun
        self._metrics.request(scope, status, seconds)
        path = ascii(scope["path"][:80])
        logging.info("%s %s %d %.2f s", scope["method"], path, status, seconds)

    def _refusal(self, scope: Scope, body: "_Body", heavy: bool) -> RequestError | None:
        """Why a request does not get in."""
        headers = Headers(scope=scope)
        given = headers.get("authorization", "").encode()
        wanted = None if scope["path"] in OPEN else self._key
        if wanted is not None and not hmac.compare_digest(given, wanted):
            message = "no or wrong key in 'Authorization: Bearer'"
            return RequestError(401, message, "invalid_api_key")
        host = re.sub(r":\d+$", "", headers.get("host", ""))
        if self._key is None and host not in LOCAL_NAMES:
            return RequestError(400, "the server is known as localhost only")
        if heavy and self._inside >= self._most:
            return RequestError(
                429,
                f"{self._most} requests are waiting already; try again later",
                "rate_limit_exceeded",
            )
        return body.too_large() if body.promised > body.limit else None


class _Body:
    """The body of one request, as it comes."""

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int):
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self.promised = int(length) if length.isdecimal() else 0
        self._receive = receive
        upload = headers.get("content-type", "").startswith("multipart/form-data")
        self.limit = max_bytes if upload else min(max_bytes, MAX_JSON)
        self._read, self._ended = 0, False

    def too_large(self) -> RequestError:
        """What is said of a body over the limit."""
        size = f"{self.limit / 1e6:.3g} MB"
        return RequestError(413, f"the request is larger than {size}", "too_large")

    async def receive(self) -> Message:
        """The next part.

        Raises:
            RequestError: too much, or too slow.
        """
        if self._ended:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._next(), PATIENCE)
        except TimeoutError:
            self._ended = True
            raise RequestError(
                408, "the request did not come whole", "timeout"
            ) from None
        if self._read > self.limit:
            raise self.too_large()
        return message

    async def drain(self) -> None:
        """Read what is left, and forget it."""
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while not self._ended and self._read < DRAINED:
                    await self._next()
        except TimeoutError:
            pass

    async def _next(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        return message
