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

Write data directories for voice conversion of CMU ARCTIC.

Every speaker's reading of a sentence is to be turned into every other's:
arctic-train/vc, arctic-dev/vc and arctic-test/vc hold wav.scp (what is heard),
target.scp (what is wanted), text, and in utt2spk the speaker that is wanted. 932, 100
and 100 sentences, as SpeechT5 parts them; four speakers give twelve pairs of each.

    python -m local.cmu_arctic --corpus-dir /data/cmu_arctic
    python -m local.cmu_arctic --download-dir downloads --speakers bdl slt

Without --corpus-dir the speakers are downloaded: checked against published checksums,
continued after an interruption, and never a second time.
"""

import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from pathlib import Path
from types import ModuleType

from tqdm import tqdm

from local.commands import corpus_parser, prepare_corpus
from local.corpus_parts import check_presence, fetch_part, files_of
from local.downloads import RemoteFile
from local.lhotse_export import reading, recipe, to_utterances
from local.utterances import Sets, Utterance, usable, write_sets

BASE_URL = "http://festvox.org/cmu_arctic/packed"
SPEAKERS = ("bdl", "clb", "rms", "slt")
"""Two women (clb, slt) and two men (bdl, rms) of American accent: those of SpeechT5."""

# SHA-256 sums of the archives as torchaudio's dataset has them.
ARCHIVES = {
    "aew": "645cb33c0f0b2ce41384fdd8d3db2c3f5fc15c1e688baeb74d2e08cab18ab406",
    "ahw": "024664adeb892809d646a3efd043625b46b5bfa3e6189b3500b2d0d59dfab06c",
    "aup": "2c55bc3050caa996758869126ad10cf42e1441212111db034b3a45189c18b6fc",
    "awb": "d74a950c9739a65f7bfc4dfa6187f2730fa03de5b8eb3f2da97a51b74df64d3c",
    "axb": "dd65c3d2907d1ee52f86e44f578319159e60f4bf722a9142be01161d84e330ff",
    "bdl": "26b91aaf48b2799b2956792b4632c2f926cd0542f402b5452d5adecb60942904",
    "clb": "3f16dc3f3b97955ea22623efb33b444341013fc660677b2e170efdcc959fa7c6",
    "eey": "8a0ee4e5acbd4b2f61a4fb947c1730ab3adcc9dc50b195981d99391d29928e8a",
    "fem": "3fcff629412b57233589cdb058f730594a62c4f3a75c20de14afe06621ef45e2",
    "gka": "dc82e7967cbd5eddbed33074b0699128dbd4482b41711916d58103707e38c67f",
    "jmk": "3a37c0e1dfc91e734fdbc88b562d9e2ebca621772402cdc693bbc9b09b211d73",
    "ksp": "8029cafce8296f9bed3022c44ef1e7953332b6bf6943c14b929f468122532717",
    "ljm": "b23993765cbf2b9e7bbc3c85b6c56eaf292ac81ee4bb887b638a24d104f921a0",
    "lnh": "4faf34d71aa7112813252fb20c5433e2fdd9a9de55a00701ffcbf05f24a5991a",
    "rms": "c6dc11235629c58441c071a7ba8a2d067903dfefbaabc4056d87da35b72ecda4",
    "rxr": "1fa4271c393e5998d200e56c102ff46fcfea169aaa2148ad9e9469616fbfdd9b",
    "slp": "54345ed55e45c23d419e9a823eef427f1cc93c83a710735ec667d068c916abf1",
    "slt": "7c173297916acf3cc7fcab2713be4c60b27312316765a90934651d367226b4ea",
}

SETS = {"arctic-train": 932, "arctic-dev": 1032, "arctic-test": 1132}
"""Last sentence of each set: 932, 100 and 100 sentences, SpeechT5's split."""

SENTENCES = {"a": 593, "b": 539}
"""Of both halves of the list; a few speakers have read more."""

_LINE = re.compile(r'\(\s*(\S+)\s+"(.*)"\s*\)')
_SENTENCE = re.compile(r"arctic_([ab])(\d{4})")


def download_cmu_arctic(
    target_dir: Path, speakers: Sequence[str] = SPEAKERS, base_url: str = BASE_URL
) -> Path:
    """Fetch and unpack speakers; what is complete is not fetched again.

    Args:
        target_dir: gets the archives, and ``cmu_us_<speaker>_arctic/``.
        speakers: keys of :data:`ARCHIVES`.
        base_url: of the archives.

    Returns:
        ``target_dir``.

    Raises:
        DownloadError: an archive could not be fetched or is not as published.
        ValueError: an archive is damaged.
    """
    for speaker in speakers:
        folder = f"cmu_us_{speaker}_arctic"
        archive = f"{folder}.tar.bz2"
        checksum = f"sha256:{ARCHIVES[speaker]}"
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


TASKS = ("vc",)


def prepare_cmu_arctic(
    corpus_dir: Path,
    output_dir: Path,
    speakers: Sequence[str] = SPEAKERS,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``arctic-train/vc``, ``arctic-dev/vc`` and ``arctic-test/vc``.

    Other arguments and errors are those of :func:`read_cmu_arctic`.

    Returns:
        Utterances by set.
    """
    sets = read_cmu_arctic(corpus_dir, speakers, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("cmu_arctic", __doc__)
    parser.add_argument(
        "--speakers",
        nargs="+",
        choices=list(ARCHIVES),
        default=list(SPEAKERS),
        metavar="NAME",
        help=f"of %(choices)s (default: {' '.join(SPEAKERS)})",
    )
    return prepare_corpus(parser, argv, download_cmu_arctic, prepare_cmu_arctic)


if __name__ == "__main__":
    sys.exit(main())
