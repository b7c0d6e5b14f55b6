"""CMU ARCTIC: the same English sentences read by several speakers.

Contents: 1,132 phonetically balanced sentences from out-of-copyright books
(arctic_a0001 to a0593, arctic_b0001 to b0539), read by each of 18 speakers (some have
read fewer), about an hour each, 16 kHz WAV.
Layout: ``cmu_us_<speaker>_arctic/etc/txt.done.data``, lines
``( arctic_a0001 "Author of the danger trail, Philip Steels, etc." )``, and
``cmu_us_<speaker>_arctic/wav/arctic_a0001.wav``.
Licence: free for any use, with the copyright notice (``COPYING`` in each archive).
Address: http://festvox.org/cmu_arctic.
Citation: J. Kominek, A. Black, "The CMU Arctic speech databases", SSW5, 2004.

For voice conversion: every speaker's reading of a sentence is to be turned into every
other's: arctic-train/vc, arctic-dev/vc and arctic-test/vc hold wav.scp (what is heard),
target.scp (what is wanted), text, and in utt2spk the speaker that is wanted. 932, 100
and 100 sentences, as SpeechT5 parts them; four speakers give twelve pairs of each.

    python -m local.cmu_arctic --corpus-dir /data/cmu_arctic
    python -m local.cmu_arctic --download-dir downloads --speakers bdl slt

Without --corpus-dir the speakers are downloaded.
"""

import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import check_presence, fetch_part, files_of, published
from local.downloads import RemoteFile
from local.lhotse_export import reading, recipe, to_utterances
from local.utterances import Sets, Utterance, usable, write_sets

BASE_URL = "http://festvox.org/cmu_arctic/packed"
SPEAKERS = ("bdl", "clb", "rms", "slt")
"""Two women (clb, slt) and two men (bdl, rms) of American accent: those of SpeechT5."""

PUBLISHED = published("ARCTIC")

SETS = {"arctic-train": 932, "arctic-dev": 1032, "arctic-test": 1132}
"""Last sentence of each set: 932, 100 and 100 sentences, SpeechT5's split."""

SENTENCES = {"a": 593, "b": 539}
"""Of both halves of the list; a few speakers have read more."""

_LINE = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)')
_SENTENCE = re.compile(r"arctic_([ab])(\d{4})")


def download_cmu_arctic(
    target_dir: Path, speakers: Sequence[str] = SPEAKERS, base_url: str = BASE_URL
) -> Path:
    """Fetch and unpack ``cmu_us_<speaker>_arctic`` into ``target_dir``.

    What is complete is not fetched again; errors are those of
    :func:`local.corpus_parts.fetch_part`.
    """
    for speaker in speakers:
        folder = f"cmu_us_{speaker}_arctic"
        archive = f"{folder}.tar.bz2"
        checksum = f"sha256:{PUBLISHED[speaker].sha256}"
        remote = RemoteFile(f"{base_url}/{archive}", archive, checksum=checksum)
        fetch_part(remote, target_dir, folder)
    return target_dir


def read_cmu_arctic(
    corpus_dir: Path, speakers: Sequence[str] = SPEAKERS, allow_failures: int = 0
) -> Sets:
    """Pair the recordings of each sentence, every speaker with every other.

    Which set a sentence is in depends on its number alone: no sentence of the
    development and test set is heard in training, by whomever.

    Args:
        corpus_dir: holds ``cmu_us_<speaker>_arctic`` for each speaker.
        speakers: at least two.
        allow_failures: recordings that may be missing.

    Returns:
        Utterances ``<target>-from-<source>-<sentence>``: the source's recording, the
        target's as what is wanted, and the target as speaker.

    Raises:
        FileNotFoundError: a speaker is not there, or more recordings are missing.
        ValueError: fewer than two speakers; a line or recording cannot be read.
        RuntimeError: lhotse is not installed.
    """
    if len(set(speakers)) < 2:
        raise ValueError("conversion needs two speakers or more (--speakers)")
    lhotse = recipe("cmu_arctic")
    folders = _find(corpus_dir, speakers)
    lines = {name: dict(read_prompts(folder)) for name, folder in folders.items()}
    promised = {
        f"{name}-{sentence}": folders[name] / "wav" / f"{sentence}.wav"
        for name in folders
        for sentence in lines[name]
    }
    _note_silent(promised, folders.values())
    check_presence(promised, [], allow_failures)
    recordings = {
        name: _read_speaker(lhotse, folder, lines[name])
        for name, folder in tqdm(folders.items(), "CMU ARCTIC", unit=" speakers")
    }
    sets: Sets = {name: [] for name in SETS}
    for source, target in permutations(recordings, 2):
        for sentence, wanted in recordings[target].items():
            name = _set_of(sentence)
            if name and sentence in recordings[source]:
                heard = recordings[source][sentence].wav
                uid = f"{target}-from-{source}-{sentence}"
                pair = Utterance(uid, target, wanted.text, heard, wanted.wav)
                sets[name].append(pair)
    empty = [name for name, pairs in sets.items() if not pairs]
    if empty:
        logging.warning("%s: no sentences of %s", corpus_dir, ", ".join(empty))
    return usable({name: sets[name] for name in sets if name not in empty}, 0)


