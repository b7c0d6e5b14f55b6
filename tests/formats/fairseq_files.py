"""Checkpoints in fairseq's layout, written from models of any size."""

import argparse
import re
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from espnet2_ext.sttatts.config import FusionConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import build_token_list
from tests import oracle
from tests.factories import without_randomness

CHARACTERS = ["\u2581", *"etaonihs"]

# The inverse of parameter_names.tsv, for the names that differ.
_RULES = (
    (r"speech_encoder_prenet\.front_end\.convs\.(\d+)\.weight",
     r"speech_encoder_prenet.feature_extractor.conv_layers.\1.0.weight"),
    (r"speech_encoder_prenet\.front_end\.group_norm\.(\w+)",
     r"speech_encoder_prenet.feature_extractor.conv_layers.0.2.\1"),
    (r"speech_encoder_prenet\.front_end\.layer_norm\.(\w+)",
     r"speech_encoder_prenet.layer_norm.\1"),
    (r"speech_encoder_prenet\.front_end\.projection\.(\w+)",
     r"speech_encoder_prenet.post_extract_proj.\1"),
    (r"speech_encoder_prenet\.mask_embedding", r"speech_encoder_prenet.mask_emb"),
    (r"speech_encoder_prenet\.pos_conv\.bias",
     r"speech_encoder_prenet.pos_conv.0.bias"),
    (r"speech_encoder_prenet\.pos_conv\.parametrizations\.weight\.original0",
     r"speech_encoder_prenet.pos_conv.0.weight_g"),
    (r"speech_encoder_prenet\.pos_conv\.parametrizations\.weight\.original1",
     r"speech_encoder_prenet.pos_conv.0.weight_v"),
    (r"text_encoder_prenet\.positions\.alpha",
     r"text_encoder_prenet.encoder_prenet.1.alpha"),
    (r"encoder\.positions\.embedding\.weight", r"encoder.pos_emb.pe_k.weight"),
    (r"ctc_head\.(\w+)", r"encoder.proj.\1"),
    (r"(.*)\.feed_forward\.(.*)", r"\1.\2"),
    (r"task_fusion\.projection\.(\w+)", r"projection_task.\1"),
    (r"speech_decoder_prenet\.layers\.(\d+)\.(\w+)",
     r"speech_decoder_prenet.decoder_prenet.0.0.prenet.\1.0.\2"),
    (r"speech_decoder_prenet\.projection\.(\w+)",
     r"speech_decoder_prenet.decoder_prenet.0.1.\1"),
    (r"speech_decoder_prenet\.positions\.alpha",
     r"speech_decoder_prenet.decoder_prenet.1.alpha"),
    (r"speech_decoder_prenet\.speaker_layer\.(\w+)",
     r"speech_decoder_prenet.spkembs_layer.0.\1"),
    (r"speech_decoder_postnet\.frame_projection\.(\w+)",
     r"speech_decoder_postnet.feat_out.\1"),
    (r"speech_decoder_postnet\.stop_projection\.(\w+)",
     r"speech_decoder_postnet.prob_out.\1"),
    (r"speech_decoder_postnet\.convs\.(\d+)\.weight",
     r"speech_decoder_postnet.postnet.postnet.\1.0.weight"),
    (r"speech_decoder_postnet\.norms\.(\d+)\.(\w+)",
     r"speech_decoder_postnet.postnet.postnet.\1.1.\2"),
)  # fmt: skip

_COPIES = (
    "text_encoder_prenet.encoder_prenet.0.weight",
    "text_decoder_prenet.embed_tokens.weight",
    "text_decoder_postnet.output_projection.weight",
)


def small_model(seed: int = 0, **changes: Any) -> ESPnetSTTATTSModel:
    """A model with the oracle's sizes, changed as asked, every weight random."""
    fusion = changes.pop("fusion", FusionConfig(tasks=("asr", "tts")))
    config = without_randomness(replace(oracle.CONFIG, fusion=fusion, **changes))
    torch.manual_seed(seed)
    model = ESPnetSTTATTSModel(config, build_token_list(CHARACTERS))
    perturb(model)
    return model.eval()


def perturb(model: torch.nn.Module) -> None:
    """Move every weight, also those that start as zeros and ones."""
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            noise = 0.1 * torch.randn(value.shape)
            value += noise.abs() if name.endswith("running_var") else noise


def fairseq_state(model: ESPnetSTTATTSModel) -> OrderedDict[str, torch.Tensor]:
    """The weights under fairseq's names, with what fairseq has besides."""
    state: OrderedDict[str, torch.Tensor] = OrderedDict()
    state["encoder.version"] = torch.tensor([3.0])
    for name, value in model.state_dict().items():
        if name == "token_embedding.weight":
            state |= dict.fromkeys(_COPIES, value)
            continue
        for pattern, target in _RULES:
            if re.fullmatch(pattern, name):
                name = re.fullmatch(pattern, name).expand(target)
                break
        state[name] = value
    state["decoder.pos_emb.pe_k.weight"] = state["encoder.pos_emb.pe_k.weight"] + 1
    state["encoder.layers.0.norm_k.weight"] = torch.ones(16)
    state["text_decoder_prenet.embed_positions._float_tensor"] = torch.full(
        (1,), float("nan")
    )
    return state


def write(
    path: Path, state: dict[str, torch.Tensor], legacy: bool = False, **options: Any
) -> Path:
    """Write what fairseq's trainer writes, with optimiser state, and a dictionary."""
    moments = {i: {"exp_avg": torch.zeros(3)} for i in range(2)}
    content = {
        "args": None,
        "cfg": {"model": argparse.Namespace(**options), "task": None},
        "model": state,
        "optimizer_history": [{"criterion_name": "x", "num_updates": 4}],
        "last_optimizer_state": {"state": moments},
    }
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    write_dictionary(path.with_name("dict.txt"), CHARACTERS)
    return path


def write_dictionary(path: Path, characters: list[str]) -> Path:
    """Write a ``dict.txt``."""
    path.write_text("".join(f"{c} {99 - i}\n" for i, c in enumerate(characters)))
    return path
