"""What a campaign counts, and how a case is judged."""

import json
import os
import reprlib
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.io.messages import one_line

KINDS = ("traceback", "hang", "silent drop", "executed", "escaped", "differs", "words")
"""What a case can end with and must not; ``words``: an error of many lines, or of none,
or of a page."""

CLEAN = (ValueError, OSError, ImportError)
"""What bad input may raise."""

LONGEST = 2000
"""Characters of an error."""

_QUOTE = reprlib.Repr(maxstring=200, maxother=200, maxdict=8)


class _HangError(BaseException):
    """A case took too long."""


@dataclass(frozen=True)
class Finding:
    """One case that ended as none may."""

    part: str
    kind: str
    case: str
    place: str
    """Line of the project that raised, or what was seen."""


@dataclass
class Campaign:
    """Counts, findings, and the time that is left."""

    seed: int
    ends: float
    """Of :func:`time.monotonic`."""

    folder: Path
    """For files of the cases; ``executed`` in it was made by a command."""

    cases: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() > self.ends

    def add(self, part: str, kind: str, case: object, place: str) -> None:
        """Note a finding; each place of the code once for each part."""
        found = Finding(part, kind, _QUOTE.repr(case), place)
        known = {(one.part, one.kind, one.place) for one in self.findings}
        if (part, kind, place) not in known:
            self.findings.append(found)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add up the seconds of a part."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[part] += time.monotonic() - begun

    def judge(
        self, part: str, case: object, run: Callable[[], Any], seconds: float = 60
    ) -> Any:
        """Run a case in this process.

        Args:
            part: of the campaign.
            case: what is shown of it.
            run: may raise :data:`CLEAN` with one line, and nothing else.
            seconds: longer is a hang.

        Returns:
            What it gives; None if it raised.
        """
        self.cases[part] += 1
        try:
            with _alarm(seconds):
                return run()
        except _HangError as error:
            self.add(part, "hang", case, _place(error))
        except CLEAN as error:
            text = one_line(error)
            if not text or len(text) > LONGEST:
                self.add(part, "words", case, _place(error))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self.add(part, "traceback", case, _place(error))
        finally:
            self.look_for_canaries(part, case)
        return None

    def look_for_canaries(self, part: str, case: object) -> None:
        """See whether something ran, or was written outside its folder."""
        for kind in ("executed", "escaped"):
            for path in (self.folder / kind, Path.cwd() / kind):
                if path.exists():
                    path.unlink()
                    self.add(part, kind, case, str(path.name))

    def counts(self) -> dict[str, int]:
        """Findings of each kind."""
        found = Counter(one.kind for one in self.findings)
        return {kind: found[kind] for kind in KINDS}

    def write(self, folder: Path, command: str) -> None:
        """Write ``report.json`` and ``report.md``."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "command": command,
            "seed": self.seed,
            "cases": dict(self.cases),
            "seconds": {part: round(s) for part, s in self.seconds.items()},
            "load": os.getloadavg(),
            "counts": self.counts(),
            "findings": [asdict(one) for one in self.findings],
            "notes": self.notes,
        }
        (folder / "report.json").write_text(json.dumps(content, indent=1) + "\n")
        lines = ["# Campaign", "", f"`{command}`, seed {self.seed}", ""]
        lines += ["| part | cases | seconds |", "|---|---|---|"]
        lines += [
            f"| {p} | {n} | {self.seconds[p]:.0f} |" for p, n in self.cases.items()
        ]
        lines += ["", "| what must be 0 | found |", "|---|---|"]
        lines += [f"| {kind} | {n} |" for kind, n in self.counts().items()]
        lines += ["", *(f"- {note}" for note in self.notes)]
        for one in self.findings:
            lines += [
                "",
                f"- {one.kind} in {one.part}: `{one.place}`, case `{one.case}`",
            ]
        (folder / "report.md").write_text("\n".join(lines) + "\n")


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _place(error: BaseException) -> str:
    """Name the error and the last line of the project in its way."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "espnet2_ext" in f.filename or "/tools/" in f.filename]
    last = (ours or frames)[-1]
    words = " ".join(str(error).split())[:120]
    return f"{Path(last.filename).name}:{last.lineno} {type(error).__name__} {words}"
