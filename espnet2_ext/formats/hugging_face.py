"""SpeechT5 models of Hugging Face: recognition, synthesis, conversion, or bare."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_ext.formats.fitting import EMBEDDING, Source
from espnet2_ext.formats.hf_names import (
    EMBEDDING_COPIES,
    canonical,
    is_constant,
    our_name,
)
from espnet2_ext.formats.report import ImportReport
from espnet2_ext.formats.vocabulary import (
    fairseq_rows,
    hugging_face_rows,
    read_fairseq_dictionary,
)
from espnet2_ext.io.safe_reading import check_tensors, read_tensors
from espnet2_ext.io.settings import read_json
from espnet2_ext.sttatts.front_ends import WAVEFORM_KERNELS, WAVEFORM_STRIDES
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS

CONFIG_NAME = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
TOKENIZER_NAME = "spm_char.model"

TASKS: dict[str, list[str]] = {
    "SpeechT5Model": [],
    "SpeechT5ForSpeechToText": ["asr"],
    "SpeechT5ForTextToSpeech": ["tts"],
    "SpeechT5ForSpeechToSpeech": ["vc"],
}
"""Our tasks by class."""

SETTINGS = (
    ("hidden_dropout", "dropout"),
    ("attention_dropout", "attention_dropout"),
    ("activation_dropout", "activation_dropout"),
    ("positional_dropout", "positional_dropout"),
    ("encoder_layerdrop", "encoder_layerdrop"),
    ("decoder_layerdrop", "decoder_layerdrop"),
    ("speech_decoder_prenet_dropout", "prenet_dropout"),
    ("speech_decoder_postnet_dropout", "postnet_dropout"),
)

SIZES = (
    ("num_conv_pos_embeddings", "pos_conv_kernel"),
    ("num_conv_pos_embedding_groups", "pos_conv_groups"),
    ("speaker_embedding_dim", "speaker_dim"),
    ("reduction_factor", "reduction_factor"),
    ("speech_decoder_prenet_layers", "prenet_layers"),
    ("speech_decoder_prenet_units", "prenet_units"),
    ("speech_decoder_postnet_layers", "postnet_layers"),
    ("speech_decoder_postnet_units", "postnet_channels"),
    ("speech_decoder_postnet_kernel", "postnet_kernel"),
)
"""Sizes of parts that a class may lack; shapes overrule them where they are there."""

REQUIRED = {
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "conv_bias": False,
    "scale_embedding": False,
    "layer_norm_eps": 1e-5,
    "conv_kernel": list(WAVEFORM_KERNELS),
    "conv_stride": list(WAVEFORM_STRIDES),
}
"""Settings that would change the arithmetic."""


def read_hugging_face(
    directory: Path, dictionary: Path | None = None, bpemodel: Path | None = None
) -> Source:
    """Read a directory that ``save_pretrained`` wrote.

    Args:
        directory: with ``config.json`` and weights.
        dictionary: symbols, if the directory has no tokenizer.
        bpemodel: ``spm_char.model``; the directory's own by default.

    Returns:
        Its tensors by our names, as stored.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unsafe, damaged or unknown file; one line.
    """
    config = read_json(directory / CONFIG_NAME)
    kind = _kind(directory, config)
    _refuse_variants(directory, config)
    weights = next((p for n in WEIGHTS if (p := directory / n).is_file()), None)
    if weights is None:
        raise FileNotFoundError(f"{directory}: holds none of {', '.join(WEIGHTS)}")
    report = ImportReport()
    report.facts["format"] = f"Hugging Face {kind}"
    tensors = check_tensors(read_tensors(weights, mmap=True), weights)
    state, origin = _rename(weights, tensors, report)
    symbols = _symbols(directory, dictionary, bpemodel, state.get(EMBEDDING), report)
    rows = {}
    if EMBEDDING in state:
        rows[EMBEDDING] = _rows(directory, state[EMBEDDING], symbols, report)
    if TASKS[kind] == ["tts"]:
        report.warn(
            "Hugging Face's tokenizer ends every text with </s>; here texts have no "
            "end symbol, as in SpeechT5's own code"
        )
    report.facts["task fusion"] = "absent: fusion mode 'none'"
    report.facts["trained for"] = TASKS[kind] or "no task (bare encoder and decoder)"
    return Source(
        state,
        origin,
        rows,
        _overrides(config),
        symbols,
        report,
        list(TASKS[kind]),
    )


def is_hugging_face(path: Path) -> bool:
    """Whether ``path`` is a directory with a ``config.json``."""
    return path.is_dir() and (path / CONFIG_NAME).is_file()


def bpemodel_of(directory: Path) -> Path | None:
    """The SentencePiece model of a directory, if it has one."""
    path = directory / TOKENIZER_NAME
    return path if path.is_file() else None


def _kind(directory: Path, config: Mapping[str, Any]) -> str:
    named = config.get("architectures")
    kind = str(named[0]) if isinstance(named, list) and named else "SpeechT5Model"
    if config.get("model_type") != "speecht5" or kind not in TASKS:
        raise ValueError(
            f"{directory}: this is a {config.get('model_type')} {kind}; known are "
            f"{', '.join(TASKS)}"
        )
    return kind


def _refuse_variants(directory: Path, config: Mapping[str, Any]) -> None:
    for name, known in REQUIRED.items():
        if config.get(name, known) != known:
            raise ValueError(
                f"{directory}: {name} is {config[name]!r}; only {known!r} is supported"
            )
    heads = config.get("encoder_attention_heads", 12)
    if config.get("decoder_attention_heads", 12) != heads:
        raise ValueError(
            f"{directory}: encoder and decoder have different numbers of heads, which "
            "is not supported"
        )


def _overrides(config: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {
        ours: config[theirs] for theirs, ours in (*SIZES, *SETTINGS) if theirs in config
    }
    channels = config.get("conv_dim")
    if isinstance(channels, list) and channels:
        values["front_end"] = {"channels": channels[0]}
    if "num_mel_bins" in config:
        values["audio"] = {"n_mels": config["num_mel_bins"]}
    return {**values, "padding": "official", "fusion": {"mode": "none"}}


def _rename(
    weights: Path, tensors: Mapping[str, Tensor], report: ImportReport
) -> tuple[dict[str, Tensor], dict[str, str]]:
    state: dict[str, Tensor] = {}
    origin: dict[str, str] = {}
    for name, value in tensors.items():
        current = canonical(name)
        target = our_name(current)
        if target is None:
            constant = is_constant(current)
            report.ignored(name, value, "constant" if constant else "unknown name")
            if not constant:
                report.warn(f"'{name}' is unknown here and was left out")
        elif target not in state:
            state[target], origin[target] = value, name
        elif current in EMBEDDING_COPIES and torch.equal(value, state[target]):
            report.ignored(name, value, f"tied copy of {origin[target]}")
        else:
            raise ValueError(
                f"{weights}: '{name}' and '{origin[target]}' differ; models without "
                "tied embeddings are not supported"
            )
    return state, origin


def _symbols(
    directory: Path,
    dictionary: Path | None,
    bpemodel: Path | None,
    embedding: Tensor | None,
    report: ImportReport,
) -> list[str]:
    """Symbols by row, from the tokenizer or a dictionary."""
    bpemodel = bpemodel or bpemodel_of(directory)
    if dictionary is not None:
        symbols = fairseq_rows(read_fairseq_dictionary(dictionary))
        report.facts["symbols from"] = dictionary.name
    elif bpemodel is not None:
        found = hugging_face_rows(directory, bpemodel)
        report.facts["symbols from"] = bpemodel.name
        # The tokenizer of old releases was saved without the two last symbols.
        symbols = [*found, *(s for s in LAST_SYMBOLS if s not in found)]
    elif embedding is None:
        symbols = [*FIRST_SYMBOLS, *LAST_SYMBOLS]
        report.warn("no tokenizer: the model knows no characters, so no texts")
    else:
        raise ValueError(
            f"{directory}: no {TOKENIZER_NAME} in it; put the model's tokenizer there, "
            "or give it with --bpemodel or --dict"
        )
    return symbols


def _rows(
    directory: Path, embedding: Tensor, symbols: list[str], report: ImportReport
) -> list[str]:
    """Name every row of the embedding."""
    count, known = embedding.size(0) if embedding.dim() else 0, len(symbols)
    if count < known - len(LAST_SYMBOLS):
        raise ValueError(
            f"{directory}: {count} embedding rows, but the tokenizer has {known} "
            "symbols; they do not belong together"
        )
    if count > known:
        report.warn(
            f"the tokenizer names {known} of {count} embedding rows; the others were "
            "dropped"
        )
    return [*symbols[:count], *(f"<row {row}>" for row in range(known, count))]
