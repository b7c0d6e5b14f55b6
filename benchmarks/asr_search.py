"""Speed of the recognition search beside ESPnet's and Hugging Face's.

Every peer decodes one utterance with a decoder of the paper's size (768 wide, 12 heads,
6 layers, 3072 inner) and random weights; the end symbol is held back, so that all take
the same number of steps.  The encoder is not measured: its output is random as well.
Each measurement is a fresh process, and the peers take turns.  Printed are medians of
user plus system CPU seconds; with several threads, look at the wall clock too.

    python benchmarks/asr_search.py --repeats 5 --threads 1
"""

import argparse
import json
import logging
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

VOCABULARY, WIDTH, HEADS, LAYERS, INNER = 98, 768, 12, 6, 3072
FRAMES_PER_SECOND = 50
EOS = 2

# Buffers that the allocator gives back and asks for again cost more than some of the
# searches do, and differently from run to run.
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}

Search = Callable[[int], int]
"""Decodes a number of steps and returns the number it took."""


def ours(memory: torch.Tensor, beam: int, ctc_weight: float) -> Search:
    """Our search."""
    from espnet2_ext.inference.options import SearchOptions
    from espnet2_ext.inference.search.recognition import search
    from espnet2_ext.sttatts.config import ModelConfig
    from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
    from espnet2_ext.sttatts.symbols import build_token_list

    config = ModelConfig(
        d_model=WIDTH, heads=HEADS, decoder_layers=LAYERS, ffn=INNER, encoder_layers=1
    )
    tokens = build_token_list([f"c{i}" for i in range(VOCABULARY - 6)])
    model = ESPnetSTTATTSModel(config, tokens).eval()
    lengths = torch.tensor([memory.size(1)])

    def run(steps: int) -> int:
        options = SearchOptions(
            beam, ctc_weight, max_length=steps - 1, min_length=steps - 1
        )
        best = search(model, memory, lengths, options)[0][0]
        return len(best.token_ids) + 1

    return run


def espnet(memory: torch.Tensor, beam: int, ctc_weight: float) -> Search:
    """ESPnet's BatchBeamSearch with ESPnet's Transformer decoder and CTC scorer."""
    from espnet2.asr.ctc import CTC
    from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
    from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
    from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer

    decoder = TransformerDecoder(VOCABULARY, WIDTH, HEADS, INNER, LAYERS).eval()
    decoder.output_layer.bias.data[EOS] = -1e4
    scorers, weights = {"decoder": decoder}, {"decoder": 1.0 - ctc_weight}
    if ctc_weight > 0:
        ctc = CTC(VOCABULARY, WIDTH).eval()
        scorers["ctc"] = CTCPrefixScorer(ctc, EOS)
        weights["ctc"] = ctc_weight
    search = BatchBeamSearch(
        scorers=scorers,
        weights=weights,
        beam_size=beam,
        vocab_size=VOCABULARY,
        sos=EOS,
        eos=EOS,
        normalize_length=True,
        pre_beam_score_key="full",
    )

    def run(steps: int) -> int:
        best = search(memory[0], maxlenratio=-float(steps))[0]
        return len(best.yseq) - 2  # the last step adds the end without scoring it

    return run


def hugging_face(memory: torch.Tensor, beam: int, ctc_weight: float) -> Search:
    """SpeechT5ForSpeechToText.generate; it has no CTC."""
    from transformers import SpeechT5Config, SpeechT5ForSpeechToText
    from transformers.modeling_outputs import BaseModelOutput

    config = SpeechT5Config(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        decoder_attention_heads=HEADS,
        decoder_layers=LAYERS,
        decoder_ffn_dim=INNER,
        encoder_layers=1,
    )
    model = SpeechT5ForSpeechToText(config).eval()

    def run(steps: int) -> int:
        tokens = model.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=memory),
            num_beams=beam,
            do_sample=False,
            min_new_tokens=steps,
            max_new_tokens=steps,
        )
        return tokens.size(1) - 1

    return run


