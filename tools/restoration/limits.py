"""What a server may do to a request: take so long, and send so much."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Any

MOST_BYTES = 4 * 2**20
"""Of an answer; those to twenty lines have some thousands."""


class LimitError(ValueError):
    """The server went too far."""


def within[Result](seconds: float, run: Callable[[], Result]) -> Result:
    """Run something that waits for a server.

    A timeout of the connection begins anew with each byte.  What is not done in time is
    left to itself, in a thread that does not keep the program from ending.

    Raises:
        LimitError: it is not done in time.
    """
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(run())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    if not wait([future], seconds).done:
        raise LimitError(f"the answer was not whole after {seconds:g} s")
    return future.result()


def limited_client(openai: Any) -> Any:
    """Make openai's client of HTTP, which reads no answer without an end.

    Args:
        openai: the module.
    """
    from httpx2 import SyncByteStream

    class Limited(SyncByteStream):
        def __init__(self, stream: Any):
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            left = MOST_BYTES
            for part in self._stream:
                left -= len(part)
                if left < 0:
                    raise LimitError(f"the answer has over {MOST_BYTES // 2**20} MiB")
                yield part

        def close(self) -> None:
            self._stream.close()

    def limit(response: Any) -> None:
        coding = response.headers.get("content-encoding", "identity")
        if coding != "identity":  # we did not ask for it, and it may be a bomb
            raise LimitError(f"the answer is packed ({coding[:20]})")
        response.stream = Limited(response.stream)

    return openai.DefaultHttpxClient(
        headers={"Accept-Encoding": "identity"}, event_hooks={"response": [limit]}
    )
