"""The README.md of a packed model."""

from collections.abc import Mapping
from typing import Any

import yaml

from espnet2_ext.inference.summary import readable

_TAGS = {
    "asr": "automatic-speech-recognition",
    "tts": "text-to-speech",
    "vc": "voice-conversion",
}
_DOES = {
    "asr": "recognises speech",
    "tts": "synthesises speech",
    "vc": "converts voices",
}

TRAINING_SETTINGS = (
    "task_ratio",
    "mix_mode",
    "max_epoch",
    "num_iters_per_epoch",
    "accum_grad",
    "grad_clip",
    "batch_type",
    "batch_bins",
    "bucket_multiple",
    "min_speech_samples",
    "max_speech_samples",
    "max_text_tokens",
    "optim",
    "optim_conf",
    "scheduler",
    "scheduler_conf",
    "best_model_criterion",
    "keep_nbest_models",
    "seed",
    "use_amp",
    "train_dtype",
    "ngpu",
    "dist_world_size",
    "version",
)
"""Entries of ``config.yaml`` that say how a model was trained, ESPnet's names."""


def write_card(
    name: str,
    summary: Mapping[str, Any],
    config: Mapping[str, Any],
    licence: str | None,
    note: str | None,
) -> str:
    """Write a model card in Markdown with the front matter of model hubs.

    Args:
        name: of the model.
        summary: what :func:`~espnet2_ext.inference.summary.summarize` says.
        config: content of its ``config.yaml``.
        licence: its identifier, for example ``cc-by-4.0``.
        note: further text, Markdown.
    """
    tasks = [task for task in summary["tasks"] if task in _TAGS]
    front = {
        **({"license": licence} if licence else {}),
        "library_name": "espnet",
        "tags": ["espnet", "audio", *[_TAGS[task] for task in tasks]],
    }
    rows = "\n".join(
        f"| {key.replace('_', ' ')} | {_cell(readable(value))} |"
        for key, value in summary.items()
    )
    settings = {key: config[key] for key in TRAINING_SETTINGS if config.get(key)}
    training = _yaml(settings) if settings else "unknown: true\n"
    parts = [
        f"---\n{_yaml(front)}---",
        f"# {name}",
        f"An STTATTS model for ESPnet2: one set of weights that "
        f"{_sentence([_DOES[task] for task in tasks])}.",
        *([note.strip()] if note and note.strip() else []),
        f"## What is in it\n\n| | |\n|---|---|\n{rows}",
        f"## Use\n\n{_usage(name, summary)}",
        f"## Training\n\n```yaml\n{training}```",
        f"## Licence\n\n{licence or 'Not stated by the packer; ask before use.'}",
    ]
    return "\n\n".join(parts) + "\n"


def _usage(name: str, summary: Mapping[str, Any]) -> str:
    """Show how to load the model, and each of its tasks."""
    speaker = (summary["speakers"] or ["speaker.npy"])[0]
    code = {
        "asr": 'print(m.transcribe("speech.wav")[0].text)',
        "tts": f'speech = m.synthesize("hello world", speaker="{speaker}")',
        "vc": f'speech = m.convert("speech.wav", speaker="{speaker}")',
    }
    shell = {
        "asr": "sttatts transcribe speech.wav",
        "tts": f'sttatts speak "hello world" -o out.wav --speaker "{speaker}"',
        "vc": f'sttatts convert speech.wav -o out.wav --speaker "{speaker}"',
    }
    tasks = [task for task in summary["tasks"] if task in code]
    python = [
        "from espnet2_ext import STTATTS",
        "",
        f'm = STTATTS.from_pretrained("{name}.zip")',
        *[code[task] for task in tasks],
    ]
    commands = [f"export STTATTS_MODEL={name}.zip", *[shell[task] for task in tasks]]
    return "```python\n{}\n```\n\n```sh\n{}\n```".format(
        "\n".join(python), "\n".join(commands)
    )


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
