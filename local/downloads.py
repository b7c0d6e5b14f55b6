"""Downloads that go on where they were interrupted, and are checked when whole.

Proxies come from the environment (``http_proxy``, ``https_proxy``, ``no_proxy``).
"""

import hashlib
import json
import logging
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock
from tqdm import tqdm

from espnet2_ext.io.files import write_text

ATTEMPTS = 6
"""Failures in a row, without a byte gained, after which a download is given up."""

LONGEST_WAIT = 120.0
"""Seconds; also the most that a server's ``Retry-After`` is obeyed."""

_TIMEOUTS = (20.0, 60.0)
_BLOCK = 1 << 16
"""Bytes written at once; a broken connection loses less than that."""

_PASSING = {408, 425, 429, 500, 502, 503, 504}
"""HTTP statuses that may be better later."""

_HOPELESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
    requests.exceptions.SSLError,
)
_REASONS = {
    requests.exceptions.ProxyError: "the proxy does not answer",
    requests.exceptions.Timeout: "no answer in time",
    requests.exceptions.ChunkedEncodingError: "the connection broke",
    requests.exceptions.ConnectionError: "no connection",
}


class DownloadError(RuntimeError):
    """A file could not be fetched; the message names it, the reason and the cure."""


class _InterruptedError(Exception):
    """An attempt failed in a way that the next one may not."""

    def __init__(self, reason: str, wait: float = 0.0):
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch, and what its publisher says of it."""

    url: str
    name: str
    """On disk."""

    size: int | None = None
    """Bytes."""

    checksum: str | None = None
    """``sha256:…`` or ``md5:…`` in hexadecimal digits."""

    def problem(self, path: Path) -> str | None:
        """Say how ``path`` differs from what was published, if it does."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            return f"has {size:,} bytes, published are {self.size:,}"
        if self.checksum is None:
            return None
        kind, _, expected = self.checksum.partition(":")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, kind).hexdigest()
        if found != expected.lower():
            return f"has {kind} {found}, published is {expected}"
        return None


