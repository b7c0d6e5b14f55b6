"""Data directories as ESPnet's training takes them."""

from collections.abc import Iterable
from pathlib import Path

TABLES = {
    "asr": ("wav.scp,asr_speech,sound", "text,asr_text,text"),
    "tts": ("text,tts_text,text", "wav.scp,tts_speech,sound"),
    "vc": ("wav.scp,vc_speech,sound", "target.scp,vc_target,sound"),
}
"""Table of a data directory, name of the data in ESPnet, and how it is read."""


def data_entries(folder: Path, named_speakers: bool = False) -> list[str]:
    """Data of a directory ``<set>/<task>`` as ESPnet's ``data_path_and_name_and_type``.

    Args:
        folder: tables that it lacks are left out.
        named_speakers: names of speakers, not embeddings, say whose voice is wanted.
    """
    task = folder.name
    entries = list(TABLES[task])
    if task != "asr":
        speakers = "utt2spk,{},text" if named_speakers else "spembs.scp,{},kaldi_ark"
        entries.append(speakers.format(f"{task}_spembs"))
    found = [e for e in entries if (folder / e.split(",")[0]).is_file()]
    return [f"{folder}/{entry}" for entry in found]


def data_words(part: str, folders: Iterable[Path], stats: Path) -> list[str]:
    """Options of ``sttatts_train`` for the data of ``train`` or ``valid``.

    Args:
        part: which of them.
        folders: data directories ``…/<set>/<task>``.
        stats: has their lengths, in ``<set>/<task>``.
    """
    words = []
    for folder in folders:
        entries = data_entries(folder)
        languages = folder / "utt2lang"
        if languages.is_file():  # decoding is told by --language
            entries.append(f"{languages},{folder.name}_language,text")
        words += [f"--{part}_data_path_and_name_and_type={one}" for one in entries]
        lengths = stats / folder.parent.name / folder.name
        words += [
            f"--{part}_shape_file={path}" for path in sorted(lengths.glob("*_shape"))
        ]
    return words
