"""faster-whisper, greedy and in 8 bits, for long recordings.

Its models are five and more times as large as the packaged one and know far more; what
is compared is the time.
"""

import torch
from faster_whisper import WhisperModel

from benchmarks.peers import work
from espnet2_ext.scoring.weights import find_weights


def _long() -> work.Run:
    model = WhisperModel(
        str(find_weights("base")),
        device="cpu",
        compute_type="int8",
        cpu_threads=torch.get_num_threads(),
    )

    def run() -> None:
        for path in work.RECORDINGS:
            segments, _ = model.transcribe(str(path), language="en", beam_size=1)
            for _ in segments:
                pass

    return run


MAKERS: dict[str, work.Make] = {"long": _long}
