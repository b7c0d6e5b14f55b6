"""Speech generation: cached, batched, every row stopping by itself.

B utterances, T memory frames, F mel bins, r the reduction factor.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.inference.reader import Reader
from espnet2_ext.inference.search.caches import keep_rows
from espnet2_ext.inference.vocoders.streaming import WindowStream
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.layers import valid_mask


class GeneratedMel(NamedTuple):
    """One generated utterance of L frames."""

    mel: Tensor
    """(L, F) log10 mel after the post-net."""
    stop_probs: Tensor
    """(L,)"""
    attention: Tensor | None
    """(layers, H, L / r, T) cross-attention weights."""
    stopped: bool
    """True if the model stopped by itself, False if it ran into the length limit."""


class _DropoutMasks:
    """Pre-net dropout of one utterance from (seed, utterance id) alone."""

    BLOCK = 64

    def __init__(self, seed: int, utterance_id: str, shape: tuple[int, int], p: float):
        digest = hashlib.sha256(f"{seed}\0{utterance_id}".encode()).digest()
        # Drawn on the CPU: every device gives the same speech.
        self.generator = torch.Generator().manual_seed(
            int.from_bytes(digest[:8], "big") >> 1
        )
        self.shape, self.p = shape, p

    def __iter__(self) -> Iterator[Tensor]:
        while True:
            drawn = torch.rand(self.BLOCK, *self.shape, generator=self.generator)
            yield from drawn >= self.p


class Step(NamedTuple):
    """What one step of the decoder adds to the A utterances still under way."""

    rows: list[int]
    """Their places in the batch."""
    frames: Tensor
    """(A, r, F) before the post-net."""
    stop_probs: Tensor
    """(A, r)"""
    attention: Tensor | None
    """(A, layers, H, T) cross-attention weights."""
    stopped: list[bool]
    """Which of them end here by themselves."""


@torch.no_grad()
def generate(
    model: ESPnetSTTATTSModel,
    memory: Tensor,
    memory_lengths: Tensor,
    spembs: Tensor,
    utterance_ids: Sequence[str],
    options: GenerationOptions | None = None,
    task: str = "tts",
    language: Tensor | None = None,
) -> list[GeneratedMel]:
    """Speak a batch of utterances; each comes out as it would alone.

    The arguments are those of :func:`generate_steps`.

    Returns:
        One result per row, in the order of the rows.
    """
    lengths = memory_lengths.tolist()
    frames: list[list[Tensor]] = [[] for _ in lengths]
    probabilities: list[list[Tensor]] = [[] for _ in lengths]
    attentions: list[list[Tensor]] = [[] for _ in lengths]
    stopped = [False] * len(lengths)
    for step in generate_steps(
        model, memory, memory_lengths, spembs, utterance_ids, options, task, language
    ):
        for place, row in enumerate(step.rows):
            frames[row].append(step.frames[place])
            probabilities[row].append(step.stop_probs[place])
            if step.attention is not None:
                attentions[row].append(step.attention[place, :, :, : lengths[row]])
            stopped[row] = step.stopped[place]
    return _finish(model, frames, probabilities, attentions, stopped)


@torch.no_grad()
def generate_steps(
    model: ESPnetSTTATTSModel,
    memory: Tensor,
    memory_lengths: Tensor,
    spembs: Tensor,
    utterance_ids: Sequence[str],
    options: GenerationOptions | None = None,
    task: str = "tts",
    language: Tensor | None = None,
) -> Iterator[Step]:
    """Generate a batch of utterances step by step.

    Follows the released loop: start from one zero frame, emit r frames a step, feed
    the last of them back, stop on any of the r probabilities or at the limit.

    Args:
        model: The model, in evaluation mode.
        memory: (B, T, D) after task fusion.
        memory_lengths: (B,) real frames.
        spembs: (B, E) speaker embeddings.
        utterance_ids: B names that, with the seed, decide the dropout.
        options: when to stop.
        task: ``tts`` or ``vc``: a model with a window for it keeps to its place in
            the memory.
        language: (B,) indices, for a model with language vectors.

    Yields:
        What each step adds.
    """
    options = options or GenerationOptions()
    r, prenet = model.config.reduction_factor, model.speech_decoder_prenet
    chosen = (options.prenet_dropout, model.config.generation_prenet_dropout)
    p = next((value for value in chosen if value is not None), prenet.prenet_dropout)
    shape = (len(prenet.layers), model.config.prenet_units)
    masks = [iter(_DropoutMasks(options.seed, uid, shape, p)) for uid in utterance_ids]
    lengths = memory_lengths.tolist()
    limits = [max(1, int(n * options.most_frames / r)) for n in lengths]
    least = [int(n * options.minlenratio / r) for n in lengths]

    alive = list(range(len(lengths)))
    decoder = model.decoder_of(task, len(lengths), language)
    memory_mask = valid_mask(memory_lengths, memory.size(1))
    caches = decoder.start(memory, memory_mask)
    newest = memory.new_zeros(len(lengths), 1, model.config.audio.n_mels)
    reader = (
        Reader(model.config, task, memory_lengths)
        if any(model.config.window_of(task))
        else None
    )
    look = options.attention or reader is not None
    for step in range(max(limits)):
        keep = None
        if p > 0:
            drawn = torch.stack([next(masks[row]) for row in alive], dim=1)
            keep = list(drawn.unsqueeze(2).to(memory.device))
        x = prenet(newest, spembs, p, step, keep)
        window = None if reader is None else reader.window(memory_mask.size(1))
        x, caches, weights = decoder.step(x, caches, memory_mask, look, window=window)
        if reader is not None:
            reader.move(weights)
        emitted, stop_logits = model.speech_decoder_postnet.frames(x)
        stops = stop_logits.float().sigmoid()
        layers = torch.stack(weights, dim=1)[:, :, :, 0] if options.attention else None
        ends = (stops >= options.threshold).any(dim=1)
        if reader is not None:
            ends = ends | reader.finished
        stopped = [
            end and step + 1 >= least[row]
            for row, end in zip(alive, ends.tolist(), strict=True)
        ]
        yield Step(alive, emitted, stops, layers, stopped)
        going_on = [
            place
            for place, row in enumerate(alive)
            if not stopped[place] and step + 1 < limits[row]
        ]
        if not going_on:
            break
        newest = emitted[:, -1:]
        if len(going_on) < len(alive):
            places = torch.tensor(going_on, device=memory.device)
            alive = [alive[place] for place in going_on]
            caches = [keep_rows(cache, places) for cache in caches]
            memory_mask, spembs, newest = (
                value.index_select(0, places) for value in (memory_mask, spembs, newest)
            )
            if reader is not None:
                reader.keep(places)


def _finish(
    model: ESPnetSTTATTSModel,
    frames: list[list[Tensor]],
    probabilities: list[list[Tensor]],
    attentions: list[list[Tensor]],
    stopped: list[bool],
) -> list[GeneratedMel]:
    """Run the post-net over each row's own frames and gather the results."""
    before = [torch.cat(row) for row in frames]
    lengths = torch.tensor([len(row) for row in before], device=before[0].device)
    padded = torch.nn.utils.rnn.pad_sequence(before, batch_first=True)
    after = model.speech_decoder_postnet.refine(padded, lengths)
    return [
        GeneratedMel(
            after[row, : lengths[row]].float(),
            torch.cat(probabilities[row]),
            torch.stack(attentions[row], dim=2).float() if attentions[row] else None,
            stopped[row],
        )
        for row in range(len(before))
    ]


def refining_stream(model: ESPnetSTTATTSModel) -> WindowStream:
    """Make a stream of the post-net's frames (L, F) of those before it."""
    postnet = model.speech_decoder_postnet

    def refine(frames: Tensor) -> Tensor:
        return postnet.refine(frames.unsqueeze(0))[0] if len(frames) else frames

    return WindowStream(refine, postnet.reach, 1)