def download(remote: RemoteFile, folder: Path, pause: float = 1.0) -> Path:
    """Fetch a file, or what an earlier run left to fetch of it.

    Args:
        remote: what to fetch.
        folder: gets the file under its final name once it is whole and checked;
            until then it is ``<name>.part``.
        pause: seconds before the second attempt, doubled for each further one.

    Returns:
        The file; one that is there already is checked and not fetched again.

    Raises:
        DownloadError: given up, or the file is not what was published.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / remote.name
    with FileLock(folder / f".{remote.name}.lock"):
        if target.is_file():
            problem = remote.problem(target)
            if problem:
                raise DownloadError(f"{target}: {problem}; delete it to fetch it again")
            return target
        part = _Part(target, remote.url)
        resumed = part.size > 0
        _fetch(remote, part, pause)
        problem = remote.problem(part.path)
        if problem and resumed:
            # The beginning may be of another time or of a machine that crashed.
            logging.warning("%s: %s; fetching all of it again", target.name, problem)
            part.clear()
            _fetch(remote, part, pause)
            problem = remote.problem(part.path)
        if problem:
            part.clear()
            raise DownloadError(
                f"{remote.url}: {problem}; the copy was damaged on its way or the file "
                "has been replaced: try again, or fetch it by hand and give the folder "
                "with --corpus-dir"
            )
        part.finish(target)
    return target


class _Part:
    """The unfinished file, and a note of what it is a part of."""

    def __init__(self, target: Path, url: str):
        """Take up an earlier run's part if it is of the same address."""
        self.path = target.with_name(f"{target.name}.part")
        self._notes = target.with_name(f"{target.name}.part.json")
        self._url = url
        self.validator: str | None = None
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
            known = notes["url"] == url
            self.validator = notes["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            known = False
        if not known:
            self.clear()

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def clear(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.validator = None

    def note(self, headers: requests.structures.CaseInsensitiveDict[str]) -> None:
        """Remember what tells this version of the file from a later one."""
        tag = headers.get("ETag", "")
        # Weak tags do not promise equal bytes (RFC 9110, 13.1.5).
        strong = tag if tag and not tag.startswith("W/") else None
        self.validator = strong or headers.get("Last-Modified")
        content = {"url": self._url, "validator": self.validator}
        write_text(self._notes, json.dumps(content))

    def finish(self, target: Path) -> None:
        """Give the file its name."""
        os.replace(self.path, target)
        self._notes.unlink(missing_ok=True)


def _fetch(remote: RemoteFile, part: _Part, pause: float) -> None:
    """Attempt until the part is whole; give up after failures without progress."""
    failures, most = 0, part.size
    bar = tqdm(
        desc=remote.name,
        total=remote.size,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
    )
    with requests.Session() as session, bar:
        while True:
            try:
                return _attempt(session, remote, part, bar)
            except _HOPELESS as error:
                raise DownloadError(f"{remote.url}: {error}") from None
            except (requests.RequestException, _InterruptedError) as error:
                failures = 1 if part.size > most else failures + 1
                most = max(most, part.size)
                if failures >= ATTEMPTS:
                    raise DownloadError(
                        f"{remote.url}: given up after {failures} attempts "
                        f"({_reason(error)}); {part.size:,} bytes are kept: the same "
                        "command goes on from there"
                    ) from None
                wait = min(pause * 2 ** (failures - 1), LONGEST_WAIT)
                wait = max(wait, min(getattr(error, "wait", 0.0), LONGEST_WAIT))
                logging.warning(
                    "%s: %s; next attempt in %.0f s", remote.name, _reason(error), wait
                )
                time.sleep(wait)


def _attempt(
    session: requests.Session, remote: RemoteFile, part: _Part, bar: "tqdm[None]"
) -> None:
    """Ask for the missing bytes once, and write what comes.

    Raises:
        DownloadError: no use to ask again.
        _InterruptedError: it may be of use.
        requests.RequestException: likewise.
    """
    if not (part.validator or remote.checksum):
        part.clear()  # Nobody would notice if the rest were of another version.
    have = part.size
    # Compressed answers would have other byte positions.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part.validator:
            headers["If-Range"] = part.validator
    with session.get(
        remote.url, headers=headers, stream=True, timeout=_TIMEOUTS
    ) as response:
        status = response.status_code
        if status == 416 and have:
            if _total(response) == have:
                return
            part.clear()
            raise _InterruptedError("the file has changed on the server")
        if status in _PASSING:
            wait = response.headers.get("Retry-After", "")
            raise _InterruptedError(
                f"HTTP {status}", float(wait) if wait.isdecimal() else 0.0
            )
        if status not in (200, 206):
            raise DownloadError(
                f"{remote.url}: HTTP {status} {response.reason}; if the address has "
                "changed, fetch the file by hand and give its folder with --corpus-dir"
            )
        if status == 200 or _start(response) != have:
            part.clear()
            if status == 206:
                raise _InterruptedError("the server sent another part of the file")
        if have == 0 or status == 200:
            part.note(response.headers)
        total = _total(response)
        _check_space(part, total)
        bar.total = total or bar.total
        bar.n = part.size
        with part.path.open("ab") as file:
            for block in response.iter_content(_BLOCK):
                file.write(block)
                bar.update(len(block))
    if total is not None and part.size != total:
        raise _InterruptedError(f"{part.size:,} of {total:,} bytes came")


def _reason(error: Exception) -> str:
    """Short for an attempt's failure; those of ``requests`` quote their causes."""
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason
    return str(error)


def _start(response: requests.Response) -> int | None:
    """First byte of a partial answer."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: requests.Response) -> int | None:
    """Bytes of the whole file, where the answer says it."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None  # Of the compressed file; what is written is not.
    if response.status_code == 200:
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None
    found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _check_space(part: _Part, total: int | None) -> None:
    free = shutil.disk_usage(part.path.parent).free
    missing = (total or 0) - part.size
    if missing > free:
        raise DownloadError(
            f"{part.path.parent}: {missing / 2**30:.1f} GiB are to be written, "
            f"{free / 2**30:.1f} are free"
        )
