r"""The Arabic Speech Corpus.

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
"""

import re
from pathlib import Path

from espnet2_ext.text.buckwalter import from_buckwalter
from local.archives import download_and_unpack
from local.downloads import RemoteFile
from local.utterances import Sets, Utterance, as_id, find_root

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
    """Fetch and unpack the corpus (1.2 GB).

    Args:
        target_dir: gets ``arabic-speech-corpus.zip`` and the folder of the same name.

    Returns:
        The corpus folder; an existing one is taken as it is.

    Raises:
        DownloadError: it could not be fetched.
        ValueError: the archive is damaged.
    """
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
