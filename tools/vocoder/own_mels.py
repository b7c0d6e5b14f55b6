"""What a trained model makes of recordings, from their true past.

A vocoder that has only met the mel spectrograms of recordings does not know what a
model's are like, which are smoother. These have the recording's own timing, so that the
vocoder can learn what they should have sounded like.
"""

from pathlib import Path

import numpy as np
import torch

from espnet2_ext.audio import load_speech
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.options import ReadingOptions
from espnet2_ext.io.arks import read_arks
from espnet2_ext.io.files import write_array
from espnet2_ext.io.messages import listed
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store, digest_of, file_state
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.task_losses import teacher_forced_speech
from tools.vocoder.corpus import recordings

AS_IT_IS = ReadingOptions(normalize=False, cut=False)


@torch.no_grad()
def write_own_mels(
    files: ModelFiles, folder: Path, output_dir: Path, device: str, batch_size: int = 8
) -> int:
    """Write ``<id>.npy`` (L, F), half precision, for each recording that has none.

    Those of another model, or of this one before it was trained further, are removed.

    Args:
        files: of the model.
        folder: data directory ``<set>/tts``, with ``spembs.scp``.
        output_dir: is made.
        device: where it is computed.
        batch_size: recordings at once, of like length.

    Returns:
        How many were written.

    Raises:
        FileNotFoundError, ValueError: no such model or data, or they do not fit.
    """
    model = STTATTS(files, device=device)
    model.require("tts")
    paths, texts = recordings(folder), read_table(folder / "text").values
    vectors = read_arks(folder / "spembs.scp")
    if lost := sorted({*paths} - ({*texts} & {*vectors})):
        raise ValueError(f"{folder}: no text or no speaker vector of {listed(lost)}")

    def remove_others() -> None:
        for path in output_dir.glob("*.npy"):
            path.unlink()

    weights = files.model_file
    made_of = digest_of([str(weights.resolve()), file_state(weights)])
    Store(output_dir / "model.jsonl", made_of, remove_others)
    left = [name for name in paths if not (output_dir / f"{name}.npy").is_file()]
    left.sort(key=lambda name: Path(paths[name]).stat().st_size)
    rate = model.audio.sample_rate
    with progress_bar(total=len(left), desc="own mels", unit="utt") as bar:
        for first in range(0, len(left), batch_size):
            names = left[first : first + batch_size]
            waves = [load_speech(paths[n], 0, rate, max_seconds=None) for n in names]
            ids = [model.inputs.pieces(texts[n], AS_IT_IS)[0].ids for n in names]
            speech, lengths = model.inputs.pad_speech(waves)
            tokens, token_lengths = model.inputs.pad_text(ids)
            spembs = torch.from_numpy(np.stack([vectors[n] for n in names]))
            forced = teacher_forced_speech(
                model.model,
                "tts",
                {
                    "tts_speech": speech,
                    "tts_speech_lengths": lengths,
                    "tts_text": tokens,
                    "tts_text_lengths": token_lengths,
                    "tts_spembs": spembs.float().to(model.device),
                },
            )
            frames = (forced.steps * model.model.config.reduction_factor).tolist()
            for name, mel, count in zip(
                names, forced.output.after, frames, strict=True
            ):
                write_array(
                    output_dir / f"{name}.npy", mel[:count].half().cpu().numpy()
                )
            bar.update(len(names))
    return len(left)
