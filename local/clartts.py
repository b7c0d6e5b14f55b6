"""ClArTTS, an audiobook in classical Arabic.

Contents: 9,500 utterances for training and 205 for testing, 12 hours at 40.1 kHz, one
male speaker (LibriVox), diacritised texts in normal spelling.
Licence: CC-BY-4.0. Site: http://www.clartts.com.
Citation: A. Kulkarni, A. Kulkarni, S. A. M. Shatnawi, H. Aldarmaki, "ClArTTS: An
Open-Source Classical Arabic Text-to-Speech Corpus", Interspeech 2023, arXiv 2303.00069.

Two layouts are read:

* ``MBZUAI/ClArTTS`` on Hugging Face, ``data/train-*.parquet`` and
  ``data/test-*.parquet``; see :mod:`local.parquet`.
* WAV files with one list for training (``training.txt`` or ``train.txt``) and one for
  testing (``validation.txt`` or ``test.txt``), lines ``file|text``. The archive of the
  corpus' site, behind a form, could not be looked into: ``file`` may be with or without
  folder and ending, and the recordings anywhere in the folder.

Sets, for ASR and TTS: test is the published test split; valid is drawn from the
training split by a hash of the ids, the same on every machine; train is the rest. Texts
keep their diacritics: the recipe's cleaner strips them where it should. Recordings keep
40,100 Hz; the dump resamples them.

    python -m local.clartts --corpus-dir ClArTTS --output-dir data
"""

import json
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from local.commands import add_valid, corpus_parser, prepare_corpus
from local.downloads import DownloadError, RemoteFile, download
from local.parquet import export_parquet, parquet_files
from local.utterances import Sets, Utterance, as_id, draw, usable, write_sets

HUB = "https://huggingface.co"
"""The variable ``HF_ENDPOINT`` names another."""

DATASET = "MBZUAI/ClArTTS"
SPEAKER = "clartts"
LISTS = {
    "train": ("training.txt", "train.txt"),
    "test": ("validation.txt", "test.txt"),
}


def download_clartts(target_dir: Path, revision: str = "main") -> Path:
    """Fetch the parquet files (27 files, 3.2 GB), checked by their published SHA-256.

    Args:
        target_dir: gets ``ClArTTS/data``, and the list of files as ``files.json``.
        revision: commit, branch or tag of the dataset; an interrupted download goes on
            with the commit that it began with.

    Returns:
        The corpus folder; one that is complete is taken as it is.

    Raises:
        DownloadError: something could not be fetched.
    """
    folder = target_dir / "ClArTTS"
    complete = folder / ".completed"
    if complete.is_file():
        return folder
    hub = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    commit = quote(revision, safe="")
    address = f"{hub}/api/datasets/{DATASET}/revision/{commit}?blobs=true"
    path = download(RemoteFile(address, "files.json"), folder)
    try:
        listing = json.loads(path.read_text(encoding="utf-8"))
        base = f"{hub}/datasets/{DATASET}/resolve/{listing['sha']}"
        files = [
            RemoteFile(
                f"{base}/{quote(item['rfilename'])}",
                PurePosixPath(item["rfilename"]).name,
                item["size"],
                f"sha256:{item['lfs']['sha256']}",
            )
            for item in listing["siblings"]
            if item["rfilename"].endswith(".parquet")
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(
            f"{path}: not the list of files that {address} should give ({error!r}); "
            "delete it and try again"
        ) from None
    if not files:
        raise DownloadError(f"{address}: lists no parquet files")
    for file in files:
        download(file, folder / "data")
    complete.touch()
    return folder


def read_clartts(corpus_dir: Path, audio_dir: Path) -> Sets:
    """Read the texts and find the recordings.

    Args:
        corpus_dir: in either layout.
        audio_dir: gets the recordings of parquet files, as FLAC of their own rate.

    Returns:
        ``train`` and ``test`` as published.

    Raises:
        FileNotFoundError: no corpus there.
        ValueError: a line or row that cannot be used; says which.
    """
    if not corpus_dir.is_dir():
        raise FileNotFoundError(f"{corpus_dir}: no such corpus folder")
    tables = parquet_files(corpus_dir)
    if tables:
        return {
            part: export_parquet(paths, SPEAKER, audio_dir)
            for part, paths in tables.items()
        }
    lists = {part: _find_list(corpus_dir, part) for part in LISTS}
    wavs = sorted(corpus_dir.rglob("*.wav"))
    return {part: _read_list(path, corpus_dir, wavs) for part, path in lists.items()}


def _find_list(corpus_dir: Path, part: str) -> Path:
    found = [path for name in LISTS[part] for path in sorted(corpus_dir.rglob(name))]
    if len(found) != 1:
        raise FileNotFoundError(
            f"{corpus_dir}: neither {part}-*.parquet nor just one of "
            f"{', '.join(LISTS[part])} in it, but {len(found)}"
        )
    return found[0]


def _read_list(path: Path, corpus_dir: Path, wavs: list[Path]) -> list[Utterance]:
    by_stem: dict[str, list[Path]] = {}
    for wav in wavs:
        by_stem.setdefault(wav.stem, []).append(wav)
    utterances = []
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, bar, text = (field.strip() for field in line.partition("|"))
        if not bar or not name:
            raise ValueError(f"{path}:{number}: not of the form file|text: {line[:60]}")
        stem = Path(name.replace("\\", "/")).name.removesuffix(".wav")
        # One that is nowhere is named with the utterances that cannot be used.
        places = [
            *(folder / name for folder in (corpus_dir, path.parent)),
            *by_stem.get(stem, ()),
            corpus_dir / f"{stem}.wav",
        ]
        if len(by_stem.get(stem, ())) > 1 and not places[0].is_file():
            raise ValueError(
                f"{path}:{number}: '{name}' may be {by_stem[stem][0]} or "
                f"{by_stem[stem][1]}"
            )
        wav = next((place for place in places if place.is_file()), places[-1])
        uid = f"{SPEAKER}-{as_id(stem)}"
        utterances.append(Utterance(uid, SPEAKER, text, wav))
    if not utterances:
        raise ValueError(f"{path}: holds no utterances")
    return utterances


VALID = 200
"""Two of a hundred training utterances; ASC gives as large a share."""


def clartts_sets(
    corpus_dir: Path, output_dir: Path, valid: int = VALID, allow_failures: int = 0
) -> Sets:
    """Read the corpus and part it into ``train``, ``valid`` and ``test``.

    Args:
        corpus_dir: parquet files, or lists and WAV files.
        output_dir: gets ``audio/clartts``, the recordings of parquet files.
        valid: utterances to validate on, drawn from the training split.
        allow_failures: utterances without recording or text that may be dropped.

    Raises:
        FileNotFoundError: no corpus.
        ValueError: what is wrong with it, by file and line or id.
    """
    sets = read_clartts(corpus_dir, output_dir / "audio" / "clartts")
    sets = usable(sets, allow_failures)
    drawn, train = draw(sets["train"], valid, salt="clartts valid")
    return {"train": train, "valid": drawn, "test": sets["test"]}


def prepare_clartts(
    corpus_dir: Path, output_dir: Path, **options: Any
) -> dict[str, int]:
    """Write each set for ASR and TTS; options and errors: :func:`clartts_sets`."""
    sets = clartts_sets(corpus_dir, output_dir, **options)
    return write_sets(sets, output_dir, ("asr", "tts"))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("clartts", __doc__)
    add_valid(parser, VALID)
    return prepare_corpus(parser, argv, download_clartts, prepare_clartts)


if __name__ == "__main__":
    sys.exit(main())
