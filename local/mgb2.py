"""MGB-2: 1,200 hours of Aljazeera's television in Arabic.

Contents: programmes of 19 series of 2005 to 2015, 16 kHz WAV of an hour or so. Their
training texts are subtitles that a recogniser has aligned to the sound, each segment
with the error rate of the match (``WMER``, %). Development and test sets, 10 hours
each, are transcribed word by word; the segments without overlapping speakers are used.
No diacritics.
Layout: ``train/wav/<programme>.wav`` and ``train/xml/utf8/<programme>.xml`` (or
``xml/bw``, in Buckwalter's letters); ``dev`` and ``test`` hold
``segments.non_overlap_speech``, ``text.non_overlap_speech`` (in Buckwalter's letters,
Latin words marked ``@@LAT@@``) and ``wav/<programme>.wav``.
Licence: for research, on agreement. Address: https://arabicspeech.org/mgb2.
Citation: A. Ali et al., "The MGB-2 challenge: Arabic multi-dialect broadcast media
recognition", SLT 2016.

lhotse's ``prepare_mgb2`` refuses every copy that has not exactly the published number
of segments, strips diacritics, and drops words of one letter, which are heard. We use
its reader of the XML files, and leave cleaning to the model's cleaner.

For recognition and synthesis: each of train, dev and test becomes mgb2-<part>/asr and
mgb2-<part>/tts, the same utterances in both: wav.scp of the programmes, and segments,
which the dump cuts out. Texts are in Arabic script.

    python -m local.mgb2 --corpus-dir /data/MGB2 --parts train dev

The corpus is handed out on agreement, at https://arabicspeech.org/mgb2. A part must be
whole: train/{wav,xml}, dev/{wav,segments.non_overlap_speech,text.non_overlap_speech}.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from espnet2_ext.data.kaldi_dir import Segment
from espnet2_ext.io.tables import read_table
from espnet2_ext.text.arabic import is_arabic_letter
from local.buckwalter import from_buckwalter
from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import files_of, find_parts, note_count
from local.lhotse_export import reading, recipe
from local.utterances import Sets, Utterance, usable, write_sets

PARTS = ("train", "dev", "test")
FOLDER = "MGB2"
MAX_WMER = 80
"""lhotse's and ESPnet's limit; unmatched words are counted as errors."""

PUBLISHED = {"train": 375103, "dev": 5002, "test": 5365}
"""Segments, at that limit (lhotse's recipe)."""

LATIN = "@@LAT@@"
_CURE = "ask for them at https://arabicspeech.org/mgb2"


def download_mgb2(target_dir: Path) -> Path:
    """Find the corpus in the download folder: nobody may download it unasked.

    Args:
        target_dir: should hold ``MGB2``.

    Raises:
        RuntimeError: it does not; says where to ask for it.
    """
    folder = target_dir / FOLDER
    if folder.is_dir():
        return folder
    raise RuntimeError(
        "MGB-2 is handed out on agreement, at https://arabicspeech.org/mgb2; unpack it "
        f"and give its folder with --corpus-dir, or put it at {folder}"
    )


def read_mgb2(
    corpus_dir: Path,
    parts: Sequence[str] | None = None,
    max_wmer: float = MAX_WMER,
    allow_failures: int = 0,
) -> Sets:
    """Read parts, in Arabic script; each is a set ``mgb2-<part>``.

    Segments without words are left out.

    Args:
        corpus_dir: holds the parts, or a folder ``MGB2`` that does.
        parts: of :data:`PARTS`; None: all that are there.
        max_wmer: highest error rate (%) of the match of a training segment.
        allow_failures: utterances whose recording may be missing.

    Raises:
        FileNotFoundError: no such part, or a file of it is missing.
        ValueError: a file cannot be read, or more recordings are missing.
        RuntimeError: lhotse is not installed.
    """
    root, chosen = find_parts(corpus_dir, FOLDER, PARTS, parts, _CURE)
    sets: Sets = {}
    for part in chosen:
        name = f"mgb2-{part}"
        if part == "train":
            found = _read_xml(root / part, max_wmer)
        else:
            found = _read_tables(root / part)
        sets[name] = [item for item in found if item.text.strip()]
        silent = len(found) - len(sets[name])
        if silent:
            logging.info("%s: %d segments without words left out", name, silent)
        if part != "train" or max_wmer == MAX_WMER:
            note_count(name, len(found), PUBLISHED[part])
    return usable(sets, allow_failures)


def _read_xml(folder: Path, max_wmer: float) -> list[Utterance]:
    """Training segments, named as Kaldi's recipe names them."""
    lhotse = recipe("mgb2")
    options = [folder / "xml" / script for script in ("utf8", "bw")]
    files = next((found for path in options if (found := files_of(path, ".xml"))), None)
    if files is None:
        raise FileNotFoundError(f"{options[0]}: holds no .xml files")
    cuttings = []
    for path in tqdm(files, desc="MGB-2 train", unit=" programmes"):
        with reading(path):
            segments = lhotse.make_supervisions(str(path), max_wmer)
        for item in segments:
            speaker = f"{path.stem}_spk-{item.speaker:04d}"
            end = item.start + item.duration
            span = f"{round(item.start * 100):07d}:{round(end * 100):07d}"
            cuttings.append(
                Utterance(
                    uid=f"{speaker}_seg-{span}",
                    speaker=speaker,
                    text=_in_arabic(item.text),
                    wav=folder / "wav" / f"{path.stem}.wav",
                    part=(item.start, end),
                )
            )
    return cuttings


def _read_tables(folder: Path) -> list[Utterance]:
    """Segments of a development or test set, which comes as Kaldi's tables."""
    table = folder / "segments.non_overlap_speech"
    segments = read_table(table).values
    options = [folder / f"text{end}" for end in (".non_overlap_speech", ".all", "")]
    texts = read_table(next((path for path in options if path.is_file()), options[0]))
    cuttings = []
    for uid, value in segments.items():
        try:
            recording, start, end = Segment.parse(value)
        except ValueError as error:
            raise ValueError(f"{table}: utterance '{uid}': {error}") from None
        wav = folder / "wav" / f"{recording}.wav"
        # programme_spk-0001_seg-0001345:0001695
        speaker = "_".join(uid.split("_")[:2])
        text = _in_arabic(texts.values.get(uid, ""))
        cuttings.append(Utterance(uid, speaker, text, wav, part=(start, end)))
    return cuttings


def _in_arabic(text: str) -> str:
    """Arabic script of a text in it or in Buckwalter's letters."""
    written = any(map(is_arabic_letter, text))
    words = []
    for word in text.split():
        latin = word.startswith(LATIN)
        word = word.removeprefix(LATIN)
        words.append(word if latin or written else from_buckwalter(word))
    return " ".join(words)


def prepare_mgb2(corpus_dir: Path, output_dir: Path, **options: Any) -> dict[str, int]:
    """Write ``mgb2-<part>/{asr,tts}``; options and errors: :func:`read_mgb2`."""
    return write_sets(read_mgb2(corpus_dir, **options), output_dir, ("asr", "tts"))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("mgb2", __doc__, parts=PARTS)
    parser.add_argument(
        "--max-wmer",
        type=float,
        default=MAX_WMER,
        metavar="PERCENT",
        help="leave out training segments that match their subtitles worse "
        f"(default: {MAX_WMER}); less for synthesis, which needs true texts",
    )
    return prepare_corpus(parser, argv, download_mgb2, prepare_mgb2)


if __name__ == "__main__":
    sys.exit(main())
