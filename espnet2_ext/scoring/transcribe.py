"""``sttatts_score transcribe``: a judge's transcripts of a set, as a baseline.

They are laid out as those of ``sttatts_inference``, so that ``sttatts_score asr``
scores them in the same way.
"""

import re
from pathlib import Path
from typing import Any

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.tables import write_table
from espnet2_ext.scoring.judges import WHISPER, Heard, Judge, Listener
from espnet2_ext.scoring.results.result_file import write_json
from espnet2_ext.scoring.texts import name_some, read_recordings

TEXT = Path("1best_recog", "text")
FAILED = "failed"
"""Ids and reasons, as ``sttatts_inference`` writes them."""
RECOGNIZER = "recognizer.json"
"""What made the transcripts."""

_WHISPER_MILLIONS = {
    **{"tiny": 39, "base": 74, "small": 244, "medium": 769, "large": 1550},
    **{"large-v1": 1550, "large-v2": 1550, "large-v3": 1550},
    **{"large-v3-turbo": 809, "turbo": 809},
}
"""Parameters by size, as OpenAI's model card has them."""


def transcribe_set(
    judge: Judge, recordings: Path, output_dir: Path, origin: dict[str, Any]
) -> dict[str, Any]:
    """Let a judge write down every recording of a ``wav.scp`` or a folder.

    ``output_dir`` gets ``1best_recog/text`` (whole or not there), ``failed``, the
    judge's memory, with which a killed run goes on where it was, and
    ``recognizer.json``, whose content is given back; ``origin`` is what else is to
    stand in it.

    Raises:
        FileNotFoundError: a recording is not there; nothing has been judged then.
        ValueError: a recording cannot be used; all others have been written.
        OSError: no table, or a folder that cannot be written.
    """
    paths = read_recordings(recordings)
    gone = [uid for uid, path in paths.items() if not path.is_file()]
    if gone:
        raise FileNotFoundError(
            f"{recordings}: no audio file for {name_some(gone)}; e.g. {paths[gone[0]]}"
        )
    listener = Listener(judge, output_dir)
    heard: dict[str, Heard] = {}
    failed: dict[str, str] = {}
    for uid, path in progress_bar(paths.items(), desc=judge.name, unit="utt"):
        try:
            wave = load_speech(str(path), 0, judge.sample_rate, max_seconds=None)
        except BadInputError as error:
            failed[uid] = str(error)
            continue
        heard[uid] = listener.hear(wave)
    seconds = sum(one.seconds for one in heard.values())
    took = sum(one.took for one in heard.values())
    content = {
        **listener.describe(),
        "parameters": count_parameters(judge.name),
        "utterances": len(heard),
        "seconds": seconds,
        "real_time_factor": took / seconds if seconds else None,
        **origin,
    }
    write_json(output_dir / RECOGNIZER, content)
    write_table(output_dir / FAILED, failed, ordered=False)
    texts = {uid: " ".join(one.text.split()) for uid, one in heard.items()}
    write_table(output_dir / TEXT, texts, ordered=False)
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(paths)} recordings cannot be used and have no "
            f"transcript: {name_some(failed)}; {output_dir / FAILED} says why"
        )
    return content


def count_parameters(judge: str) -> int | None:
    """Look up the size of a judge; None if only its weights know.

    >>> count_parameters("whisper:base.en")
    74000000
    """
    size = re.sub(r"\.en$", "", judge.removeprefix(WHISPER))
    millions = _WHISPER_MILLIONS.get(size)
    return None if millions is None else millions * 1_000_000
