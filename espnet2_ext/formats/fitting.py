"""From a checkpoint's tensors, under our names, to a complete model state."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from espnet2_ext.formats.report import ImportReport
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

EMBEDDING = "token_embedding.weight"
CTC_TABLES = ("ctc_head.weight", "ctc_head.bias")
SPEAKER_LAYER = "speech_decoder_prenet.speaker_layer.weight"
STACKS = ("encoder", "decoder")
SEED = 0
"""Of whatever has to be initialised, so that an import can be repeated."""


@dataclass
class Source:
    """What was read from a checkpoint."""

    state: dict[str, Tensor]
    """By our names, as stored (any float type)."""
    origin: dict[str, str]
    """Our name to the checkpoint's."""
    rows: dict[str, list[str]]
    """Symbols by row of the tables of :data:`EMBEDDING` and :data:`CTC_TABLES`."""
    overrides: dict[str, Any]
    """Settings that no shape tells, as ``model_conf`` entries."""
    symbols: list[str]
    """Every symbol that the model should know, in the checkpoint's order."""
    report: ImportReport
    trained_tasks: list[str] = field(default_factory=list)


def model_sizes(state: dict[str, Tensor]) -> dict[str, Any]:
    """Sizes that the shapes of ``state`` tell, as ``model_conf`` entries.

    Raises:
        ValueError: the encoder or decoder is missing.
    """
    for name in (
        "encoder.layer_norm.weight",
        "encoder.positions.embedding.weight",
        "encoder.layers.0.feed_forward.fc1.weight",
        "decoder.layers.0.feed_forward.fc1.weight",
    ):
        if name not in state:
            raise ValueError(f"it lacks '{name}', so it is no SpeechT5 model")
    d_model = state["encoder.layer_norm.weight"].size(0)
    positions, head_dim = _shape(state, "encoder.positions.embedding.weight", 2)
    sizes: dict[str, Any] = {
        "d_model": d_model,
        "ffn": state["encoder.layers.0.feed_forward.fc1.weight"].size(0),
        "heads": d_model // max(head_dim, 1),
        "max_relative_position": positions // 2,
        "encoder_layers": _count(state, "encoder.layers."),
        "decoder_layers": _count(state, "decoder.layers."),
    }
    weight = "speech_encoder_prenet.pos_conv.parametrizations.weight.original1"
    if weight in state:
        _, group, kernel = _shape(state, weight, 3)
        sizes["pos_conv_groups"] = d_model // max(group, 1)
        sizes["pos_conv_kernel"] = kernel
    weight = "speech_encoder_prenet.front_end.projection.weight"
    if weight in state:
        sizes["front_end"] = {"channels": _shape(state, weight, 2)[1]}
    weight = "speech_decoder_prenet.layers.0.weight"
    if weight in state:
        sizes["prenet_units"], n_mels = _shape(state, weight, 2)
        sizes["prenet_layers"] = _count(state, "speech_decoder_prenet.layers.")
        sizes["audio"] = {"n_mels": n_mels}
    if SPEAKER_LAYER in state:
        sizes["speaker_dim"] = _shape(state, SPEAKER_LAYER, 2)[1] - d_model
    weight = "speech_decoder_postnet.convs.0.weight"
    if weight in state:
        channels, _, kernel = _shape(state, weight, 3)
        sizes |= {"postnet_channels": channels, "postnet_kernel": kernel}
        sizes["postnet_layers"] = _count(state, "speech_decoder_postnet.convs.")
        if kernel % 2 == 0:
            raise ValueError(
                f"its post-net kernel is {kernel}; only odd ones are known"
            )
    weight = "speech_decoder_postnet.stop_projection.weight"
    if weight in state:
        sizes["reduction_factor"] = state[weight].size(0)
    if "task_fusion.projection.weight" in state:
        width = _shape(state, "task_fusion.projection.weight", 2)[1]
        sizes["fusion"] = {"task_dim": width - d_model}
    return sizes


