"""The one thread that uses the model: batches of like requests, and streams."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from espnet2_ext.inference.decode.decoder import FAILURES, Loaded, run_isolated
from espnet2_ext.io.messages import one_line
from espnet2_ext.serve.errors import RequestError
from espnet2_ext.serve.metrics import Metrics

type Run = Callable[[list[Any]], Sequence[Any]]
"""Gives one result for each of some inputs."""

PATIENCE = 10
"""Seconds that the end of the server waits for what is being computed."""

_END = object()


class _Job:
    """One input that may run with others of its kind."""

    def __init__(self, kind: Hashable, item: Any, size: int):
        self.kind, self.item, self.size = kind, item, size
        self._loop = asyncio.get_running_loop()
        self.result: asyncio.Future[Any] = self._loop.create_future()
        self.unwanted = False

    def finish(self, result: Any, error: str | None) -> None:
        """Hand over what became of it; called by the worker's thread."""
        _tell(self._loop, self._finish, result, error)

    def _finish(self, result: Any, error: str | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(RequestError(400, error))


class _Stream:
    """An answer that is handed over part by part."""

    def __init__(self, make: Callable[[], Iterator[Any]]):
        self._make = make
        self._parts: Iterator[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Queue[Any] = asyncio.Queue()
        self.unwanted = False

    def step(self) -> bool:
        """Make one part; False after the last. Called by the worker's thread."""
        if self.unwanted:
            return False
        try:
            if self._parts is None:
                self._parts = self._make()
            part = next(self._parts, _END)
        except FAILURES as error:
            part = RequestError(400, one_line(error))
        except Exception:
            logging.exception("a stream failed")
            part = RequestError(500, "the server failed; its log says how")
        _tell(self._loop, self.ready.put_nowait, part)
        return part is not _END and not isinstance(part, RequestError)


class Worker:
    """Owns the model: everything that computes runs in its thread, one by one."""

    def __init__(self, batch_size: int, timeout: float, metrics: Metrics):
        """Begin to work.

        Args:
            batch_size: most inputs at once.
            timeout: seconds that anybody waits for a result, or for a part of one.
            metrics: are told.
        """
        self._batch_size, self._timeout, self._metrics = batch_size, timeout, metrics
        self._jobs: deque[_Job] = deque()
        self._streams: list[_Stream] = []
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it works."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End after what is being done now."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(PATIENCE)

    async def run(self, kind: Hashable, run: Run, item: Any, size: int) -> Any:
        """Run one input, with others that wait if they are of its kind.

        Args:
            kind: of the input and its settings; None: it runs alone.
            run: the same for all of a kind.
            item: the input.
            size: inputs of like size run together.

        Raises:
            RequestError: it failed, or took too long.
        """
        job = _Job(kind, (run, item), size)
        self._tell(self._jobs, job)
        try:
            async with asyncio.timeout(self._timeout):
                return await job.result
        except TimeoutError:
            raise _too_slow(self._timeout) from None
        finally:
            job.unwanted = True

    async def stream(self, make: Callable[[], Iterator[Any]]) -> AsyncGenerator[Any]:
        """Hand out what an iterator gives; its steps take turns with all other work.

        Raises:
            RequestError: it failed, or took too long.
        """
        stream = _Stream(make)
        self._tell(self._streams, stream)
        try:
            while True:
                async with asyncio.timeout(self._timeout):
                    part = await stream.ready.get()
                if part is _END:
                    return
                if isinstance(part, RequestError):
                    raise part
                yield part
        except TimeoutError:
            raise _too_slow(self._timeout) from None
        finally:
            stream.unwanted = True

    def _tell(self, waiting: Any, work: Any) -> None:
        with self._news:
            waiting.append(work)
            self._news.notify()

    # ---- in the thread ---------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._jobs or self._streams or self._closed)
                if self._closed:
                    return
                batch = self._take()
                streams = list(self._streams)
                self._metrics.waiting.set(len(self._jobs))
            if batch:
                self._run(batch)
            ended = [stream for stream in streams if not stream.step()]
            with self._news:
                for stream in ended:
                    self._streams.remove(stream)

    def _take(self) -> list[_Job]:
        """The job that has waited longest, and others that can run with it."""
        wanted = [job for job in self._jobs if not job.unwanted]
        first = wanted[:1]
        kind = first[0].kind if first else None
        if kind is not None:
            first = [job for job in wanted if job.kind == kind][: self._batch_size]
        self._jobs = deque(job for job in wanted if job not in first)
        return first

    def _run(self, jobs: list[_Job]) -> None:
        def load(place: int) -> Loaded:
            return Loaded(jobs[place].item, jobs[place].size)

        def run(_: list[int], items: list[tuple[Run, Any]]) -> Sequence[Any]:
            return items[0][0]([item for _, item in items])

        self._metrics.batch.observe(len(jobs))
        places = range(len(jobs))
        try:
            for outcomes in run_isolated(places, load, run, len(jobs)):
                for place, outcome in outcomes:
                    jobs[place].finish(*outcome)
        except Exception:
            logging.exception("a batch failed")
            for job in jobs:
                job.finish(None, "the server failed; its log says how")


def _tell(loop: asyncio.AbstractEventLoop, call: Callable, *values: Any) -> None:
    """Call something in the server's thread, if it still runs."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, *values)


def _too_slow(seconds: float) -> RequestError:
    return RequestError(
        503, f"no answer in {seconds:g} s; try again, or send less", "timeout"
    )
