"""Restores lines: in batches, then alone, each answer checked and paid for once."""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Any, NamedTuple

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from tools.restoration.answers import MalformedAnswerError, parse_answer
from tools.restoration.batches import batches
from tools.restoration.cache import AnswerCache, Attempt
from tools.restoration.checks import refusal, tidy, unfit_reason
from tools.restoration.client import (
    ChatClient,
    RequestError,
    ServiceError,
    Usage,
)
from tools.restoration.interrupts import held_interrupts
from tools.restoration.template import Template

_IN_VAIN = 5
"""Batches without a good answer before the run is given up: asking about each of their
lines alone would cost many times as much."""

_LOOK_AGAIN = 0.2
"""Seconds between two looks at whether the user has interrupted."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a transcript.

    Attributes:
        text: the restored line; the transcript itself where nothing was restored.
        reason: why the transcript was kept as it was; empty otherwise.
        answer: the last answer that was refused, as it came.
    """

    text: str
    reason: str = ""
    answer: str = ""


class _Unpaid(NamedTuple):
    """No answer: the next run asks again."""

    problem: str


class _Question(NamedTuple):
    """Lines of a request."""

    lines: list[str]
    alone: bool = False


class Restorer:
    """Asks about lines and judges the answers."""

    def __init__(
        self,
        connect: Callable[[], ChatClient],
        template: Template,
        cache: AnswerCache,
        batch_size: int = 20,
        nj: int = 4,
        ask_again: bool = False,
    ):
        """Prepare; nothing is sent.

        Args:
            connect: makes the client; not called if the cache holds all answers.
            template: of the requests, with the limits on answers.
            cache: of the client's model and this template.
            batch_size: most lines of a request.
            nj: requests at a time.
            ask_again: about lines whose answers were refused in earlier runs.
        """
        self._connect, self._template, self._cache = connect, template, cache
        self._batch_size, self._nj, self._ask_again = batch_size, nj, ask_again
        self.usage = Usage()

    def restore(self, lines: Iterable[str]) -> dict[str, Verdict]:
        """Restore every line; equal lines are one.

        An answer that is refused, or cannot be read, is asked for once more with the
        line alone; then the line stays as it is.

        Returns:
            Verdicts by line.

        Raises:
            ServiceError: the service cannot be used, or the model never gives a good
                answer. What was answered is in the cache, as it is after a keyboard
                interrupt.
        """
        verdicts: dict[str, Verdict] = {}
        first: list[str] = []
        second: list[str] = []
        for line in dict.fromkeys(lines):
            if reason := unfit_reason(line):
                verdicts[line] = Verdict(line, reason)
                continue
            attempts = self._cache.attempts(line)
            verdict = self._judge(line, attempts)
            if not verdict.reason:
                verdicts[line] = verdict
            elif not attempts:
                first.append(line)
            elif self._ask_again or not any(attempt.alone for attempt in attempts):
                second.append(line)
            else:
                verdicts[line] = verdict
        if first or second:
            questions = [
                *(_Question(batch) for batch in batches(first, self._batch_size)),
                *(_Question([line], alone=True) for line in second),
            ]
            title, total = "lines restored", len(verdicts) + len(first) + len(second)
            with tqdm(
                total=total, initial=len(verdicts), desc=title, mininterval=1.0
            ) as bar:

                def note(line: str, verdict: Verdict) -> None:
                    verdicts[line] = verdict
                    bar.update()

                self._ask_all(questions, note)
        return verdicts

    def _ask_all(
        self, questions: Iterable[_Question], note: Callable[[str, Verdict], None]
    ) -> None:
        """Ask; then about each line that was refused, alone."""
        vain = 0
        client = self._connect()
        self.usage = client.usage
        running: dict[Future[list[Attempt | _Unpaid]], _Question] = {}
        with (
            logging_redirect_tqdm(),
            ThreadPoolExecutor(self._nj) as pool,
            held_interrupts() as interrupted,
        ):

            def send(question: _Question) -> None:
                running[pool.submit(self._ask, client, question)] = question

            try:
                for question in questions:
                    send(question)
                while running:
                    future = _first_done(running, interrupted)
                    question = running.pop(future)
                    answers = zip(question.lines, future.result(), strict=True)
                    judged = [(x, self._judge(x, [answer])) for x, answer in answers]
                    for line, verdict in judged:
                        if verdict.reason and not question.alone:
                            send(_Question([line], alone=True))
                        else:
                            note(line, verdict)
                    if len(question.lines) > 1:
                        useless = all(verdict.reason for _, verdict in judged)
                        vain = vain + 1 if useless else 0
                        if vain == _IN_VAIN:
                            raise ServiceError(
                                f"{vain} batches in a row without one good answer, the "
                                f"last one: {verdict.reason}; does --model understand "
                                "--template?"
                            )
            except BaseException:
                # Answers on their way have been paid for: they are waited for.
                logging.warning("stopping as soon as running requests are answered")
                client.stop()
                raise

    def _ask(self, client: ChatClient, question: _Question) -> list[Attempt | _Unpaid]:
        """Ask and store what is answered; in a thread."""
        batch, alone = question
        try:
            content = client.ask(
                self._template.messages(batch), self._template.parameters
            )
            answers = parse_answer(content, len(batch))
        except RequestError as error:
            return [_Unpaid(str(error))] * len(batch)
        except MalformedAnswerError as error:
            attempts = [Attempt(None, alone, str(error))] * len(batch)
        else:
            attempts = [Attempt(answer, alone) for answer in answers]
        self._cache.add(zip(batch, attempts, strict=True))
        return [*attempts]

    def _judge(self, line: str, attempts: Iterable[Attempt | _Unpaid]) -> Verdict:
        """Take the first good answer, or say what is wrong with the last one."""
        verdict = Verdict(line, "not answered")
        for attempt in attempts:
            if isinstance(attempt, _Unpaid) or attempt.answer is None:
                verdict = Verdict(line, attempt.problem)
                continue
            verdict = judge(line, attempt.answer, self._template)
            if not verdict.reason:
                break
        return verdict


def _first_done(running: Iterable[Future[Any]], interrupted: Event) -> Future[Any]:
    """Wait for an answer.

    Raises:
        KeyboardInterrupt: the user does not want to.
    """
    while not interrupted.is_set():
        done = wait(running, _LOOK_AGAIN, FIRST_COMPLETED).done
        if done:
            return next(iter(done))
    raise KeyboardInterrupt


def judge(line: str, answer: str, template: Template) -> Verdict:
    """Decide what an answer makes of a line.

    Punctuation alone is no correction: the line then stays as it was written.
    """
    if reason := refusal(line, answer, template.checks):
        return Verdict(line, reason, answer)
    restored = tidy(answer)
    return Verdict(line if restored == tidy(line) else restored)
