"""The cache folder: what is made of large files, each once."""

import errno
import hashlib
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from espnet2_ext.io.files import leaves_folder

CACHE_VARIABLE = "STTATTS_CACHE"
UNREADABLE = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OverflowError,
    UnicodeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)
"""What damaged zips raise."""

MAX_UNPACKED = 16 * 2**30
"""A larger sum of member sizes (bytes) is refused."""

MAX_MEMBERS = 10_000
MAX_RATIO = 20
"""Weights hardly get smaller: an archive that unpacks to more than so many times its
size, and to more than 100 MB, is refused."""


def cache_folder() -> Path:
    """Folder of derived files: ``$STTATTS_CACHE``, or ``sttatts`` in the user's cache.

    Everything that is kept outside output folders is in it: unpacked and imported
    models, models of the zoo, joined weights.
    """
    default = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "sttatts"
    return Path(os.environ.get(CACHE_VARIABLE) or default).expanduser()


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Make a folder, or find it made; it is whole or not there.

    Args:
        folder: named after all that its content depends on.
        make: called with a folder that is not there yet, to make it; other processes
            wait meanwhile.

    Returns:
        ``folder``.
    """
    if folder.is_dir():
        return folder
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if folder.is_dir():
            return folder
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            make(unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def unpack_once(archive: Path, cache: Path | None = None) -> Path:
    """Unpack a zip into the cache, or find it there already.

    Args:
        archive: a packed model.
        cache: folder for unpacked models; :func:`cache_folder` by default.

    Returns:
        The folder, named after the archive's content.

    Raises:
        ValueError: not a zip, a member outside the folder, a link, or absurd sizes.
    """
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = (cache or cache_folder()) / digest[:32]
    return made_once(folder, lambda unfinished: _extract(archive, unfinished))


def _extract(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            if len(members) > MAX_MEMBERS:
                raise ValueError(f"{archive}: {len(members)} members; refused")
            for member in members:
                _check_member(archive, member)
            total = sum(member.file_size for member in members)
            most = max(10**8, MAX_RATIO * archive.stat().st_size)
            if total > min(most, MAX_UNPACKED):
                raise ValueError(
                    f"{archive}: unpacks to {total / 2**30:.1f} GiB; refused"
                )
            opened.extractall(folder)
    except UNREADABLE as error:
        raise ValueError(f"{archive}: not a readable zip ({error})") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        # Two members of one name, or a file that another one takes for a folder.
        raise ValueError(f"{archive}: cannot be unpacked ({error})") from None


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if not name.parts or "\0" in member.filename:
        raise ValueError(f"{archive}: a member without a name; refused")
    if member.flag_bits & 1:
        raise ValueError(f"{archive}: member '{member.filename}' is encrypted; refused")
    if leaves_folder(name):
        raise ValueError(f"{archive}: member '{member.filename}' leaves the folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"{archive}: member '{member.filename}' is a link; refused")
