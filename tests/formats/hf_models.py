"""Random Hugging Face SpeechT5 models with tokenizers."""

from pathlib import Path
from typing import Any

import pytest
import torch

from espnet2_ext.formats.hf_tokenizer import write_tokenizer
from espnet2_ext.sttatts.symbols import build_token_list
from tests.formats.fairseq_files import perturb

transformers = pytest.importorskip("transformers")

TOKENS = build_token_list(["\u2581", *"abcdefgh'"])

SMALL = {
    "hidden_size": 48,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 72,
    "decoder_ffn_dim": 72,
    "conv_dim": [24] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "encoder_max_relative_position": 12,
    "speaker_embedding_dim": 10,
    "speech_decoder_prenet_units": 20,
    "speech_decoder_postnet_units": 18,
    "vocab_size": len(TOKENS),
}


def build(kind: str, seed: int = 0, **changes: Any) -> Any:
    """A model of the class ``kind`` with every weight random."""
    torch.manual_seed(seed)
    config = transformers.SpeechT5Config(**{**SMALL, **changes})
    model = getattr(transformers, kind)(config)
    perturb(model)
    model.tie_weights()
    return model.eval()


def save(model: Any, folder: Path, tokenizer: bool = True) -> Path:
    """Write ``model`` as ``save_pretrained`` does, with a tokenizer."""
    model.save_pretrained(folder)
    if tokenizer:
        write_tokenizer(folder, TOKENS, None)
    return folder


def without_prenet_dropout(model: Any) -> Any:
    """Switch the always-on dropout off; its probability cannot be set to 0 there."""
    model.speecht5.decoder.prenet._consistent_dropout = lambda x, p: x
    return model


@torch.no_grad()
def greedy_tokens(model: Any, wave: torch.Tensor, length: int = 20) -> list[int]:
    """What ``generate`` finds for ``wave`` (N,), without start and end symbols.

    Symbols that our search never writes are suppressed there too.
    """
    ids = model.generate(
        wave.unsqueeze(0),
        max_new_tokens=length,
        num_beams=1,
        do_sample=False,
        suppress_tokens=[0, 1, len(TOKENS) - 2, len(TOKENS) - 1],
    )[0].tolist()
    return [i for i in ids[1:] if i != 2]


@torch.no_grad()
def speech(model: Any, ids: list[int], speaker: torch.Tensor) -> torch.Tensor:
    """Mel (L, F) of 12 decoder steps, the pre-net's dropout off."""
    return without_prenet_dropout(model).generate_speech(
        torch.tensor([ids]),
        speaker.unsqueeze(0),
        threshold=9.0,
        maxlenratio=12 * model.config.reduction_factor / len(ids),
    )
