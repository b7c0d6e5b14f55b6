"""Recognition search: from encoded speech to n-best transcripts.

U utterances, T memory frames, D width, V vocabulary.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import (
    BeamSearch,
    Hypothesis,
    banned_tokens,
)
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import (
    NEVER,
    CTCPrefixScorer,
    FrameClock,
    token_spans,
)
from espnet2_ext.inference.search.drafting import drafted_search
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import EOS, blank_id

if TYPE_CHECKING:
    from espnet2_ext.inference.search.extra_scorers import ScorersAndWeights


@torch.no_grad()
def search(
    model: ESPnetSTTATTSModel,
    memory: Tensor,
    memory_lengths: Tensor,
    options: SearchOptions | None = None,
    language: Tensor | None = None,
    extra_scorers: "ScorersAndWeights | None" = None,
    clock: FrameClock | None = None,
) -> list[list[Hypothesis]]:
    """Transcribe a batch of utterances; each gets the same as it would alone.

    Args:
        model: The model, in evaluation mode.
        memory: (U, T, D) from ``encode_speech(..., padding="exact")``, not fused.
        memory_lengths: (U,) real frames.
        options: how to search.
        language: (U,) indices, for a model with language vectors.
        extra_scorers: name -> (ESPnet scorer, weight), such as a language model over
            the model's token list; their weighted scores are added.
        clock: when the memory's frames are, if the times of tokens are wanted.

    Returns:
        For each utterance up to ``nbest`` hypotheses, best first, and at least one:
        where nothing can end, an empty one with score ``-inf``.

    Raises:
        ValueError: a model in training mode, or shapes that do not fit.
    """
    options = options or SearchOptions()
    if model.training:
        raise ValueError("the model is in training mode; call model.eval() first")
    if memory.dim() != 3 or memory_lengths.shape != memory.shape[:1]:
        raise ValueError(
            "expected memory (U, T, D) and lengths (U,), got "
            f"{tuple(memory.shape)} and {tuple(memory_lengths.shape)}"
        )
    if len(memory) == 0:
        return []
    if int(memory_lengths.min()) < 1:
        raise ValueError("an utterance has no memory frames")
    frames = int(memory_lengths.max())
    memory, memory_lengths = memory[:, :frames], memory_lengths.to(memory.device)

    logits = None
    if options.ctc_weight > 0 or clock is not None:
        logits = model.ctc_logits(memory)
    fused = model.fuse(memory, "asr", language)
    decoder = CachedTextDecoder(model, fused, memory_lengths, language)
    greedy = options.beam_size == 1 and options.ctc_weight == 0 and not extra_scorers
    if greedy and options.mode == "standard" and logits is not None:
        results = drafted_search(decoder, options, logits, blank_id(logits.size(2)))
    elif greedy and options.mode == "standard":
        results = greedy_search(decoder, options)
    else:
        ctc = extra = None
        if options.ctc_weight > 0 and logits is not None:
            blank = blank_id(logits.size(2))
            ctc = CTCPrefixScorer(logits, memory_lengths, blank, EOS)
        if extra_scorers:
            from espnet2_ext.inference.search.extra_scorers import ExtraScorers

            extra = ExtraScorers(extra_scorers, fused, memory_lengths)
        results = BeamSearch(options, decoder, ctc, extra).run()

    nothing = Hypothesis([], NEVER, [NEVER])
    results = [ended[: options.nbest] or [nothing] for ended in results]
    if clock is not None and logits is not None:
        for row, frames in enumerate(memory_lengths.tolist()):
            log_probs = logits[row, :frames].log_softmax(dim=1)
            results[row] = [_timed(found, log_probs, clock) for found in results[row]]
    return results


def _timed(found: Hypothesis, log_probs: Tensor, clock: FrameClock) -> Hypothesis:
    """Add when each token is said."""
    spans = token_spans(log_probs, found.token_ids, blank_id(log_probs.size(1)))
    if spans is None:
        return found
    times = [(clock.seconds(start), clock.seconds(end)) for start, end in spans]
    return found._replace(times=times)


def greedy_search(
    decoder: CachedTextDecoder, options: SearchOptions
) -> list[list[Hypothesis]]:
    """Take the decoder's best token at every step, without CTC.

    Returns:
        One hypothesis for each utterance.
    """
    lengths = decoder.lengths
    limits = [options.most_tokens(n) for n in lengths.tolist()]
    banned = banned_tokens(len(decoder.model.token_list))
    results: list[list[Hypothesis]] = [[] for _ in limits]
    alive = list(range(len(limits)))
    tokens = lengths.new_full((len(limits), 1), EOS)
    written = tokens[:, :0]
    gained = torch.zeros(written.shape, device=lengths.device)
    for step in range(max(limits) + 1):
        scores = decoder.step(tokens)[:, 0]
        scores[:, banned] = NEVER
        short = [step < min(options.min_length, limits[u]) for u in alive]
        if any(short):
            scores[short, EOS] = NEVER
        best, tokens = scores.max(dim=1, keepdim=True)
        full = torch.tensor([step >= limits[u] for u in alive], device=lengths.device)
        tokens = tokens.masked_fill(full.unsqueeze(1), EOS)
        best = torch.where(full.unsqueeze(1), scores[:, EOS : EOS + 1], best)
        written = torch.cat([written, tokens], dim=1)
        gained = torch.cat([gained, best], dim=1)

        done = (tokens[:, 0] == EOS).tolist()
        if not any(done):
            continue
        for row, utterance in enumerate(alive):
            if done[row]:
                token_scores = gained[row].double().tolist()
                score = sum(token_scores) / (step + 1) ** options.length_penalty
                token_ids = written[row, :-1].tolist()
                results[utterance] = [Hypothesis(token_ids, score, token_scores)]
        rows = [row for row in range(len(alive)) if not done[row]]
        alive = [alive[row] for row in rows]
        if not alive:
            break
        keep = torch.tensor(rows, device=lengths.device)
        frames = int(decoder.lengths.index_select(0, keep).max())
        decoder.select_utterances(keep, frames)
        tokens, written, gained = tokens[keep], written[keep], gained[keep]
    return results
