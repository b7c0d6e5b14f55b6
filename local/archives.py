"""Unpacking archives of others: nothing but files and folders, in their place."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from filelock import FileLock
from tqdm import tqdm

from espnet2_ext.io.files import leaves_folder
from local.downloads import RemoteFile, download

MAX_BYTES = 64 * 2**30
"""More than any corpus here unpacks to (ASC: about 1.5 GiB)."""

MAX_MEMBERS = 1_000_000
_BLOCK = 1 << 20
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
)


@dataclass(frozen=True)
class _Member:
    """A file or folder of an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]] | None = None
    """None for a folder."""

    refused: str = ""
    """What else it is."""


def download_and_unpack(remote: RemoteFile, target_dir: Path, name: str) -> Path:
    """Fetch an archive and unpack it into ``target_dir/name``.

    A folder that is there already is taken as it is.

    Raises:
        DownloadError: the archive could not be fetched.
        ValueError: it is damaged or means harm.
    """
    folder = target_dir / name
    if not folder.is_dir():
        unpack(download(remote, target_dir), folder)
    return folder


def unpack(archive: Path, folder: Path, max_bytes: int = MAX_BYTES) -> None:
    """Unpack a zip or tar file into a folder, all of it or nothing.

    Links, devices, encrypted members, names that lead out of the folder and names
    that come twice are refused. Permissions and owners are not taken over.

    Args:
        archive: the file; its kind is found from its content.
        folder: is made; it comes into being when everything is written.
        max_bytes: that the members may hold together.

    Raises:
        FileExistsError: the folder is there.
        ValueError: the archive is damaged or is not safe.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.exists():
            raise FileExistsError(f"{folder}: is there already")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            _unpack(archive, unfinished, max_bytes)
            unfinished.rename(folder)
        except _DAMAGED as error:
            # Errors of gzip and bz2 are OSErrors, without the number of real ones.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise ValueError(
                f"{archive}: damaged ({error}); delete it and fetch it again"
            ) from None
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _unpack(archive: Path, root: Path, max_bytes: int) -> None:
    allowed, count = max_bytes, 0
    bar = tqdm(desc=f"unpacking {archive.name}", unit="B", unit_scale=True)
    with bar, closing(_members(archive)) as members:
        for member in members:
            allowed, count = allowed - member.size, count + 1
            if allowed < 0 or count > MAX_MEMBERS:
                raise ValueError(f"{archive}: unpacks to more than is allowed; refused")
            _write(archive, member, root, bar)


def _members(archive: Path) -> Generator[_Member]:
    if _is_tar(archive):  # Asked first: a tar may hold what looks like a zip's end.
        with tarfile.open(archive, "r:*") as tar:
            yield from _tar_members(tar)
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield from _zip_members(opened)
    else:
        raise ValueError(f"{archive}: neither a zip nor a tar file")


def _is_tar(archive: Path) -> bool:
    with suppress(*_DAMAGED):
        return tarfile.is_tarfile(archive)
    return False


def _zip_members(opened: zipfile.ZipFile) -> Iterator[_Member]:
    for info in opened.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        # Archives made on Windows say nothing of the kind.
        if info.is_dir() and kind in (0, stat.S_IFREG, stat.S_IFDIR):
            yield _Member(info.filename, 0)
        elif kind in (0, stat.S_IFREG) and not info.flag_bits & _ENCRYPTED:
            read = partial(opened.open, info)
            yield _Member(info.filename, info.file_size, read)
        else:
            yield _Member(info.filename, 0, refused="a link, encrypted or no file")


def _tar_members(opened: tarfile.TarFile) -> Iterator[_Member]:
    for info in opened:
        if info.isdir():
            yield _Member(info.name, 0)
        elif info.isreg():
            # None only for what is no file.
            read = cast(Callable[[], IO[bytes]], partial(opened.extractfile, info))
            yield _Member(info.name, info.size, read)
        else:
            yield _Member(info.name, 0, refused="a link or no file")


def _write(archive: Path, member: _Member, root: Path, bar: "tqdm[None]") -> None:
    """Write one member below ``root``, where nothing but what we wrote can be."""
    where = f"{archive}: member '{member.name}'"
    if member.refused:
        raise ValueError(f"{where} is {member.refused}; refused")
    path = root / _inside(where, member.name)
    try:
        if member.open is None:
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as content, path.open("xb") as file:
            while block := content.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
            written = file.tell()
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{where} is there twice; refused") from None
    if written != member.size:
        raise ValueError(f"{where} has {written} bytes, not {member.size}; refused")


def _inside(where: str, name: str) -> PurePosixPath:
    """Relative path of a member.

    Raises:
        ValueError: it leads out of the folder, or is no name.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if leaves_folder(path):
        raise ValueError(f"{where} leaves the folder; refused")
    if any(character < " " for character in name):
        raise ValueError(f"{where} has control characters in its name; refused")
    return path
