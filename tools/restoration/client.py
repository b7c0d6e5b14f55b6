"""A language model behind an OpenAI-compatible API: one question, one answer."""

import email.utils
import logging
import os
import random
import threading
import time
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from espnet2_ext.io.extras import how_to_install
from tools.restoration.limits import LimitError, limited_client, within
from tools.restoration.reply import Reply
from tools.restoration.template import Messages

KEY, BASE_URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"

IN_A_ROW = 5
"""Requests that fail one after the other before the run is given up."""

_LONGEST_WAIT = 600.0
"""Seconds that a server may ask for."""
_LONGEST_OWN_WAIT = 60.0
_REPEATED = frozenset({408, 409, 425, 429})
"""Status codes below 500 of requests that may succeed later."""
_HOPELESS = frozenset({401, 403, 404})
"""Status codes that every other request would get, too."""
_TIMEOUTS = 5
"""How many times its timeout a request may take altogether."""
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_SHOWN = 300
"""Characters of a server's message."""
_SECRET_LENGTH = 8
"""Shorter keys are placeholders, and words of any text."""


class RequestError(RuntimeError):
    """A request failed for good; another one may succeed."""


class ServiceError(RuntimeError):
    """The service cannot be used, or the run is to stop."""


@dataclass
class Usage:
    """What a run has cost."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __str__(self) -> str:
        """For the summary."""
        return (
            f"{self.requests} requests, {self.prompt_tokens} prompt tokens, "
            f"{self.completion_tokens} completion tokens"
        )


class ChatClient:
    """Asks, waits and asks again; may be used by several threads.

    The key comes from the environment and leaves this object only in the header of a
    request: a server that repeats it gets it out of every message and answer.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        timeout: float = 120.0,
        retries: int = 5,
        first_wait: float = 1.0,
    ):
        """Prepare; nothing is sent.

        Args:
            model: its name at the service.
            base_url: of the API; by default that of ``OPENAI_BASE_URL``, or OpenAI's.
            timeout: seconds without a byte after which a request is given up; five
                times as many are the most that it may take.
            retries: further tries of a request that fails on the way.
            first_wait: seconds before the first of these where the server names none;
                doubled each time.

        Raises:
            ImportError: the package openai is not installed.
            ValueError: no key, or an address that cannot be used.
        """
        try:
            import openai
            import tenacity
        except ImportError as error:
            raise ImportError(
                "asking a language model needs the packages openai and tenacity: "
                + how_to_install("restore")
            ) from error
        for name in ("openai", "httpx", "httpx2"):  # they log every request
            logging.getLogger(name).setLevel(logging.WARNING)
        self.usage = Usage()
        self._openai, self._tenacity, self._model = openai, tenacity, model
        self._retries, self._first_wait = retries, first_wait
        base_url = base_url or os.environ.get(BASE_URL) or None
        self._key = os.environ.get(KEY, "").strip()
        _check_access(base_url, self._key)
        self._client: Any = openai.OpenAI(
            api_key=self._key or "none",
            base_url=base_url,
            timeout=openai.Timeout(timeout, connect=min(timeout, 10.0)),
            max_retries=0,
            http_client=limited_client(openai),
        )
        self._longest = _TIMEOUTS * timeout
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._not_before = 0.0
        self._failed_in_a_row = 0
        self._reason = ""

    def stop(self) -> None:
        """Let no further request begin; those on their way are finished."""
        self._stopped.set()

    def _stop_for(self, reason: str) -> NoReturn:
        """End the run, in all threads."""
        with self._lock:
            self._reason = self._reason or reason
        self.stop()
        raise ServiceError(self._reason) from None

    def ask(self, messages: Messages, parameters: dict[str, Any]) -> str:
        """Send one conversation and give the answer's text.

        Args:
            messages: roles and contents.
            parameters: further keys of the request's JSON.

        Raises:
            MalformedAnswerError: the model gave no text, or not all of it.
            RequestError: the server did not answer this request.
            ServiceError: it will answer none, or :meth:`stop` was called.
        """
        tries = self._tenacity.Retrying(
            retry=self._tenacity.retry_if_exception(self._may_pass),
            stop=self._tenacity.stop_after_attempt(self._retries + 1),
            wait=self._seconds,
            before_sleep=self._note,
            sleep=self._hold_back,
            reraise=True,
        )
        try:
            reply = tries(self._send, messages, parameters)
        except (self._openai.OpenAIError, ValueError) as error:
            self._give_up(error)
        with self._lock:
            self._failed_in_a_row = 0
        return self._without_key(reply.text())

    def _send(self, messages: Messages, parameters: dict[str, Any]) -> Reply:
        self._wait_for_turn()
        with self._lock:
            self.usage.requests += 1
        reply = within(self._longest, lambda: self._request(messages, parameters))
        with self._lock:
            self.usage.prompt_tokens += reply.prompt_tokens
            self.usage.completion_tokens += reply.completion_tokens
        return reply

    def _request(self, messages: Messages, parameters: dict[str, Any]) -> Reply:
        try:
            return Reply.read(
                self._client.chat.completions.create(
                    model=self._model, messages=messages, extra_body=parameters
                )
            )
        except RecursionError:
            raise ValueError("what came back is nested too deeply") from None

    # ---- failures ------------------------------------------------------------------

    def _may_pass(self, error: BaseException) -> bool:
        """Tell whether the next try may succeed.

        Raises:
            ServiceError: no request will ever succeed.
        """
        if not isinstance(error, self._openai.APIStatusError):
            # Connection, timeout, or a body that is no answer.
            return isinstance(error, (self._openai.OpenAIError, ValueError))
        status = error.status_code
        if status in _HOPELESS or error.code == "insufficient_quota":
            self._stop_for(f"{self._describe(error)}{_cure(status)}")
        return status >= 500 or status in _REPEATED

    def _seconds(self, state: Any) -> float:
        """How long to wait: what the server asks for, else longer each time.

        Raises:
            ServiceError: it asks for more than a run should wait.
        """
        error = state.outcome.exception()
        headers = error.response.headers if hasattr(error, "response") else {}
        seconds = _retry_after(headers.get("retry-after", ""))
        if seconds > _LONGEST_WAIT:
            self._stop_for(
                f"the server asks to wait for {seconds:.0f} s; start again then"
            )
        own = self._first_wait * 2 ** (state.attempt_number - 1)
        return seconds or min(_LONGEST_OWN_WAIT, own) * random.uniform(0.75, 1.0)

    def _note(self, state: Any) -> None:
        """Log a failure that is followed by another try."""
        what, seconds = self._describe(state.outcome.exception()), state.upcoming_sleep
        logging.warning("%s; waiting %.1f s", what, seconds)

    def _give_up(self, error: Exception) -> NoReturn:
        with self._lock:
            self._failed_in_a_row += 1
            failed = self._failed_in_a_row
        description = self._describe(error)
        if failed >= IN_A_ROW:
            self._stop_for(
                f"{failed} requests failed in a row, the last one with: {description}"
            )
        raise RequestError(description) from None

    def _describe(self, error: Exception) -> str:
        status = getattr(error, "status_code", None)
        body = getattr(error, "body", None)
        message = body.get("message") if isinstance(body, dict) else None
        if isinstance(error.__cause__, LimitError):
            message = str(error.__cause__)
        text = " ".join(self._without_key(str(message or error)).split())
        if len(text) > _SHOWN:
            text = text[:_SHOWN] + " …"
        return f"status {status}: {text}" if status else text

    def _without_key(self, text: str) -> str:
        if len(self._key) < _SECRET_LENGTH:
            return text
        return text.replace(self._key, "(key)")

    # ---- waiting -------------------------------------------------------------------

    def _hold_back(self, seconds: float) -> None:
        """Hold back this and all other requests."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _wait_for_turn(self) -> None:
        while not self._stopped.is_set():
            wait = self._not_before - time.monotonic()
            if wait <= 0:
                return
            self._stopped.wait(wait)
        raise ServiceError(self._reason or "stopped")


def _check_access(base_url: str | None, key: str) -> None:
    """Refuse an address that cannot be used, or to go without a key."""
    if base_url is None:
        if not key:
            raise ValueError(
                f"set the environment variable {KEY}; a server without keys needs only "
                "--base_url"
            )
        return
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("--base_url must be an address such as https://host/v1")
    if parts.username or parts.password or parts.query:
        raise ValueError(
            "--base_url must not hold a user name, password or query; give the key in "
            f"the environment variable {KEY}"
        )
    if key and parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        logging.warning("--base_url has http: the key in %s is sent unencrypted", KEY)


def _cure(status: int) -> str:
    if status in (401, 403):
        return f"; is the key in {KEY} right?"
    if status == 404:
        return "; are --base_url and --model right?"
    return ""


def _retry_after(header: str) -> float:
    """Seconds that a ``Retry-After`` header asks for, as a number or a date; or 0."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        seconds = when.timestamp() - time.time()
    return max(seconds, 0.0) if seconds == seconds else 0.0
