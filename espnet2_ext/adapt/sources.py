"""Recordings with their texts, from wherever people keep them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from espnet2_ext.data.kaldi_dir import SEGMENTS, KaldiDir, Segment
from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.files import replacing
from espnet2_ext.io.messages import listed

METADATA = "metadata.csv"
AUDIO_FOLDERS = ("", "wavs", "wav", "audio")
SUFFIXES = ("", ".wav", ".flac", ".ogg", ".mp3", ".opus")

TEXT_COLUMNS = (
    *("normalized_text", "text", "sentence", "transcription", "transcript"),
    "raw_transcription",
)
SPEAKER_COLUMNS = ("speaker_id", "speaker", "client_id", "speaker_name")


class Clip(NamedTuple):
    """A recording, or a part of one, and what is said in it."""

    uid: str
    """Of use as a file name."""
    path: str
    text: str
    speaker: str
    span: tuple[float, float] | None = None
    """First and last second; None: all of it."""


def read_clips(source: Path, work: Path, speaker: str | None = None) -> list[Clip]:
    """Find the recordings of a source.

    Args:
        source: folder with ``metadata.csv``, or that file; Kaldi directory; lhotse
            manifest of cuts, or folder of manifests; folder of a Hugging Face dataset.
        work: gets audio that is inside of other files.
        speaker: name where the source has none; that of the folder by default.

    Raises:
        FileNotFoundError: no such source, or nothing known in it.
        ImportError: the package that reads it is missing.
        ValueError: a line that makes no sense, or an id that comes twice.
    """
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such recordings")
    folder = source if source.is_dir() else source.parent
    name = speaker or as_id(folder.resolve().name)
    clips = list(_reader(source)(source, name, work))
    seen: set[str] = set()
    for clip in clips:
        if clip.uid in seen:
            raise ValueError(f"{source}: two recordings are called '{clip.uid}'")
        seen.add(clip.uid)
    if not clips:
        raise ValueError(f"{source}: holds no recordings with texts")
    return clips


def _reader(source: Path) -> Callable[[Path, str, Path], Iterator[Clip]]:
    if source.suffix == ".csv" or (source / METADATA).is_file():
        return _metadata
    if (source / "wav.scp").is_file():
        return _kaldi
    if ".jsonl" in source.suffixes or any(source.glob("*.jsonl*")):
        return _lhotse
    marks = ("dataset_info.json", "dataset_dict.json", "state.json")
    if any((source / mark).is_file() for mark in marks) or any(
        source.rglob("*.parquet")
    ):
        return _dataset
    raise FileNotFoundError(
        f"{source}: no {METADATA}, no wav.scp, no lhotse manifest (*.jsonl.gz) and no "
        f"Hugging Face dataset; write {METADATA}: lines 'file|text' beside the files"
    )


def as_id(name: str) -> str:
    """Make a name of use as an utterance id and as a file's name."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "x"


# ---- metadata.csv --------------------------------------------------------------


def _metadata(source: Path, speaker: str, work: Path) -> Iterator[Clip]:
    """``id|text|normalised text`` (LJSpeech), ``id|text`` or ``id|speaker|text``."""
    path = source / METADATA if source.is_dir() else source
    rows = []
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.split("|")]
        if not line.strip():
            continue
        if len(cells) not in (2, 3):
            raise ValueError(
                f"{path}:{number}: expected 'id|text', 'id|text|normalised text' or "
                f"'id|speaker|text', found {len(cells)} columns"
            )
        rows.append(cells)
    names = [cells[1] for cells in rows if len(cells) == 3]
    named = bool(names) and _are_speakers(names)
    for cells in rows:
        who = as_id(cells[1]) if named and len(cells) == 3 else speaker
        text = cells[-1] or cells[1]
        named_file = Path(cells[0]).suffix.lower() in SUFFIXES[1:]
        stem = Path(cells[0]).with_suffix("").as_posix() if named_file else cells[0]
        yield Clip(as_id(stem), _find_audio(path, cells[0]), text, who)


