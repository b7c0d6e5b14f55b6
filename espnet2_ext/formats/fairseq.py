"""Checkpoints of fairseq: SpeechT5, ArTST, STTATTS; pre-trained or fine-tuned."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from espnet2_ext.formats.fitting import (
    CTC_TABLES,
    EMBEDDING,
    Source,
    refuse_variants,
)
from espnet2_ext.formats.names import rename, translate
from espnet2_ext.formats.report import ImportReport
from espnet2_ext.formats.vocabulary import (
    fairseq_rows,
    read_fairseq_dictionary,
    read_pieces,
)
from espnet2_ext.io.safe_reading import (
    FAIRSEQ_CLASSES,
    check_tensors,
    plain,
    read_data,
)
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS

DICTIONARY_NAME = "dict.txt"

IGNORED = (
    (r"(encoder|decoder)\.version", "version number of fairseq"),
    (r".*\._float_tensor", "uninitialised memory that fairseq saves"),
    (r".*\.norm_k\..*", "only the pre-norm variant uses it"),
    (r"decoder\.pos_emb\..*", "the decoder never uses its relative positions"),
    (r"hubert_layer\..*", "head of the masked-unit pre-training"),
    (r"quantizer\..*", "codebook of the pre-training"),
)

TASKS = {"multitask": ["asr", "tts"], "s2t": ["asr"], "t2s": ["tts"], "s2s": ["vc"]}
"""Our tasks by fairseq's ``--t5-task``."""

SETTINGS = (
    ("dropout", "dropout"),
    ("attention_dropout", "attention_dropout"),
    ("activation_dropout", "activation_dropout"),
    ("transformer_enc_positional_dropout_rate", "positional_dropout"),
    ("encoder_layerdrop", "encoder_layerdrop"),
    ("decoder_layerdrop", "decoder_layerdrop"),
    ("dprenet_dropout_rate", "prenet_dropout"),
    ("postnet_dropout_rate", "postnet_dropout"),
)
"""fairseq's options that no shape tells, and ours."""

RECOGNITION_SETTINGS = (
    ("mask_prob", "span_mask.time_prob"),
    ("hubert_mask_length", "span_mask.time_length"),
    ("mask_channel_prob", "span_mask.channel_prob"),
    ("mask_channel_length", "span_mask.channel_length"),
    ("ce_weight", "loss.ce"),
    ("ctc_weight", "loss.ctc"),
    ("label_smoothing", "loss.label_smoothing"),
    ("bce_pos_weight", "loss.bce_pos_weight"),
)
"""Of models that were fine-tuned for recognition; pre-training sets them otherwise."""


SUPPORTED = {
    "layer_norm_first": False,
    "encoder_normalize_before": False,
    "decoder_normalize_before": False,
    "share_ctc_embed": False,
    "no_token_positional_embeddings": False,
    "decoder_learned_pos": False,
    "extractor_mode": "default",
    "activation_fn": "gelu",
    "spk_embed_integration_type": "pre",
    "no_scale_embedding": True,
    "relative_position_embedding": True,
}
"""Options whose other values make another arithmetic."""

LAYERED = "speech_encoder_prenet.feature_extractor.conv_layers.1.2.1.weight"
"""Only the large models have it."""


def read_fairseq(
    path: Path, dictionary: Path | None = None, bpemodel: Path | None = None
) -> Source:
    """Read a fairseq checkpoint.

    Args:
        path: the ``.pt`` file.
        dictionary: the ``dict.txt`` it was trained with; one beside it by default.
        bpemodel: SentencePiece model, which can stand for the dictionary when it
            holds the four special symbols itself.

    Returns:
        Its tensors by our names, as stored.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an unsafe, damaged or unknown file; one line.
    """
    content = read_data(path, FAIRSEQ_CLASSES, mmap=True, needed=_weights)
    if not isinstance(content, Mapping) or not isinstance(
        content.get("model"), Mapping
    ):
        raise ValueError(f"{path}: no fairseq checkpoint, it has no entry 'model'")
    tensors = check_tensors(content["model"], path)
    settings = _settings(content)
    report = ImportReport()
    report.facts["format"] = "fairseq"
    refuse_variants(path, settings, SUPPORTED)
    if LAYERED in tensors:
        raise ValueError(
            f"{path}: its feature extractor normalises every layer (the large, "
            "layer_norm_first variant), which is not supported"
        )
    state, origin = rename(path, tensors, our_name, IGNORED, report)
    if EMBEDDING not in state or not any(
        name.startswith("speech_encoder_prenet.") for name in state
    ):
        raise ValueError(f"{path}: a fairseq checkpoint, but not of SpeechT5 or ArTST")
    pretrained = settings.get("t5_task") == "pretrain"
    count = state[EMBEDDING].size(0) if state[EMBEDDING].dim() else 0
    symbols = _symbols(path, count, dictionary, bpemodel, report)
    rows = {
        name: _named(path, state[name].size(0), symbols, pretrained, report)
        for name in (EMBEDDING, *CTC_TABLES)
        if name in state and state[name].dim()
    }
    trained = TASKS.get(str(settings.get("t5_task")), [])
    overrides: dict[str, Any] = {
        ours: settings[theirs]
        for theirs, ours in (*SETTINGS, *(RECOGNITION_SETTINGS * ("asr" in trained)))
        if isinstance(settings.get(theirs), int | float)
    }
    overrides |= {"padding": "official", "fusion.mode": "none"}
    report.facts["task fusion"] = "absent: fusion mode 'none'"
    if "task_fusion.projection.weight" in state:
        overrides |= {"fusion.mode": "fixed", "fusion.tasks": ["asr", "tts"]}
        report.facts["task fusion"] = "present (projection_task)"
    report.facts["trained for"] = trained or "not stated: pre-training, or unknown"
    return Source(state, origin, rows, overrides, symbols, report, list(trained))


