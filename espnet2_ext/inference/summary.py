"""What is in a model, in plain values: for ``sttatts info`` and the model card."""

from typing import Any

from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.vocoders.loading import GRIFFIN_LIM
from espnet2_ext.inference.vocoders.neural import NeuralVocoder
from espnet2_ext.io.messages import one_line
from espnet2_ext.sttatts.configuration import preset_of
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS


def summarize(model: STTATTS) -> dict[str, Any]:
    """Gather what users ask about a model, under readable names."""
    sizes = model.model.config
    special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}
    tokens = [token for token in model.token_list if token not in special]
    return {
        "preset": preset_of(sizes),
        "parameters": sum(p.numel() for p in model.model.parameters()),
        "sizes": {
            "width": sizes.d_model,
            "feed-forward": sizes.ffn,
            "heads": sizes.heads,
            "encoder layers": sizes.encoder_layers,
            "decoder layers": sizes.decoder_layers,
        },
        "speech_input": sizes.front_end.kind,
        "tasks": list(model.tasks),
        "task_fusion": f"{sizes.fusion.mode}, {sizes.fusion.position}",
        "languages": list(sizes.fusion.languages),
        "vocabulary": len(model.token_list),
        "token_type": model.config.get("token_type", "char"),
        "characters": "".join(sorted(set("".join(tokens)))),
        "cleaner": model.config.get("cleaner"),
        "speakers": model.inputs.speaker_table.names,
        "speaker_vector": sizes.speaker_dim,
        "speaker_tool": model.config.get("speaker_tool"),
        "vocoder": _vocoder_name(model),
        "sample_rate": sizes.audio.sample_rate,
        "mel_bins": sizes.audio.n_mels,
        "hop": sizes.audio.hop_length,
        "padding": sizes.padding,
    }


def _vocoder_name(model: STTATTS) -> str:
    """Its kind, or why it cannot be used; the rest of the model can be."""
    try:
        vocoder = model.vocoder
    except (ValueError, OSError, ImportError) as error:
        return f"does not load: {one_line(error)}"
    if isinstance(vocoder, NeuralVocoder):
        return type(vocoder.generator).__name__
    return GRIFFIN_LIM


def readable(value: Any) -> str:
    """Write a value of :func:`summarize` for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items())
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, int) and value >= 100_000:
        return f"{value / 1e6:.1f} M"
    return "none" if value is None else str(value)
