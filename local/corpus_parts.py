"""Corpora that come in parts: fetched one by one, and looked through before use."""

import logging
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from local.downloads import RemoteFile, download

COMPLETED = ".completed"
"""lhotse's mark of a part that is unpacked to the end; ours too, so that each takes the
other's downloads."""

_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """What is published of a part of a corpus; the sum is that of the archive."""

    utterances: int
    hours: float
    sha256: str


def published(corpus: str) -> dict[str, Part]:
    """Look a corpus up in ``published.txt``; gives its parts by name."""
    table = Path(__file__).with_name("published.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in table.splitlines()]
    return {
        part: Part(int(utterances), float(hours), checksum)
        for name, part, utterances, hours, checksum in (r for r in rows if len(r) == 5)
        if name == corpus
    }


# ---- downloads -------------------------------------------------------------------


def fetch_part(remote: RemoteFile, target_dir: Path, folder: str) -> Path:
    """Fetch an archive and unpack it; all of a part or nothing.

    An archive that lies in ``target_dir`` is checked and not fetched again.

    Args:
        remote: the archive.
        target_dir: gets the archive, and what is in it.
        folder: the part's, as it is named in the archive.

    Returns:
        The part's folder; a completed one is taken as it is.

    Raises:
        DownloadError: the archive could not be fetched or is not as published.
        FileExistsError: the folder is there and nobody has marked it as complete.
        ValueError: the archive is damaged, or another one.
    """
    target = target_dir / folder
    if (target / COMPLETED).is_file():
        return target
    if target.exists():
        raise FileExistsError(
            f"{target}: is there, but without the mark '{COMPLETED}' of a complete "
            "download. If it is complete, give it with --corpus-dir; if not, delete it"
        )
    archive = download(remote, target_dir)
    work = target_dir / f".{remote.name}.unpacking"
    with FileLock(target_dir / f".{remote.name}.unpacking.lock"):
        if (target / COMPLETED).is_file():
            return target
        shutil.rmtree(work, ignore_errors=True)
        try:
            _unpack(archive, work)
            if not (work / folder).is_dir():
                raise ValueError(f"{archive}: holds no {folder}; it is another archive")
            (work / folder / COMPLETED).touch()
            _move(work, target_dir, Path(folder))
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def fetch_parts(
    base_url: str,
    published: Mapping[str, Part],
    names: Sequence[str] | None,
    target_dir: Path,
    folder: str,
) -> Path:
    """Fetch and unpack parts; what is complete is not fetched again.

    Args:
        base_url: of the archives ``<part>.tar.gz``.
        published: every part there is.
        names: of the parts.
        target_dir: gets the archives, and ``folder``.
        folder: the corpus's, as it is named in the archives.

    Returns:
        The folder of the parts.

    Raises:
        DownloadError: an archive could not be fetched or is not as published.
        FileExistsError: a part is there and nobody has marked it as complete.
        ValueError: no parts are named, or an archive is damaged.
    """
    for name in need_choice(names, published):
        remote = RemoteFile(
            f"{base_url}/{name}.tar.gz",
            f"{folder}-{name}.tar.gz",
            checksum=f"sha256:{published[name].sha256}",
        )
        fetch_part(remote, target_dir, f"{folder}/{name}")
    return target_dir / folder


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack under Python's rules for data: nothing leaves the folder."""
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tqdm(tar, desc=f"unpacking {archive.name}", unit=" files"):
                tar.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{archive}: damaged or not safe ({error}); delete it to fetch it again"
        ) from None


def _move(work: Path, target_dir: Path, folder: Path) -> None:
    """Move the part to its place, and files beside it unless they are there."""
    place = target_dir / folder.parent
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted((work / folder.parent).iterdir()):
        if path.is_file() and not (place / path.name).exists():
            os.replace(path, place / path.name)
    os.replace(work / folder, target_dir / folder)


# ---- what is there ---------------------------------------------------------------


def find_parts(
    corpus_dir: Path,
    name: str,
    known: Iterable[str],
    wanted: Sequence[str] | None,
    cure: str = "without --corpus-dir, --download-dir DIR --parts {} fetches them",
) -> tuple[Path, list[str]]:
    """Find a corpus and choose of its parts.

    Args:
        corpus_dir: holds the parts, or a folder ``name`` that does.
        name: of the folder that the archives make.
        known: parts that are published.
        wanted: parts to use; None: all that are there. What is not is logged.
        cure: what to do about missing parts; ``{}`` stands for their names.

    Returns:
        The folder of the parts, and the parts.

    Raises:
        FileNotFoundError: no such corpus, or a wanted part is not there.
    """
    known = list(known)
    for root in (corpus_dir, corpus_dir / name):
        present = [part for part in known if (root / part).is_dir()]
        if present:
            break
    else:
        raise FileNotFoundError(
            f"{corpus_dir}: neither it nor '{name}' in it holds one of "
            f"{', '.join(known)}"
        )
    absent = [part for part in wanted or known if part not in present]
    if absent:
        advice = cure.format(" ".join(absent))
        if wanted:
            raise FileNotFoundError(f"{root}: {', '.join(absent)} not there; {advice}")
        logging.info("%s: %s not there; %s", root, ", ".join(absent), advice)
    return root, [part for part in wanted or known if part in present]


def need_choice(parts: Sequence[str] | None, known: Mapping[str, Part]) -> list[str]:
    """Parts to download.

    Raises:
        ValueError: none are named: all of them is rarely what is meant.
    """
    if not parts:
        sizes = ", ".join(f"{name} ({part.hours:g} h)" for name, part in known.items())
        raise ValueError(
            "say with --corpus-dir where the corpus is, or with --parts what to "
            f"download: {sizes}"
        )
    return list(parts)


def check_presence(
    promised: Mapping[str, Path], present: Iterable[Path], allow_failures: int
) -> int:
    """Compare what transcripts promise with the recordings that are there.

    Args:
        promised: recordings by utterance.
        present: recordings; each should be promised.
        allow_failures: utterances that may lack either.

    Returns:
        How many do.

    Raises:
        FileNotFoundError: more than that.
    """
    problems = [
        f"utterance '{uid}': no recording {path}"
        for uid, path in promised.items()
        if not path.is_file()
    ]
    expected = set(promised.values())
    problems += [f"{path}: no transcript" for path in present if path not in expected]
    if len(problems) > allow_failures:
        more = "\n…" if len(problems) > _SHOWN else ""
        raise FileNotFoundError(
            "\n".join(problems[:_SHOWN]) + f"{more}\n{len(problems)} utterances are "
            f"incomplete, {allow_failures} may be (--allow-failures): copy or fetch "
            "the corpus again, or allow that many to be left out"
        )
    for problem in problems:
        logging.warning("%s; left out", problem)
    return len(problems)


def note_count(name: str, found: int, published: int) -> None:
    """Log a warning where a corpus is smaller or larger than it was published."""
    if found != published:
        logging.warning(
            "%s: %s utterances, %s are published: not the whole of it",
            name,
            f"{found:,}",
            f"{published:,}",
        )


def files_of(folder: Path, suffix: str) -> list[Path]:
    """Files below a folder, sorted, without macOS's companions."""
    files = folder.rglob(f"*{suffix}")
    return sorted(path for path in files if not is_leftover(path))


def is_leftover(path: Path) -> bool:
    """Tell the invisible companions that macOS puts into copies (``._name``)."""
    return path.name.startswith("._")
