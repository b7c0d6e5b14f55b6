"""The ESPnet2 task: arguments, class choices, iterators, model."""

import argparse
import logging
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import torch
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.tasks.abs_task import AbsTask, IteratorOptions, scheduler_classes
from espnet2.train.class_choices import ClassChoices

from espnet2_ext.data.batches import speech_buckets, text_buckets
from espnet2_ext.data.collate import TaskCollate
from espnet2_ext.data.iterators import build_task_iterators
from espnet2_ext.data.names import all_names, tasks_in
from espnet2_ext.data.preprocessor import TaskPreprocessor
from espnet2_ext.data.speaker_dimension import data_dimension
from espnet2_ext.io.arks import refuse_commands_in
from espnet2_ext.patches import register
from espnet2_ext.sttatts.config import TASKS, ModelConfig
from espnet2_ext.sttatts.configuration import build_model_config, plain_values
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.front_ends import FRONT_ENDS
from espnet2_ext.tasks.options import add_options
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import build_tokenizer
from espnet2_ext.train.freezing import (
    check_frozen,
    describe_trained,
    keep_statistics,
)
from espnet2_ext.train.resuming import check_resuming
from espnet2_ext.train.starting import check_start
from espnet2_ext.train.trainer import STTATTSTrainer
from espnet2_ext.train.tristage import OfficialTristageLR

register(scheduler_classes, "tristagelr_official", OfficialTristageLR)

frontend_choices = ClassChoices("frontend", classes=FRONT_ENDS, default=None)


class STTATTSTask(AbsTask):
    """Joint training of recognition, synthesis and conversion."""

    num_optimizers: int = 1
    trainer = STTATTSTrainer
    class_choices_list = [frontend_choices]  # noqa: RUF012 (ESPnet's own form)

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add our options, and the front ends that can be chosen."""
        add_options(parser)
        for choices in cls.class_choices_list:
            choices.add_arguments(parser)

    @classmethod
    def check_required_command_args(cls, args: argparse.Namespace) -> None:
        """Also take the speakers' size from the data, and refuse another's folder.

        Raises:
            OtherTrainingError: it holds a training with other options or data.
            FileNotFoundError: a table of the data is missing.
            ValueError: a table of the data names a command instead of a file, or the
                weights to start from are those of another model.
        """
        super().check_required_command_args(args)
        refuse_commands_in(args.train_data_path_and_name_and_type)
        refuse_commands_in(args.valid_data_path_and_name_and_type)
        speaker_dim = data_dimension(args.train_data_path_and_name_and_type)
        if speaker_dim is not None:
            args.model_conf = {"speaker_dim": speaker_dim, **args.model_conf}
        config = keep_statistics(_model_config(args), args.freeze_param)
        check_start(args.init_param, config)
        tokens = _read_token_list(args.token_list)
        check_resuming(args, plain_values(config), tokens)

    @classmethod
    def build_collate_fn(
        cls, args: argparse.Namespace, train: bool
    ) -> Callable[
        [Collection[tuple[str, dict[str, np.ndarray]]]],
        tuple[list[str], dict[str, torch.Tensor]],
    ]:
        """Pad batches to lengths that repeat."""
        return TaskCollate(speech_buckets(args), text_buckets(args))

    @classmethod
    def build_preprocess_fn(
        cls, args: argparse.Namespace, train: bool
    ) -> Callable[[str, dict], dict[str, np.ndarray]] | None:
        """Clean, tokenise and check single utterances."""
        tokens = _read_token_list(args.token_list)
        config = _model_config(args)
        return TaskPreprocessor(
            build_tokenizer(args.token_type, tokens, args.bpemodel),
            build_cleaner(args.cleaner),
            config.speaker_dim,
            args.asr_speeds if train else (),
            config.fusion.languages,
        )

    @classmethod
    def required_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """None: each task's data are checked when its iterator is built."""
        return ()

    @classmethod
    def optional_data_names(
        cls, train: bool = True, inference: bool = False
    ) -> tuple[str, ...]:
        """Every name of every task."""
        return all_names()

    @classmethod
    def build_task_iter_factory(
        cls, args: argparse.Namespace, iter_options: IteratorOptions, mode: str
    ) -> AbsIterFactory:
        """Mix the tasks; see :mod:`espnet2_ext.data.task_mixing`."""
        return build_task_iterators(args, iter_options, mode, cls.build_dataset)

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> ESPnetSTTATTSModel:
        """Build the model and write its whole configuration back into ``args``.

        What ``args`` lacks gets its default: the ``config.yaml`` of a packed or an
        imported model says only what others need to know.

        Raises:
            ValueError: bad configuration, token list or ``--freeze_param``.
        """
        for name, value in vars(cls.get_parser().parse_args([])).items():
            if name not in args:
                setattr(args, name, value)
        if args.model_conf.get("autocast", "none") != "none" and not args.use_amp:
            args.use_amp = True
            logging.warning(
                "--model_conf autocast=%s is now --use_amp true, and taken for it",
                args.model_conf["autocast"],
            )
        config = keep_statistics(_model_config(args), args.freeze_param)
        if config.padding == "official" and args.bucket_multiple:
            raise ValueError(
                "padding 'official' lets padding into the arithmetic: set "
                "--bucket_multiple 0, or --model_conf padding=exact"
            )
        args.token_list = _read_token_list(args.token_list)
        args.model_conf = plain_values(config)
        args.frontend = config.front_end.kind
        names = [name for _, name, _ in args.train_data_path_and_name_and_type]
        seen = {*tasks_in(names), *args.trained_tasks}
        args.trained_tasks = [task for task in TASKS if task in seen]
        if "asr" in tasks_in(names) and config.loss.ctc > 0:
            args.ctc_head_trained = True
        model = ESPnetSTTATTSModel(config, args.token_list)
        check_frozen(model, args.freeze_param)
        return model

    @classmethod
    def build_optimizers(
        cls, args: argparse.Namespace, model: torch.nn.Module
    ) -> list[torch.optim.Optimizer]:
        """Build the optimizer, after saying what it is to train."""
        phase = f"phase {args.phase}; " if args.phase else ""
        logging.info("%s%s", phase, describe_trained(model, args.freeze_param))
        return super().build_optimizers(args, model)


def _model_config(args: argparse.Namespace) -> ModelConfig:
    """Preset, changed by --model_conf and --frontend."""
    overrides = dict(args.model_conf)
    front_end = {**overrides.get("front_end", {}), **args.frontend_conf}
    if args.frontend is not None:
        front_end["kind"] = args.frontend
    if front_end:
        overrides["front_end"] = front_end
    return build_model_config(args.preset, overrides)


def _read_token_list(source: str | list[str]) -> list[str]:
    """Symbols from a file, or as a configuration already holds them."""
    if isinstance(source, str | Path):
        lines = Path(source).read_text(encoding="utf-8").splitlines()
        return [line for line in lines if line]
    return list(source)