def _are_speakers(names: list[str]) -> bool:
    """Tell names, which come again and again, from texts."""
    words = max(len(name.split()) for name in names)
    return words == 1 and (len(set(names)) <= max(1, len(names) // 2))


def _find_audio(path: Path, name: str) -> str:
    for folder in AUDIO_FOLDERS:
        for suffix in SUFFIXES:
            file = path.parent / folder / f"{name}{suffix}"
            if file.is_file():
                return str(file.resolve())
    return str(path.parent / "wavs" / f"{name}.wav")  # Its absence will be told.


# ---- Kaldi, lhotse, Hugging Face -----------------------------------------------


def _kaldi(source: Path, speaker: str, work: Path) -> Iterator[Clip]:
    data = KaldiDir.read(source)
    if data.problems:
        raise ValueError(data.problems[0])
    paths, texts = data.tables["wav.scp"], data.tables.get("text", {})
    missing = [uid for uid in paths if uid not in texts]
    if missing:
        raise ValueError(f"{source / 'text'}: lacks {listed(missing, 3)}")
    speakers, segments = data.tables.get("utt2spk", {}), data.tables.get(SEGMENTS, {})
    for uid, path in paths.items():
        span = Segment.parse(segments[uid])[1:] if uid in segments else None
        yield Clip(as_id(uid), path, texts[uid], speakers.get(uid, speaker), span)


def _lhotse(source: Path, speaker: str, work: Path) -> Iterator[Clip]:
    try:
        from lhotse import CutSet, load_manifest
    except ImportError:
        raise ImportError(f"{source}: lhotse reads this: {_install()}") from None
    if source.is_file():
        cuts = load_manifest(source)
    elif found := sorted(source.glob("*cuts*.jsonl*")):
        cuts = load_manifest(found[0])
    else:
        parts = {
            f"{kind}s": load_manifest(path)
            for kind in ("recording", "supervision")
            for path in sorted(source.glob(f"*{kind}s*.jsonl*"))[:1]
        }
        cuts = CutSet.from_manifests(**parts) if len(parts) == 2 else None
    if not isinstance(cuts, CutSet):
        raise ValueError(f"{source}: give a manifest of cuts, or a folder of manifests")
    for cut in cuts.trim_to_supervisions(keep_overlapping=False):
        (said,) = cut.supervisions
        audio = cut.recording.sources[0]
        if audio.type != "file":
            raise ValueError(f"{source}: cut '{cut.id}' is no file but {audio.type}")
        who = as_id(said.speaker) if said.speaker else speaker
        span = (cut.start, cut.end)
        yield Clip(as_id(said.id), audio.source, said.text or "", who, span)


def _dataset(source: Path, speaker: str, work: Path) -> Iterator[Clip]:
    try:
        import datasets
    except ImportError:
        raise ImportError(f"{source}: datasets reads this: {_install()}") from None
    saved = any(
        (source / f"{name}.json").is_file() for name in ("state", "dataset_dict")
    )
    found: Any = (datasets.load_from_disk if saved else datasets.load_dataset)(
        str(source)
    )
    if isinstance(found, dict):
        found = found["train"] if "train" in found else next(iter(found.values()))
    audio = [
        k for k, kind in found.features.items() if isinstance(kind, datasets.Audio)
    ]
    texts = [name for name in TEXT_COLUMNS if name in found.features]
    if not (audio and texts):
        raise ValueError(
            f"{source}: no column of audio, or of text ({', '.join(TEXT_COLUMNS)}); "
            f"it has {listed(found.column_names)}"
        )
    named = next((name for name in SPEAKER_COLUMNS if name in found.features), None)
    # Files as they are: decoding is ours.
    for number, row in enumerate(
        found.cast_column(audio[0], datasets.Audio(decode=False))
    ):
        given = row[audio[0]]
        path = given["path"] or ""
        uid = f"{number:06d}_{as_id(Path(path).stem)}" if path else f"{number:06d}"
        if given["bytes"] is not None:
            target = work / "source" / f"{uid}{Path(path).suffix or '.wav'}"
            if not target.is_file():
                with replacing(target, durable=False) as file:
                    file.write(given["bytes"])
            path = str(target)
        who = as_id(str(row[named])) if named else speaker
        yield Clip(uid, path, row[texts[0]] or "", who)


def _install() -> str:
    return how_to_install("adapt")
