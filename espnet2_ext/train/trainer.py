"""ESPnet's Trainer with safe checkpoints, a joint criterion and plots of speech."""

from pathlib import Path
from typing import Any

import torch
from espnet2.train.reporter import SubReporter, aggregate
from espnet2.train.trainer import Trainer

from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS, CheckpointKeeper
from espnet2_ext.train.free_running import KeepFirst, free_running_stats
from espnet2_ext.train.plots import plot_speech

UNTRAINED = "init.pth"
"""Weights before the first update, to be compared with what training makes of them."""


class STTATTSTrainer(Trainer):
    """Everything else is ESPnet's."""

    _keeper: CheckpointKeeper

    @classmethod
    def run(cls, **kwargs: Any) -> None:
        """Train to the end; see ``Trainer.run`` for the arguments."""
        option = kwargs["distributed_option"]
        writes = not option.distributed or option.dist_rank == 0
        folder = Path(kwargs["trainer_options"].output_dir)
        cls._keeper = CheckpointKeeper(folder, writes)
        if not writes:
            super().run(**kwargs)
            return
        if (folder / PREVIOUS).exists() and not (folder / CHECKPOINT).exists():
            (folder / PREVIOUS).rename(folder / CHECKPOINT)
        resumes = kwargs["trainer_options"].resume and (folder / CHECKPOINT).exists()
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
    def train_one_epoch(cls, **kwargs: Any) -> bool:
        """Train one epoch from clean gradients."""
        # All files of the epoch before are in place by now.
        cls._keeper.commit()
        for optimizer in kwargs["optimizers"]:
            optimizer.zero_grad()
        return super().train_one_epoch(**kwargs)

    @classmethod
    def validate_one_epoch(cls, reporter: SubReporter, **kwargs: Any) -> None:
        """Validate, also by free-running speech; register ``joint_loss`` of the tasks.

        The plain ``loss`` averages batches of different tasks by characters and
        frames, so it mostly tells how much speech there was.
        """
        batches = KeepFirst(kwargs.pop("iterator"))
        super().validate_one_epoch(reporter=reporter, iterator=batches, **kwargs)
        losses = [
            aggregate(reporter.stats[f"{task}_loss"])
            for task in TASKS
            if f"{task}_loss" in reporter.stats
        ]
        if losses:
            reporter.register({"joint_loss": float(sum(losses))})
            reporter.next()
        if not kwargs["options"].no_forward_run and batches.kept:
            model = getattr(kwargs["model"], "module", kwargs["model"])
            reporter.register(free_running_stats(model, batches.kept))
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
