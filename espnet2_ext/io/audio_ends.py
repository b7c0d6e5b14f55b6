"""Whether a recording is whole: libsndfile reads what is left of a cut one."""

import re
import struct
from pathlib import Path

CHECKED = frozenset(
    ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "VOC")
) | {"FLAC", "OGG", "MP3"}
"""Formats, by libsndfile's names, in which a missing end is noticed: here, or for FLAC
and MP3 by reading fewer samples than promised."""

_UNKNOWN = (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""Lengths that programs write which do not know how long a recording will be."""
_LAST_PAGE = 4
"""Flag of an Ogg page."""
_LONGEST_PAGE = 27 + 255 + 255 * 255


def ends_early(path: Path) -> bool:
    """Tell whether a file is shorter than its header says, or lacks its last page."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
        if head[:4] == b"OggS":
            file.seek(max(0, size - 2 * _LONGEST_PAGE))
            return not _has_last_page(file.read())
    try:
        if head.startswith(b"Creative Voice File"):
            return _voc_end(path) > size
        return _end(head) > size
    except (struct.error, ValueError):
        return False  # such a header is libsndfile's to refuse


def _end(head: bytes) -> int:
    """Length that a header promises (bytes); 0 where it promises none."""
    kind = head[:4]
    if kind in (b"RIFF", b"FORM"):
        (length,) = struct.unpack_from("<I" if kind == b"RIFF" else ">I", head, 4)
        return 0 if length in _UNKNOWN else length + 8
    if kind == b"RF64":
        (length,) = struct.unpack_from("<Q", head, 20)
        return 0 if length in _UNKNOWN else length + 8
    if kind == b"riff":  # of Sony's Wave64
        (length,) = struct.unpack_from("<Q", head, 16)
        return 0 if length in _UNKNOWN else length
    if kind == b".snd":
        start, length = struct.unpack_from(">II", head, 4)
        return 0 if length in _UNKNOWN else start + length
    if kind == b"caff":
        return _caf_end(head)
    if head.startswith(b"NIST_1A\n"):
        return _nist_end(head)
    return 0


def _caf_end(head: bytes) -> int:
    place = 8
    while True:
        name, length = struct.unpack_from(">4sQ", head, place)
        if length in _UNKNOWN:
            return 0
        place += 12 + length
        if name == b"data":
            return place


def _nist_end(head: bytes) -> int:
    named = dict(re.findall(rb"^(\w+) -[is]\d* (\d+)", head, re.MULTILINE))
    parts = (b"sample_count", b"channel_count", b"sample_n_bytes")
    if not all(part in named for part in parts) or b",embedded" in head:
        return 0
    count, channels, width = (int(named[part]) for part in parts)
    return int(head[8:16]) + count * channels * width


def _voc_end(path: Path) -> int:
    """Walk over the blocks of a VOC file; the zero that ends it may be missing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        (place,) = struct.unpack("<H", file.read(22)[20:])
        while place < size:
            file.seek(place)
            block = file.read(4)
            if block[:1] == b"\0":
                break
            if len(block) < 4:
                return size + 1
            place += 4 + int.from_bytes(block[1:], "little")
    return place


def _has_last_page(tail: bytes) -> bool:
    """Tell whether the end of an Ogg file has the page that ends the stream, whole."""
    start = tail.rfind(b"OggS")
    while start >= 0:
        head = tail[start : start + 27]
        if len(head) == 27:
            lengths = tail[start + 27 : start + 27 + head[26]]
            whole = start + 27 + head[26] + sum(lengths) <= len(tail)
            if head[5] & _LAST_PAGE:
                return whole and len(lengths) == head[26]
            if whole:
                return False
        start = tail.rfind(b"OggS", 0, start)
    return False
