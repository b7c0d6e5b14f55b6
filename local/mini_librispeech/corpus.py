"""Mini LibriSpeech: five hours of 28 people reading English.

Contents: train-clean-5 (1,519 utterances, 5.4 hours, 28 speakers), a part of
LibriSpeech's train-clean-100 in its layout (:mod:`local.librispeech`).
Licence: CC-BY-4.0. Address: https://www.openslr.org/31.
"""

from pathlib import Path

from local.corpus_parts import Part, fetch_part
from local.downloads import RemoteFile
from local.librispeech import FOLDER, read_librispeech
from local.utterances import Utterance

BASE_URL = "https://www.openslr.org/resources/31"
TRAINING = "train-clean-5"

# No checksums are published; archives are checked by their own while they unpack.
PARTS = {TRAINING: Part(1519, 5.4, "")}


def download_mini_librispeech(target_dir: Path, base_url: str = BASE_URL) -> Path:
    """Fetch and unpack train-clean-5; see :func:`local.corpus_parts.fetch_part`."""
    name = f"{TRAINING}.tar.gz"
    remote = RemoteFile(f"{base_url}/{name}", f"{FOLDER}-{name}")
    return fetch_part(remote, target_dir, f"{FOLDER}/{TRAINING}").parent


def read_mini_librispeech(corpus_dir: Path, allow_failures: int = 0) -> list[Utterance]:
    """Read the utterances of train-clean-5, as :func:`read_librispeech` does."""
    parts = [TRAINING]
    return read_librispeech(corpus_dir, parts, allow_failures, PARTS)[TRAINING]
