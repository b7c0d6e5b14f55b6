"""The Arabic Speech Corpus (ASC): one speaker, Modern Standard Arabic.

Contents: 1,813 utterances for training and 100 for testing, 3.7 hours, 48 kHz WAV;
Modern Standard Arabic with a Damascene accent, one speaker in a studio. Texts are
diacritised, in Buckwalter's letters, and spelled as pronounced (that is what the
restoration of transcripts undoes).
Licence: CC-BY-4.0. Site: http://en.arabicspeechcorpus.com.
Citation: N. Halabi, "Modern Standard Arabic phonetics for speech synthesis", PhD
thesis, University of Southampton, 2016.

Layout, as published::

    arabic-speech-corpus/
        orthographic-transcript.txt     "ARA NORM  0002.wav" "waraj~aHa Alt~aqoriyru"
        phonetic-transcipt.txt  lab/  textgrid/                           (not used)
        wav/ARA NORM  0002.wav
        test set/
            orthographic-transcript.txt  wav/

Sets, for ASR and TTS: test is ASC's own test set; valid is drawn from its training set
by a hash of the ids, the same on every machine; train is the rest. Texts are in Arabic
script and keep their diacritics: the recipe's cleaner strips them where it should.

    python -m local.asc --corpus-dir arabic-speech-corpus --output-dir data
    python -m local.asc --restored restored.txt

The second takes transcripts that a restoration has corrected (tools/restoration).
"""

import argparse
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.archives import download_and_unpack
from local.buckwalter import from_buckwalter
from local.commands import add_valid, corpus_parser, prepare_corpus
from local.downloads import RemoteFile
from local.utterances import Sets, Utterance, as_id, draw, find_root, usable, write_sets

ARCHIVE = RemoteFile(
    "http://en.arabicspeechcorpus.com/arabic-speech-corpus.zip",
    "arabic-speech-corpus.zip",
    size=1_192_302_846,
    # As the Hugging Face loader "arabic_speech_corpus" 2.1.0 records it.
    checksum="sha256:1df85219370fb1ebe8bfc46aa886265586411d04e7c1caa5a5b9847b3ad5f9de",
)
SPEAKER = "asc"
TRANSCRIPT = "orthographic-transcript.txt"
TEST = "test set"
_LINE = re.compile(r'\s*"([^"]+)"\s+"([^"]*)"\s*')
_PREFIX = "ARA NORM"


def download_asc(target_dir: Path) -> Path:
    """Fetch and unpack the corpus; see :func:`local.archives.download_and_unpack`."""
    return download_and_unpack(ARCHIVE, target_dir, "arabic-speech-corpus")


def read_asc(corpus_dir: Path) -> Sets:
    """Read the texts, in Arabic script with diacritics, and find the recordings.

    Args:
        corpus_dir: unpacked corpus, or a folder that holds it.

    Returns:
        ``train`` and ``test`` as published. Recordings are not looked at.

    Raises:
        FileNotFoundError: no corpus there.
        ValueError: a line that cannot be understood; says which.
    """
    root = find_root(corpus_dir, TRANSCRIPT, TEST)
    return {
        "train": _read_part(root, SPEAKER),
        "test": _read_part(root / TEST, f"{SPEAKER}-test"),
    }


def _read_part(folder: Path, prefix: str) -> list[Utterance]:
    path, utterances = folder / TRANSCRIPT, []
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing")
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(
                f'{path}:{number}: not of the form "file.wav" "text": {line[:60]}'
            )
        name, written = found.groups()
        try:
            text = arabic_script(written)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: '{name}': {error}") from None
        uid = f"{prefix}-{as_id(Path(name).stem.removeprefix(_PREFIX))}"
        utterances.append(Utterance(uid, SPEAKER, text, folder / "wav" / name))
    if not utterances:
        raise ValueError(f"{path}: holds no transcripts")
    return utterances


def arabic_script(written: str) -> str:
    """Arabic text of a transcript; punctuation (a few dashes) stays for the cleaner.

    >>> arabic_script("Al^~aAniy fiy")
    'الثَّانِي فِي'

    Raises:
        ValueError: a Latin letter or digit that stands for no Arabic letter.
    """
    text = from_buckwalter(" ".join(written.split()), "asc")
    foreign = sorted(set(re.findall(r"[A-Za-z0-9]", text)))
    if foreign:
        raise ValueError(
            f"{' '.join(foreign)}: not among the letters of ASC's Buckwalter"
        )
    return text


def read_restored(path: Path) -> dict[str, str]:
    """Read ``utt-id text`` lines; a blank or a tab parts the two.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line without text, with further columns, or an id that comes
            twice; says which.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of restored transcripts")
    texts: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        uid, *rest = line.strip().split(maxsplit=1)
        if not rest:
            raise ValueError(f"{path}:{number}: '{uid}' has no text")
        if "\t" in rest[0]:
            raise ValueError(
                f"{path}:{number}: more than two columns; only an id and its text are "
                "expected"
            )
        if uid in texts:
            raise ValueError(f"{path}:{number}: '{uid}' is there twice")
        texts[uid] = rest[0]
    return texts


def with_restored(sets: Sets, path: Path) -> Sets:
    """Replace every text by the restored one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not sound, or lacks utterances; names them.
    """
    texts = read_restored(path)
    uids = [utterance.uid for utterances in sets.values() for utterance in utterances]
    missing = [uid for uid in uids if uid not in texts]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(uids)} utterances have no restored text: "
            f"{', '.join(missing[:10])}{', …' if len(missing) > 10 else ''}"
        )
    unknown = sorted(set(texts) - set(uids))
    if unknown:
        logging.warning(
            "%s: %d ids are not of this corpus: %s", path, len(unknown), unknown[:5]
        )
    return {
        name: [replace(utterance, text=texts[utterance.uid]) for utterance in items]
        for name, items in sets.items()
    }


VALID = 40
"""Two of a hundred training utterances; ClArTTS gives as large a share."""


def asc_sets(
    corpus_dir: Path,
    restored: Path | None = None,
    valid: int = VALID,
    allow_failures: int = 0,
) -> Sets:
    """Read the corpus and part it into ``train``, ``valid`` and ``test``.

    Args:
        corpus_dir: unpacked corpus.
        restored: ``utt-id text`` lines for every utterance, instead of the published
            texts.
        valid: utterances to validate on, drawn from the training set.
        allow_failures: utterances without recording or text that may be dropped.

    Raises:
        FileNotFoundError: no corpus, or no such file.
        ValueError: what the corpus or ``restored`` lacks, by id.
    """
    sets = read_asc(corpus_dir)
    if restored is not None:
        sets = with_restored(sets, restored)
    sets = usable(sets, allow_failures)
    drawn, train = draw(sets["train"], valid, salt="asc valid")
    return {"train": train, "valid": drawn, "test": sets["test"]}


def prepare_asc(corpus_dir: Path, output_dir: Path, **options: Any) -> dict[str, int]:
    """Write each set for ASR and TTS; options and errors: :func:`asc_sets`."""
    return write_sets(asc_sets(corpus_dir, **options), output_dir, ("asr", "tts"))


def add_restored(parser: argparse.ArgumentParser) -> None:
    """Add ``--restored``."""
    parser.add_argument(
        "--restored",
        type=Path,
        metavar="FILE",
        help="restored transcripts, lines 'utt-id text', of every utterance of ASC",
    )


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("asc", __doc__)
    add_restored(parser)
    add_valid(parser, VALID)
    return prepare_corpus(parser, argv, download_asc, prepare_asc)


if __name__ == "__main__":
    sys.exit(main())
