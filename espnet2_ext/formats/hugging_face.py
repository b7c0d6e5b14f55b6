"""SpeechT5 models of Hugging Face: recognition, synthesis, conversion, or bare."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from espnet2_ext.formats.fitting import EMBEDDING, Source, refuse_variants
from espnet2_ext.formats.names import rename, translate
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
    # Shapes overrule the sizes, but a class may lack the parts that have them.
    ("num_conv_pos_embeddings", "pos_conv_kernel"),
    ("num_conv_pos_embedding_groups", "pos_conv_groups"),
    ("speaker_embedding_dim", "speaker_dim"),
    ("reduction_factor", "reduction_factor"),
    ("speech_decoder_prenet_layers", "prenet_layers"),
    ("speech_decoder_prenet_units", "prenet_units"),
    ("speech_decoder_postnet_layers", "postnet_layers"),
    ("speech_decoder_postnet_units", "postnet_channels"),
    ("speech_decoder_postnet_kernel", "postnet_kernel"),
    ("num_mel_bins", "audio.n_mels"),
)
"""Hugging Face's settings and ours, for reading and writing."""

FIXED = {
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

LARGEST = 2**14
"""No setting is larger; some of them are sizes of parts without weights."""

IGNORED = (
    (
        r".*(pos_sinusoidal_embed\.weights|embed_positions\.weights|encode_positions\.pe)",
        "constant",
    ),
)
"""Tables of positions that older releases saved."""


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
    refuse_variants(directory, config, FIXED)
    heads = config.get("encoder_attention_heads", 12)
    decoder = {"decoder_attention_heads": 12, **config}
    refuse_variants(directory, decoder, {"decoder_attention_heads": heads})
    weights = next((p for n in WEIGHTS if (p := directory / n).is_file()), None)
    if weights is None:
        raise FileNotFoundError(f"{directory}: holds none of {', '.join(WEIGHTS)}")
    report = ImportReport()
    report.facts["format"] = f"Hugging Face {kind}"
    tensors = check_tensors(read_tensors(weights, mmap=True), weights)
    state, origin = rename(weights, tensors, _our_name, IGNORED, report)
    symbols = _symbols(directory, dictionary, bpemodel, state.get(EMBEDDING), report)
    rows = {}
    if EMBEDDING in state:
        rows[EMBEDDING] = _rows(directory, state[EMBEDDING], symbols, report)
    if TASKS[kind] == ["tts"]:
        report.warnings.append(
            "Hugging Face's tokenizer ends every text with </s>; here texts have no "
            "end symbol, as in SpeechT5's own code"
        )
    report.facts["task fusion"] = "absent: fusion mode 'none'"
    report.facts["trained for"] = TASKS[kind] or "no task (bare encoder and decoder)"
    overrides = _overrides(directory, config)
    return Source(state, origin, rows, overrides, symbols, report, list(TASKS[kind]))


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


def _overrides(directory: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    values = {ours: config[theirs] for theirs, ours in SETTINGS if theirs in config}
    channels = config.get("conv_dim")
    if isinstance(channels, list) and channels:
        values["front_end.channels"] = channels[0]
    for name, value in values.items():
        if not isinstance(value, int | float) or not 0 <= value <= LARGEST:
            raise ValueError(f"{directory}: {CONFIG_NAME} has no sensible {name}")
    return {**values, "padding": "official", "fusion.mode": "none"}


def _our_name(name: str) -> str | None:
    """Translate a name; ``SpeechT5Model`` saves without the prefix ``speecht5.``."""
    if name.startswith(("encoder.", "decoder.")):
        name = f"speecht5.{name}"
    return translate(name, "hugging_face", "ours")


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
        report.warnings.append(
            "no tokenizer: the model knows no characters, so no texts"
        )
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
        report.warnings.append(
            f"the tokenizer names {known} of {count} embedding rows; the others were "
            "dropped"
        )
    return [*symbols[:count], *(f"<row {row}>" for row in range(known, count))]
