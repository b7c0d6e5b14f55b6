"""ESPnet's Trainer with safe checkpoints, a joint criterion and plots of speech."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import SubReporter, aggregate
from espnet2.train.trainer import Trainer
from torch import nn

from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.train.checkpoints import CHECKPOINT, CheckpointKeeper
from espnet2_ext.train.free_running import KeepFirst, free_running_stats
from espnet2_ext.train.plots import plot_speech
from espnet2_ext.train.precision import Bf16Forward
from espnet2_ext.train.progress import Batches, Progress

UNTRAINED = "init.pth"
"""Weights before the first update, to be compared with what training makes of them."""


class STTATTSTrainer(Trainer):
    """Everything else is ESPnet's."""

    _keeper: CheckpointKeeper
    _mixed_precision: bool
    _progress: Progress

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
            if not resumes:
                torch.save(kwargs["model"].state_dict(), folder / UNTRAINED)
            super().run(**kwargs)
            cls._keeper.commit()

    @staticmethod
    def resume(
        checkpoint: Path,
        model: Any,
        reporter: Any,
        optimizers: Any,
        schedulers: Any,
        scaler: Any,
        ngpu: int = 0,
        strict: bool = True,
    ) -> None:
        """Continue from the newest readable checkpoint of the folder."""
        path = STTATTSTrainer._keeper.newest_readable()
        Trainer.resume(
            path, model, reporter, optimizers, schedulers, scaler, ngpu, strict
        )

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
            reporter.register({"joint_loss": float(sum(losses))})
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
