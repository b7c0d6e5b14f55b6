"""From a checkpoint's tensors, under our names, to a complete model state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_ext.formats.report import ImportReport
from espnet2_ext.io.messages import one_line
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

EMBEDDING = "token_embedding.weight"
CTC_TABLES = ("ctc_head.weight", "ctc_head.bias")
POS_CONV = "speech_encoder_prenet.pos_conv.parametrizations.weight.original1"
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
    """Settings of the model that no shape tells, by names such as ``loss.ctc``."""
    symbols: list[str]
    """Every symbol that the model should know, in the checkpoint's order."""
    report: ImportReport
    trained_tasks: list[str] = field(default_factory=list)


def refuse_variants(
    path: Path, settings: Mapping[str, Any], supported: Mapping[str, Any]
) -> None:
    """Check that a checkpoint has the arithmetic of SpeechT5 base.

    Raises:
        ValueError: a setting that is there, but not as it is ``supported``.
    """
    for name, known in supported.items():
        if settings.get(name, known) != known:
            raise ValueError(
                f"{path}: trained with {name}, a variant that is not supported: {name} "
                f"is {settings[name]!r}, only {known!r} is known"
            )


SIZES = (
    ("d_model", "encoder.layer_norm.weight", 0),
    ("d_model", "encoder.layers.0.self_attn.q_proj.weight", 0),
    ("d_model", "encoder.layers.0.self_attn.q_proj.weight", 1),
    ("d_model", "encoder.layers.0.feed_forward.fc1.weight", 1),
    ("ffn", "encoder.layers.0.feed_forward.fc1.weight", 0),
    ("positions", "encoder.positions.embedding.weight", 0),
    ("head_width", "encoder.positions.embedding.weight", 1),
    ("group_width", POS_CONV, 1),
    ("pos_conv_kernel", POS_CONV, 2),
    ("front_end.channels", "speech_encoder_prenet.front_end.projection.weight", 1),
    ("front_end.channels", "speech_encoder_prenet.front_end.convs.1.weight", 1),
    ("prenet_units", "speech_decoder_prenet.layers.0.weight", 0),
    ("audio.n_mels", "speech_decoder_prenet.layers.0.weight", 1),
    ("speaker_dim", SPEAKER_LAYER, 1),
    ("postnet_channels", "speech_decoder_postnet.convs.0.weight", 0),
    ("postnet_kernel", "speech_decoder_postnet.convs.0.weight", 2),
    ("reduction_factor", "speech_decoder_postnet.stop_projection.weight", 0),
    ("fusion.task_dim", "task_fusion.projection.weight", 1),
)
"""Settings of the model, and the tensor and dimension that tell them; the widths of
speaker and task include D.  What is told twice has to agree, lest a small file of odd
shapes asks for a huge model."""

COUNTS = (
    ("encoder_layers", "encoder.layers."),
    ("decoder_layers", "decoder.layers."),
    ("prenet_layers", "speech_decoder_prenet.layers."),
    ("postnet_layers", "speech_decoder_postnet.convs."),
)


def model_sizes(state: dict[str, Tensor]) -> dict[str, Any]:
    """Sizes that the shapes of ``state`` tell, by names such as ``audio.n_mels``.

    Raises:
        ValueError: the encoder or decoder is missing, or shapes that do not fit.
    """
    for name in (
        "encoder.layer_norm.weight",
        "encoder.positions.embedding.weight",
        "encoder.layers.0.self_attn.q_proj.weight",
        "encoder.layers.0.feed_forward.fc1.weight",
        "decoder.layers.0.feed_forward.fc1.weight",
    ):
        if name not in state:
            raise ValueError(f"it lacks '{name}', so it is no SpeechT5 model")
    sizes: dict[str, Any] = {}
    for setting, name, dim in SIZES:
        if name in state:
            shape = tuple(state[name].shape)
            if len(shape) <= dim or 0 in shape:
                raise ValueError(f"'{name}' is {shape}, with too few values")
            if sizes.setdefault(setting, shape[dim]) != shape[dim]:
                raise ValueError(
                    f"'{name}' is {shape}, but another tensor says that {setting} is "
                    f"{sizes[setting]}"
                )
    for setting, prefix in COUNTS:
        if any(name.startswith(prefix) for name in state):
            sizes[setting] = _count(state, prefix)
    d_model = sizes["d_model"]
    sizes["heads"] = d_model // max(sizes.pop("head_width"), 1)
    sizes["max_relative_position"] = sizes.pop("positions") // 2
    if "group_width" in sizes:
        sizes["pos_conv_groups"] = d_model // max(sizes.pop("group_width"), 1)
    for name in {"speaker_dim", "fusion.task_dim"} & sizes.keys():
        sizes[name] -= d_model
    if sizes.get("postnet_kernel", 1) % 2 == 0:
        raise ValueError(
            f"its post-net kernel is {sizes['postnet_kernel']}; only odd ones are known"
        )
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
    config = build_model_config("base", _nested({**source.overrides, **sizes}))
    try:
        fresh = _fresh_state(config, tokens)
    except Exception as error:  # torch refuses sizes in many ways
        reason = f"its sizes make no model: {one_line(error)}"
        raise ValueError(reason) from error
    report, state = source.report, {}
    for name, initial in fresh.items():
        if not initial.numel():
            raise ValueError(f"its sizes make no model: '{name}' would be empty")
        if name not in source.state:
            if name.startswith(tuple(f"{stack}.layers." for stack in STACKS)):
                raise ValueError(f"it lacks '{name}', so it is damaged or incomplete")
            report.add("missing", initial, target=name, note=_how(initial))
            state[name] = initial.clone()
            continue
        value = source.state[name]
        fitted, note = _fitted(name, value, initial, source, tokens)
        if initial.is_floating_point() and fitted.dtype != initial.dtype:
            note = "; ".join(filter(None, [note, "cast to float32"]))
        state[name] = _own(fitted.detach().to(initial.dtype))
        report.add("used", value, source.origin[name], name, note)
    for name in source.state.keys() - fresh.keys():
        value, theirs = source.state[name], source.origin[name]
        report.add("ignored", value, theirs, note="no such part in this model")
    _note_symbols(source, tokens)
    if CTC_TABLES[0] not in source.state:
        report.warnings.append(
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


def grow_tables(
    state: Mapping[str, Tensor], tokens: Sequence[str], wanted: Sequence[str]
) -> dict[str, Tensor]:
    """Give a model's tables the rows of other tokens.

    Args:
        state: of a model with the symbols ``tokens``.
        tokens: symbols by row.
        wanted: symbols of the result; those that are new get random rows, of the mean
            and the deviation of the others.

    Returns:
        The state, its tables replaced.
    """
    random = torch.Generator().manual_seed(SEED)
    grown = dict(state)
    for name in (EMBEDDING, *CTC_TABLES):
        if name in state:
            value, known = state[name], state[name].float()
            shape = (len(wanted), *value.shape[1:])
            drawn = torch.randn(shape, generator=random) * known.std(dim=0)
            initial = (drawn + known.mean(dim=0)).to(value.dtype)
            grown[name], _ = _fit_rows(value, initial, tokens, wanted)
    return grown


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
        for change, here, there in (("new", tokens, rows), ("dropped", rows, tokens)):
            known = set(there)
            if found := [symbol for symbol in here if symbol not in known]:
                facts[f"{change}_{title}"] = found


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


def _nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Entries of ``model_conf`` from names with dots."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        group, _, key = name.rpartition(".")
        (found.setdefault(group, {}) if group else found)[key] = value
    return found
