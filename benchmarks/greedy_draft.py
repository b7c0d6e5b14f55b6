"""Speed of greedy recognition with CTC's draft beside the plain search, on real speech.

Both decode the same recordings with the same trained model, one utterance at a time,
and take turns; their tokens have to be equal. Printed are medians of CPU seconds, of
the search alone and with the encoder.

    python benchmarks/greedy_draft.py LibriSpeech/*/*/*/*.flac
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from espnet2_ext import STTATTS
from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.drafting import drafted_search
from espnet2_ext.inference.search.recognition import greedy_search
from espnet2_ext.sttatts.symbols import blank_id

OPTIONS = SearchOptions(beam_size=1, ctc_weight=0.0)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of some work, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


@torch.no_grad()
def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="+")
    parser.add_argument("--model", help="default: the one of the package")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    m = STTATTS.from_pretrained(args.model)

    encoder, plain, drafted, tokens, worst = [], [], [], 0, 0.0
    for repeat in range(args.repeats):
        sums = [0.0, 0.0, 0.0]
        for path in args.recordings:
            wave = m.inputs.speech(path, m.audio.sample_rate, None)

            def encode(wave: Any = wave) -> tuple[torch.Tensor, torch.Tensor]:
                batch = m.inputs.pad_speech([wave])
                return m.model.encode_speech(*batch, "asr", padding="exact")

            def plainly(memory: torch.Tensor, lengths: torch.Tensor) -> Any:
                fused = m.model.fuse(memory, "asr")
                decoder = CachedTextDecoder(m.model, fused, lengths)
                return greedy_search(decoder, OPTIONS)

            def by_draft(memory: torch.Tensor, lengths: torch.Tensor) -> Any:
                fused, logits = m.model.fuse(memory, "asr"), m.model.ctc_logits(memory)
                decoder = CachedTextDecoder(m.model, fused, lengths)
                blank = blank_id(logits.size(2))
                return drafted_search(decoder, OPTIONS, logits, blank)

            took, encoded = timed(encode)
            searches = [(1, plainly), (2, by_draft)]
            found = {}
            for place, search in searches[:: 1 if repeat % 2 else -1]:
                cpu, ((found[place],),) = timed(partial(search, *encoded))
                sums[place] += cpu
            sums[0] += took
            if found[1].token_ids != found[2].token_ids:
                raise SystemExit(f"{path}: the transcripts differ")
            worst = max(worst, abs(found[1].score - found[2].score))
            tokens += len(found[1].token_ids) + 1
        for times, cpu in zip((encoder, plain, drafted), sums, strict=True):
            times.append(cpu)
    medians = [statistics.median(times) for times in (encoder, plain, drafted)]
    print(
        f"{len(args.recordings)} recordings, {tokens // args.repeats} tokens, equal in"
    )
    print(
        f"all; scores differ by {worst:.1e} at most. CPU s, medians of {args.repeats}:"
    )
    for name, cpu in zip(("encoder", "plain", "drafted"), medians, strict=True):
        print(f"{name:10}{cpu:8.2f}")
    print(f"search: {medians[1] / medians[2]:.2f} x, with the encoder: ", end="")
    print(f"{(medians[0] + medians[1]) / (medians[0] + medians[2]):.2f} x")


if __name__ == "__main__":
    main()