PEERS: dict[str, tuple[Callable[[torch.Tensor, int, float], Search], int, float]] = {
    "ours greedy": (ours, 1, 0.0),
    "Hugging Face greedy": (hugging_face, 1, 0.0),
    "ours beam 5": (ours, 5, 0.0),
    "Hugging Face beam 5": (hugging_face, 5, 0.0),
    "ESPnet beam 5": (espnet, 5, 0.0),
    "ours beam 5 CTC 0.5": (ours, 5, 0.5),
    "ESPnet beam 5 CTC 0.5": (espnet, 5, 0.5),
}
RATIOS = [
    ("Hugging Face greedy", "ours greedy"),
    ("Hugging Face beam 5", "ours beam 5"),
    ("ESPnet beam 5", "ours beam 5"),
    ("ESPnet beam 5 CTC 0.5", "ours beam 5 CTC 0.5"),
    ("Hugging Face beam 5", "ours beam 5 CTC 0.5"),
]


@torch.no_grad()
def measure(peer: str, steps: int, seconds: float, threads: int) -> dict[str, float]:
    """Decode once in this process, after a short warm-up."""
    logging.disable(logging.WARNING)  # ESPnet warns that a limit was reached
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    memory = torch.randn(1, int(seconds * FRAMES_PER_SECOND) - 1, WIDTH)
    make, beam, ctc_weight = PEERS[peer]
    run = make(memory, beam, ctc_weight)
    run(5)
    wall, cpu = time.perf_counter(), cpu_seconds()
    taken = run(steps)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    if taken != steps:
        raise RuntimeError(f"{peer} took {taken} steps instead of {steps}")
    return {"cpu": cpu, "wall": wall}


def cpu_seconds() -> float:
    """User and system time of this process (s)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_in_new_process(peer: str, args: argparse.Namespace) -> dict[str, float]:
    """Run :func:`measure` in a process of its own."""
    threads = str(args.threads)
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--peer", peer, "--threads", threads),
            *("--steps", str(args.steps), "--seconds", str(args.seconds)),
        ],
        env={
            **os.environ,
            **ALLOCATOR,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
        },
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def print_table(results: dict[str, list[dict[str, float]]], steps: int) -> None:
    """Print medians, and how much faster ours is."""
    medians = {
        peer: statistics.median(run["cpu"] for run in runs)
        for peer, runs in results.items()
    }
    print(
        f"\n{'peer':24}{'runs':>5}{'CPU s':>8}{'ms/step':>9}{'wall s':>8}{'range':>14}"
    )
    for peer, runs in results.items():
        cpu = [run["cpu"] for run in runs]
        wall = statistics.median(run["wall"] for run in runs)
        spread = f"{min(cpu):.2f}-{max(cpu):.2f}"
        print(
            f"{peer:24}{len(runs):5}{medians[peer]:8.2f}"
            f"{medians[peer] / steps * 1000:9.1f}{wall:8.2f}{spread:>14}"
        )
    print()
    for slow, fast in RATIOS:
        if slow in medians and fast in medians:
            print(f"{slow} / {fast}: {medians[slow] / medians[fast]:.2f}")


def main() -> None:
    """Measure all peers, or one in this process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each peer")
    parser.add_argument(
        "--espnet_repeats", type=int, help="runs of the slowest peers, if fewer"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=100, help="tokens to decode")
    parser.add_argument("--seconds", type=float, default=10.0, help="audio length")
    parser.add_argument(
        "--peer", choices=PEERS, help="measure only this one, in this process"
    )
    args = parser.parse_args()
    if args.peer:
        print(json.dumps(measure(args.peer, args.steps, args.seconds, args.threads)))
        return
    results: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
    for repeat in range(args.repeats):
        for peer, runs in results.items():
            limit = args.espnet_repeats if peer.startswith("ESPnet") else None
            if limit is not None and repeat >= limit:
                continue
            runs.append(measure_in_new_process(peer, args))
            print(f"{repeat + 1} {peer}: {runs[-1]['cpu']:.2f} CPU s", flush=True)
    print_table(results, args.steps)


if __name__ == "__main__":
    main()