def our_name(name: str) -> str | None:
    """Translate a key of the checkpoint's ``model``.

    None for tensors that take no part in the arithmetic: :data:`IGNORED`, and what
    nobody knows.
    """
    ignored = any(re.fullmatch(rule, name) for rule, _ in IGNORED)
    return None if ignored else translate(name, "fairseq", "ours")


def _weights(content: Any) -> list[Tensor]:
    """The tensors that are needed of a whole checkpoint."""
    model = content.get("model") if isinstance(content, Mapping) else None
    values = model.values() if isinstance(model, Mapping) else ()
    return [value for value in values if isinstance(value, Tensor)]


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the training run, from ``cfg`` or (old files) ``args``."""
    try:
        config = plain(content.get("cfg"))
        old = plain(content.get("args"))
    except RecursionError:
        raise ValueError("its settings contain themselves; refused") from None
    config = config if isinstance(config, Mapping) else {}
    merged: dict[str, Any] = {}
    for group in (
        old,
        config.get("task"),
        config.get("criterion"),
        config.get("model"),
    ):
        if isinstance(group, Mapping):
            merged.update({str(k): v for k, v in group.items() if v is not None})
    return merged


def _symbols(
    path: Path,
    count: int,
    dictionary: Path | None,
    bpemodel: Path | None,
    report: ImportReport,
) -> list[str]:
    """Every symbol of the model's dictionary, by row."""
    beside = path.parent / DICTIONARY_NAME
    if dictionary is None and beside.is_file():
        dictionary = beside
    if dictionary is not None:
        report.facts["symbols from"] = dictionary.name
        return fairseq_rows(read_fairseq_dictionary(dictionary))
    if bpemodel is not None:
        pieces = read_pieces(bpemodel)
        if tuple(pieces[:4]) == FIRST_SYMBOLS and len(pieces) in (count, count - 2):
            report.facts["symbols from"] = bpemodel.name
            return fairseq_rows(pieces[4:])
    raise ValueError(
        f"{path}: fairseq keeps the symbols in another file; put the dict.txt that it "
        f"was trained with ({count - 6} lines) beside it, or give it to sttatts_import "
        "with --dict FILE"
    )


def _named(
    path: Path, count: int, rows: list[str], pretrained: bool, report: ImportReport
) -> list[str]:
    """Name ``count`` rows of a table, where the dictionary makes ``rows``.

    The task appends its symbols last, in a fixed order.  Fine-tuned models have them
    all, so fewer rows mean that the dictionary has grown at its end since then.
    """
    added = sum(symbol in rows[-2:] for symbol in LAST_SYMBOLS)
    if count == len(rows) or (pretrained and len(rows) - added <= count < len(rows)):
        return rows[:count]
    if not pretrained and added == 2 and 6 < count < len(rows):
        kept = count - 6
        message = (
            f"the dictionary has {len(rows) - 6} symbols, the checkpoint {kept}: the "
            f"last {len(rows) - count} ({' '.join(rows[4 + kept : -2])}) are taken as "
            "new ones; if it was trained with another dictionary, give that one with "
            "--dict and this one with --new_dict"
        )
        if message not in report.warnings:
            report.warnings.append(message)
        return [*rows[: 4 + kept], *LAST_SYMBOLS]
    raise ValueError(
        f"{path}: it has {count} symbols, the dictionary makes {len(rows)}; give the "
        "dict.txt that it was trained with (--dict), and the wanted one as --new_dict"
    )
