"""Pictures of a synthesis: attention, target and predicted mel, stop probability."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from espnet2.torch_utils.device_funcs import to_device

from espnet2_ext.sttatts.config import SPEECH_OUTPUT
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.task_losses import teacher_forced_speech


@torch.no_grad()
def plot_speech(
    model: ESPnetSTTATTSModel,
    ids: Sequence[str],
    batch: dict[str, Any],
    output_dir: Path | None,
    summary_writer: Any = None,
    epoch: int = 0,
    use_wandb: bool = False,
) -> None:
    """Draw teacher-forced predictions of a ``tts`` or ``vc`` batch.

    Args:
        model: put into evaluation mode.
        ids: utterance ids of the rows.
        batch: as for ``model.forward``; other tasks draw nothing.
        output_dir: gets ``<id>/<task>.<epoch>ep.png``.
        summary_writer: tensorboard writer, or None.
        epoch: for file names and steps.
        use_wandb: also log the pictures to Weights & Biases.
    """
    model.eval()
    batch = to_device(batch, next(model.parameters()).device)
    for task in SPEECH_OUTPUT:
        if f"{task}_spembs" not in batch:
            continue
        forced = teacher_forced_speech(model, task, batch)
        # Mean over heads, per layer: (B, layers, L, T).
        attention = torch.stack([a.mean(dim=1) for a in forced.output.attentions], 1)
        r = model.config.reduction_factor
        for row, uid in enumerate(ids):
            steps = int(forced.steps[row])
            frames, memory = steps * r, int(forced.memory_lengths[row])
            figure = _figure(
                f"{uid}, {task}, epoch {epoch}",
                attention[row, :, :steps, :memory].float().cpu().numpy(),
                forced.mel[row, :frames].cpu().numpy(),
                forced.output.after[row, :frames].float().cpu().numpy(),
                forced.output.stop_logits[row, :frames].sigmoid().float().cpu().numpy(),
            )
            if output_dir is not None:
                path = Path(output_dir) / uid / f"{task}.{epoch}ep.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                figure.savefig(path)
            if summary_writer is not None:
                summary_writer.add_figure(f"{task}_{uid}", figure, epoch)
            if use_wandb:
                import wandb

                wandb.log({f"speech/{task}_{uid}": wandb.Image(figure)})


def _figure(
    title: str,
    attention: np.ndarray,
    target: np.ndarray,
    predicted: np.ndarray,
    stop: np.ndarray,
) -> Any:
    """One row of attentions above the two mels and the stop probability."""
    from matplotlib.figure import Figure

    layers = len(attention)
    figure = Figure(figsize=(max(10, 2.2 * layers), 9), layout="constrained")
    figure.suptitle(title)
    parts: Any = figure.subfigures(2, 1, height_ratios=[1, 2])
    top, bottom = parts
    for i, ax in enumerate(np.atleast_1d(top.subplots(1, layers))):
        ax.imshow(attention[i].T, aspect="auto", origin="lower", vmin=0)
        ax.set(title=f"attention, layer {i + 1}", xlabel="decoder step")
    top.axes[0].set_ylabel("memory frame")
    axes = bottom.subplots(3, 1, sharex=True, height_ratios=[2, 2, 1])
    low, high = float(target.min()), float(target.max())
    pictures = (("target", target), ("predicted", predicted))
    for ax, (name, mel) in zip(axes[:2], pictures, strict=True):
        ax.imshow(mel.T, aspect="auto", origin="lower", vmin=low, vmax=high)
        ax.set_ylabel(f"{name} mel bin")
    axes[2].plot(stop)
    axes[2].set(xlabel="mel frame", ylabel="P(stop)", ylim=(0, 1))
    return figure