def _find(corpus_dir: Path, speakers: Sequence[str]) -> dict[str, Path]:
    """Folders of the speakers; ``ARCTIC`` is what torchaudio puts in between."""
    folders = {}
    for speaker in speakers:
        for root in (corpus_dir / "ARCTIC", corpus_dir):
            folder = root / f"cmu_us_{speaker}_arctic"
            if (folder / "etc" / "txt.done.data").is_file():
                folders[speaker] = folder
    absent = [speaker for speaker in speakers if speaker not in folders]
    if absent:
        raise FileNotFoundError(
            f"{corpus_dir}: holds no cmu_us_{absent[0]}_arctic/etc/txt.done.data; "
            f"without --corpus-dir, --download-dir DIR --speakers {' '.join(absent)} "
            "fetches what is missing; or choose other --speakers"
        )
    return folders


def read_prompts(folder: Path) -> Iterator[tuple[str, str]]:
    """Sentence and text of each prompt of a speaker's ``folder``.

    Raises:
        ValueError: a line that is no prompt.
    """
    table = folder / "etc" / "txt.done.data"
    for number, line in enumerate(table.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if not found or not found[2].strip() or not _SENTENCE.fullmatch(found[1]):
            raise ValueError(
                f"{table}:{number}: expected '( arctic_a0001 \"TEXT\" )': '{line}'"
            )
        yield found[1], found[2].replace('\\"', "")


def _note_silent(promised: dict[str, Path], folders: Iterable[Path]) -> None:
    """Log recordings without a prompt: the published corpus has some."""
    expected = set(promised.values())
    for folder in folders:
        extra = [
            path for path in files_of(folder / "wav", ".wav") if path not in expected
        ]
        if extra:
            logging.info("%s: %d recordings without a prompt", folder, len(extra))


def _read_speaker(
    lhotse: ModuleType, folder: Path, lines: dict[str, str]
) -> dict[str, Utterance]:
    """Utterances of a speaker by sentence.

    lhotse stumbles over prompts without a recording, and takes every WAV file below the
    folder for a recording. It gets a copy without either, made of links.
    """
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / folder.name
        for name in ("etc", "wav"):
            (copy / name).mkdir(parents=True)
        prompts = ""
        for sentence, text in lines.items():
            recording = folder / "wav" / f"{sentence}.wav"
            if recording.is_file():
                (copy / "wav" / recording.name).symlink_to(recording.resolve())
                prompts += f'( {sentence} "{text}" )\n'
        table = copy / "etc" / "txt.done.data"
        table.write_text(prompts, encoding="utf-8")
        with reading(folder):
            found = to_utterances(**lhotse.prepare_cmu_arctic(copy))
    return {
        item.uid.partition("-")[2]: Utterance(
            item.uid, item.speaker, item.text, folder / "wav" / item.wav.name
        )
        for item in found
    }


def _set_of(sentence: str) -> str | None:
    """Set of a sentence such as ``arctic_b0001``, the 594th; None: not of the list."""
    found = _SENTENCE.fullmatch(sentence)
    assert found is not None
    letter, number = found[1], int(found[2])
    if number > SENTENCES[letter]:
        return None
    place = number + (SENTENCES["a"] if letter == "b" else 0)
    return next(name for name, last in SETS.items() if place <= last)


def prepare_cmu_arctic(
    corpus_dir: Path, output_dir: Path, **options: Any
) -> dict[str, int]:
    """Write ``arctic-{train,dev,test}/vc``; options: :func:`read_cmu_arctic`."""
    return write_sets(read_cmu_arctic(corpus_dir, **options), output_dir, ("vc",))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("cmu_arctic", __doc__)
    parser.add_argument(
        "--speakers",
        nargs="+",
        choices=list(PUBLISHED),
        default=list(SPEAKERS),
        metavar="NAME",
        help=f"of %(choices)s (default: {' '.join(SPEAKERS)})",
    )
    return prepare_corpus(parser, argv, download_cmu_arctic, prepare_cmu_arctic)


if __name__ == "__main__":
    sys.exit(main())
