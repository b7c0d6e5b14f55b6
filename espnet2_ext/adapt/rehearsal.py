"""What keeps a model's old abilities while it learns something new."""

from collections.abc import Sequence
from pathlib import Path

from espnet2_ext.adapt.checks import Good, check_clips
from espnet2_ext.adapt.options import NONE, SELF
from espnet2_ext.adapt.sources import read_clips
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.io.files import write_wav
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store

READINGS = 60
"""Of the model's own voices: three or four minutes."""

UNDERSTOOD = 0.3
"""Share of letters misheard up to which a reading is worth repeating; ears that are
told to hear the text in noise learn nonsense."""

BATCH = 8


def rehearse(
    choice: str, model: STTATTS, texts: Sequence[str], folder: Path
) -> list[Good]:
    """Get recordings of what the model can do already.

    Args:
        choice: ``self``, ``none``, or a source of recordings.
        model: before it learns.
        texts: that its own voices read, one after the other.
        folder: gets the files; what is there is not made again.

    Raises:
        FileNotFoundError, ValueError: no such recordings, or none of use.
    """
    if choice == NONE:
        return []
    if choice != SELF:
        clips = read_clips(Path(choice), folder)
        good = check_clips(clips, model, folder, trust=True).good
        if not good:
            raise ValueError(f"{choice}: no recording is of use for rehearsal")
        return [each._replace(uid=f"old_{each.uid}") for each in good]
    voices = model.inputs.speaker_table.names
    if not voices or not {"asr", "tts"} <= {*model.tasks}:
        return []
    return _own_readings(model, voices, texts, folder)


def _own_readings(
    model: STTATTS, voices: Sequence[str], texts: Sequence[str], folder: Path
) -> list[Good]:
    rate, store = model.audio.sample_rate, Store(folder / "readings.jsonl")
    wanted = [
        (f"own_{i:03d}", voices[i % len(voices)], texts[i % len(texts)])
        for i in range(min(READINGS, len(voices) * len(texts)))
    ]
    waiting = [each for each in wanted if store.get(each[0]) is None]
    with progress_bar(total=len(waiting), desc="own voices", unit="reading") as bar:
        for start in range(0, len(waiting), BATCH):
            uids, speakers, said = zip(*waiting[start : start + BATCH], strict=True)
            spoken = model.synthesize(
                list(said), list(speakers), check=True, check_tries=1, cut=False
            )
            for uid, speech in zip(uids, spoken, strict=True):
                assert speech.check is not None
                write_wav(folder / f"{uid}.wav", speech.wav, speech.sample_rate)
                good = speech.stopped and speech.sample_rate == rate
                error = speech.check.error if good else 1.0
                store.add({uid: {"error": error, "samples": len(speech.wav)}})
            bar.update(len(uids))
    kept = []
    for uid, voice, text in wanted:
        record = store.get(uid)
        if record is not None and record["error"] <= UNDERSTOOD:
            path = str(folder / f"{uid}.wav")
            kept.append(Good(uid, path, text, voice, record["samples"]))
    return kept