def fit(
    source: Source, tokens: Sequence[str], speaker_dim: int | None = None
) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Complete the state of a model: rename rows, cut columns, initialise the rest.

    Args:
        source: the checkpoint.
        tokens: our token list.
        speaker_dim: of the model; None keeps the checkpoint's.

    Returns:
        The configuration, and every weight in float32.

    Raises:
        ValueError: a tensor that does not fit, or parts of the layers are missing.
    """
    sizes = model_sizes(source.state)
    if speaker_dim is not None:
        sizes["speaker_dim"] = speaker_dim
    config = build_model_config("base", _merged(source.overrides, sizes))
    fresh = _fresh_state(config, tokens)
    report, state = source.report, {}
    for name, initial in fresh.items():
        if name not in source.state:
            if name.startswith(tuple(f"{stack}.layers." for stack in STACKS)):
                raise ValueError(f"it lacks '{name}', so it is damaged or incomplete")
            report.missing(name, initial, _how(initial))
            state[name] = initial.clone()
            continue
        value = source.state[name]
        fitted, note = _fitted(name, value, initial, source, tokens)
        if initial.is_floating_point() and fitted.dtype != initial.dtype:
            note = "; ".join(filter(None, [note, "cast to float32"]))
        state[name] = _own(fitted.detach().to(initial.dtype))
        report.used(source.origin[name], name, value, note)
    for name in source.state.keys() - fresh.keys():
        report.ignored(
            source.origin[name], source.state[name], "no such part in this model"
        )
    _note_symbols(source, tokens)
    if CTC_TABLES[0] not in source.state:
        report.warn(
            "the checkpoint has no CTC head: it was initialised, so recognise with "
            "ctc_weight 0 until the model is fine-tuned"
        )
    return config, state


def _fitted(
    name: str, value: Tensor, initial: Tensor, source: Source, tokens: Sequence[str]
) -> tuple[Tensor, str]:
    """Bring one tensor to the shape of ``initial``, and say what was done."""
    rows = source.rows.get(name)
    if rows is not None and value.dim() and value.size(0) == len(rows):
        if rows != list(tokens) and value.shape[1:] == initial.shape[1:]:
            return _fit_rows(value, initial, rows, tokens)
    elif rows is not None:
        raise ValueError(
            f"'{source.origin[name]}' has {tuple(value.shape)} values for {len(rows)} "
            "symbols; give the dictionary that it was trained with (--dict)"
        )
    if name == SPEAKER_LAYER and value.shape != initial.shape:
        return _fit_columns(value, initial)
    if value.numel() == initial.numel() == 1:
        value = value.reshape(initial.shape)
    if value.shape != initial.shape:
        raise ValueError(
            f"'{source.origin[name]}' is {tuple(value.shape)}, which does not fit the "
            f"rest of the checkpoint: {tuple(initial.shape)} expected"
        )
    return value, ""


def _fit_rows(
    value: Tensor, initial: Tensor, rows: Sequence[str], tokens: Sequence[str]
) -> tuple[Tensor, str]:
    """Move each symbol's row to its place in ``tokens``; others stay initial."""
    place = {symbol: row for row, symbol in enumerate(rows)}
    pairs = [(i, place[t]) for i, t in enumerate(tokens) if t in place]
    fitted = initial.clone()
    ours, theirs = (list(column) for column in zip(*pairs, strict=True))
    fitted[ours] = value[theirs].to(initial.dtype)
    return fitted, f"{len(pairs)} rows kept, {len(tokens) - len(pairs)} initialised"


def _fit_columns(value: Tensor, initial: Tensor) -> tuple[Tensor, str]:
    """Keep the columns of D and of the speaker values that both have."""
    kept = min(value.size(1), initial.size(1))
    fitted = initial.clone()
    fitted[:, :kept] = value[:, :kept].to(initial.dtype)
    return fitted, f"{kept} of {initial.size(1)} columns kept, the rest initialised"


def _note_symbols(source: Source, tokens: Sequence[str]) -> None:
    """Name the symbols that are new in the model, and those it does not take."""
    facts = source.report.facts
    for title, name in (("embedding", EMBEDDING), ("ctc", CTC_TABLES[0])):
        rows = source.rows.get(name)
        if rows is None or name not in source.state:
            continue
        new = [token for token in tokens if token not in rows]
        dropped = [row for row in rows if row not in tokens]
        if new:
            facts[f"new_{title}"] = new
        if dropped:
            facts[f"dropped_{title}"] = dropped


def _fresh_state(config: ModelConfig, tokens: Sequence[str]) -> dict[str, Tensor]:
    """Initial weights by name; all layers of a stack share those of its first one.

    Building one layer of each stack is enough: layers are never initialised.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        small = ESPnetSTTATTSModel(
            replace(config, encoder_layers=1, decoder_layers=1), tokens
        )
    depth = {"encoder": config.encoder_layers, "decoder": config.decoder_layers}
    state: dict[str, Tensor] = {}
    for name, value in small.state_dict().items():
        stack = name.split(".")[0]
        prefix = f"{stack}.layers.0."
        if stack in STACKS and name.startswith(prefix):
            rest = name.removeprefix(prefix)
            state |= {f"{stack}.layers.{i}.{rest}": value for i in range(depth[stack])}
        else:
            state[name] = value
    return state


def _own(value: Tensor) -> Tensor:
    """A tensor that is not a small part of a large storage, which would be saved."""
    small = value.untyped_storage().nbytes() > value.numel() * value.element_size()
    return value.clone() if small else value.contiguous()


def _how(initial: Tensor) -> str:
    values = initial.float()
    if bool((values == values.flatten()[0]).all()):
        return f"initialised with {values.flatten()[0].item():g}"
    return f"initialised at random, std {values.std().item():.2g}, seed {SEED}"


def _shape(state: dict[str, Tensor], name: str, dims: int) -> tuple[int, ...]:
    if state[name].dim() != dims:
        raise ValueError(f"'{name}' is {tuple(state[name].shape)}, not {dims}-d")
    return tuple(state[name].shape)


def _count(state: dict[str, Tensor], prefix: str) -> int:
    """Number of layers: one more than the largest index behind ``prefix``."""
    found = {
        int(name.removeprefix(prefix).split(".")[0])
        for name in state
        if name.startswith(prefix)
    }
    if found != set(range(len(found))):
        raise ValueError(f"'{prefix}…' has gaps: {sorted(found)[:20]}")
    return len(found)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(name), dict)
        merged[name] = {**base[name], **value} if both else value
    return merged
