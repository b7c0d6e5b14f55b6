"""Failures in the form in which OpenAI's interface says them."""

from typing import Any

from fastapi.responses import JSONResponse

KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
"""Types of errors by status; else the request is wrong, or the server is."""


class RequestError(Exception):
    """A request that is not done, and why."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
    ):
        """Say what is wrong.

        Args:
            status: of HTTP.
            message: one line for people.
            code: one word for programs.
            param: the parameter that is wrong.
        """
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param

    def content(self) -> dict[str, Any]:
        """The error as OpenAI's clients expect it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message,
                "type": KINDS.get(self.status, kind),
                "param": self.param,
                "code": self.code,
            }
        }

    def answer(self) -> JSONResponse:
        """The error as an answer."""
        headers = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": "1"}}
        return JSONResponse(self.content(), self.status, headers.get(self.status))
