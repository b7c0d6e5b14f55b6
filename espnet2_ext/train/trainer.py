"""ESPnet's Trainer with safe checkpoints, bf16, a joint criterion and plots."""

import argparse
import dataclasses
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import SubReporter, aggregate
from espnet2.train.trainer import Trainer, TrainerOptions
from espnet2.utils.build_dataclass import build_dataclass
from torch import nn

from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.train.checkpoints import CHECKPOINT, CheckpointKeeper
from espnet2_ext.train.free_running import KeepFirst, free_running_stats
from espnet2_ext.train.plots import plot_speech
from espnet2_ext.train.progress import Batches, Progress

UNTRAINED = "init.pth"
"""Weights before the first update, where something compares with them."""


def peak_memory_gb() -> float:
    """Most memory that this process has held so far: of the GPU, where it uses one."""
    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 1e9
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9  # Linux counts KiB


class Bf16Forward(nn.Module):
    """A model whose forward runs under bf16 autocast on the device of its weights.

    It stands for ``--use_amp``: ESPnet's Trainer opens ``torch.autocast`` for CUDA
    only, and scales the loss as fp16 needs it; bf16 has the range of fp32. Weights and
    gradients stay float32. Autocast ends with each forward: the casts it keeps of
    weights would be stale after an update. Parts that need float32 (mel spectrogram,
    losses) see to that themselves.
    """

    def __init__(self, module: nn.Module):
        """Wrap a model, which may be wrapped for several processes itself."""
        super().__init__()
        # The name under which the Trainer looks for what is wrapped.
        self.module = module

    def forward(self, **batch: Any) -> Any:
        """Forward of the model, to which ``batch`` goes."""
        device = next(self.module.parameters()).device.type
        with torch.autocast(device, torch.bfloat16):
            return self.module(**batch)


@dataclasses.dataclass
class Options(TrainerOptions):
    """ESPnet's, and ours."""

    keep_untrained: bool = False


class STTATTSTrainer(Trainer):
    """Everything else is ESPnet's."""

    _keeper: CheckpointKeeper
    _mixed_precision: bool
    _progress: Progress

    @classmethod
    def build_options(cls, args: argparse.Namespace) -> Options:
        """Take what the trainer needs from the arguments of ``sttatts_train``."""
        options: Options = build_dataclass(Options, args)
        return options

    @classmethod
    def run(cls, **kwargs: Any) -> None:
        """Train to the end; see ``Trainer.run`` for the arguments."""
        options = kwargs["trainer_options"]
        cls._progress = Progress(options.max_epoch, options.accum_grad)
        cls._mixed_precision = options.use_amp
        # Autocast is opened here, not by ESPnet: see Bf16Forward.
        kwargs["trainer_options"] = dataclasses.replace(options, use_amp=False)
        option = kwargs["distributed_option"]
        writes = not option.distributed or option.dist_rank == 0
        folder = Path(options.output_dir)
        cls._keeper = CheckpointKeeper(folder, writes)
        if not writes:
            super().run(**kwargs)
            return
        cls._keeper.recover()
        resumes = options.resume and (folder / CHECKPOINT).exists()
        with cls._keeper.guard_saves():
            if options.keep_untrained and not resumes:
                torch.save(kwargs["model"].state_dict(), folder / UNTRAINED)
            super().run(**kwargs)
            cls._keeper.commit()

    @staticmethod
    def resume(checkpoint: Path, *args: Any, **kwargs: Any) -> None:
        """Continue from the newest readable checkpoint of the folder."""
        Trainer.resume(STTATTSTrainer._keeper.newest_readable(), *args, **kwargs)

    @classmethod
    def _in_precision(cls, model: nn.Module) -> nn.Module:
        """Model that computes as ``--use_amp`` says."""
        return Bf16Forward(model) if cls._mixed_precision else model

    @classmethod
    def train_one_epoch(
        cls,
        model: nn.Module,
        iterator: Batches,
        reporter: SubReporter,
        **kwargs: Any,
    ) -> bool:
        """Train one epoch from clean gradients."""
        # All files of the epoch before are in place by now.
        cls._keeper.commit()
        for optimizer in kwargs["optimizers"]:
            optimizer.zero_grad()
        return super().train_one_epoch(
            model=cls._in_precision(model),
            iterator=cls._progress.watch(iterator, reporter.get_epoch()),
            reporter=reporter,
            **kwargs,
        )

    @classmethod
    def validate_one_epoch(
        cls, model: nn.Module, iterator: Any, reporter: SubReporter, **kwargs: Any
    ) -> None:
        """Validate, also by free-running speech; register the tasks' ``joint_loss``.

        The weights are those of training (``--model_conf loss.asr=…``).  The plain
        ``loss`` averages batches of different tasks by characters and frames, so it
        mostly tells how much speech there was.
        """
        batches = KeepFirst(iterator)
        super().validate_one_epoch(
            model=cls._in_precision(model),
            iterator=batches,
            reporter=reporter,
            **kwargs,
        )
        inner: Any = getattr(model, "module", model)  # DDP wraps it
        weights = inner.config.loss
        losses = [
            getattr(weights, task) * aggregate(reporter.stats[f"{task}_loss"])
            for task in TASKS
            if f"{task}_loss" in reporter.stats
        ]
        if losses:
            joint = {"joint_loss": float(sum(losses))}
            reporter.register({**joint, "peak_memory_gb": peak_memory_gb()})
            reporter.next()
        if not kwargs["options"].no_forward_run and batches.kept:
            reporter.register(free_running_stats(inner, batches.kept))
            reporter.next()

    @classmethod
    def plot_attention(
        cls,
        model: Any,
        output_dir: Path | None,
        summary_writer: Any,
        iterator: Any,
        reporter: SubReporter,
        options: Any,
    ) -> None:
        """Draw attention, mel and stop probability of a few validation utterances."""
        for ids, batch in iterator:
            if options.no_forward_run:
                continue
            plot_speech(
                model,
                ids,
                batch,
                output_dir,
                summary_writer,
                reporter.get_epoch(),
                options.use_wandb,
            )
