"""A trained model from its files, without ESPnet's task machinery."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.inputs import ModelInputs
from espnet2_ext.io.messages import one_line, shown
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.safe_reading import check_tensors, read_data
from espnet2_ext.io.settings import mapping, read_yaml
from espnet2_ext.sttatts.configuration import build_model_config, least_parameters
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import check_token_list

if TYPE_CHECKING:
    from espnet2_ext.inference.vocoders.loading import Vocoder


class TrainedModel:
    """A model with its tokens, speakers and vocoder."""

    def __init__(
        self,
        files: ModelFiles | None = None,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        vocoder: str | Path | None = None,
        **named_files: str | Path,
    ):
        """Load a model; :meth:`from_pretrained` finds the files.

        Args:
            files: where the parts of the model are.
            device: Where the model and the vocoder run.
            dtype: Type of the arithmetic. ``torch.bfloat16`` is faster where the
                processor has it, ``torch.int8`` on x86 processors (see
                ``inference.int8``); neither is exact.
            vocoder: What ``vocoders.loading.load_vocoder`` takes; the model's own by
                default, else Griffin-Lim. It is loaded when it is needed.
            named_files: the files one by one (``train_config``, ``model_file``,
                ``bpemodel``, ``speakers``), as ESPnet's model zoo gives them:
                ``STTATTS(**ModelDownloader().download_and_unpack(zip))``.

        Raises:
            TypeError: neither ``files`` nor what is needed of ``named_files``.
            ValueError: see :func:`read_config`, :func:`load_model` and
                :func:`~espnet2_ext.inference.int8.to_int8`.
        """
        if files is None:
            files = ModelFiles(**{k: Path(v) for k, v in named_files.items()})
        elif named_files:
            raise TypeError(f"files and {sorted(named_files)} exclude each other")
        self.config = read_config(files.train_config)
        self.model = load_model(files, self.config, device)
        self.token_list: list[str] = self.model.token_list
        self.device = torch.device(device)
        self.dtype = dtype
        if dtype == torch.int8:
            from espnet2_ext.inference.int8 import to_int8

            to_int8(self.model, self.device)
        self.inputs = ModelInputs(
            self.model, self.config, files.bpemodel, files.speakers, self.device
        )
        self.audio = self.model.config.audio
        self._vocoder_source = vocoder or files.vocoder

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        vocoder: str | Path | None = None,
    ) -> Self:
        """Load a model directory, a packed zip, a URL of one, or a name on a hub.

        Args:
            source: What :func:`~espnet2_ext.formats.import_once.find_or_import` takes;
                None for the model that comes with the package.
            device: Where the model and the vocoder run.
            dtype: Type of the arithmetic.
            vocoder: Another vocoder than the model's own.
        """
        from espnet2_ext.formats.import_once import find_or_import

        files = find_or_import(source)
        return cls(files, device=device, dtype=dtype, vocoder=vocoder)

    @cached_property
    def vocoder(self) -> "Vocoder":
        """The vocoder; loaded here, as recognition works without one.

        Raises:
            OSError, ValueError, ImportError: see
                :func:`~espnet2_ext.inference.vocoders.loading.load_vocoder`.
        """
        return self._load_vocoder(self._vocoder_source)

    def _load_vocoder(self, source: Any) -> "Vocoder":
        """Load a vocoder, unless ``source`` is one."""
        if not (source is None or isinstance(source, str | Path)):
            if not (callable(source) and hasattr(source, "sample_rate")):
                raise ValueError(
                    f"vocoder={shown(source)} is neither a vocoder nor where one is"
                )
            return source
        from espnet2_ext.inference.vocoders.loading import load_vocoder

        return load_vocoder(source, self.device, self.audio)

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that the model was trained for, as far as its configuration says."""
        return trained_tasks(self.config, self.model)

    def require(self, task: str) -> None:
        """Stop before any work if the model was not trained for a task.

        Raises:
            BadInputError: says which tasks the model has.
        """
        if task not in self.tasks:
            raise BadInputError(
                f"this model was not trained for '{task}', only for "
                f"{', '.join(self.tasks)}"
            )

    @property
    def has_ctc(self) -> bool:
        """False for an imported model whose CTC head has random weights."""
        return bool(self.config.get("ctc_head_trained", True))

    def _autocast(self) -> torch.autocast:
        half = self.dtype in (torch.bfloat16, torch.float16)
        return torch.autocast(
            self.device.type, self.dtype if half else torch.bfloat16, enabled=half
        )


def read_config(path: Path) -> dict[str, Any]:
    """Read a ``config.yaml``.

    Raises:
        ValueError: not a configuration of this project.
    """
    config = dict(read_yaml(path))
    if not isinstance(config.get("token_list"), list):
        raise ValueError(f"{path}: not the configuration of a trained STTATTS model")
    for name in ("token_type", "bpemodel", "cleaner", "speaker_tool"):
        if not isinstance(config.get(name), str | None):
            raise ValueError(f"{path}: {name} has to be a text")
    return config


def trained_tasks(config: dict[str, Any], model: ESPnetSTTATTSModel) -> tuple[str, ...]:
    """Tasks that a model was trained for, as far as its ``config.yaml`` says."""
    return tuple(config.get("trained_tasks") or model.config.fusion.tasks)


def load_model(
    files: ModelFiles, config: dict[str, Any], device: str | torch.device
) -> ESPnetSTTATTSModel:
    """Build the model and load every weight.

    Raises:
        ValueError: weights that are missing, unknown, of another shape, or a file
            that is not a plain state dictionary.
    """
    state = read_data(files.model_file)
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]  # a training checkpoint
    state = check_tensors(mapping(state, files.model_file), files.model_file)
    state = without_low_rank(state)
    path = files.train_config
    conf = mapping(config.get("model_conf") or {}, f"{path}: model_conf")
    try:
        model_config = build_model_config(config.get("preset", "base"), conf)
        check_token_list(config["token_list"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    stored = sum(value.numel() for value in state.values())
    if least_parameters(model_config) > stored:
        raise ValueError(
            f"{path}: a model of these sizes has more than the {stored} weights in "
            f"{files.model_file}"
        )
    try:
        model = ESPnetSTTATTSModel(model_config, config["token_list"])
    except Exception as error:  # sizes without meaning fail in many ways
        raise ValueError(f"{path}: makes no model ({one_line(error)})") from error
    problems = _mismatches(model, state)
    if problems:
        named = "; ".join(problems[:5]) + ("; …" if len(problems) > 5 else "")
        raise ValueError(f"{files.model_file} does not fit its configuration: {named}")
    model.load_state_dict(state)
    return model.eval().to(device)


def without_low_rank(state: dict[str, Any]) -> dict[str, Any]:
    """Leave LoRA's matrices out: where ESPnet saves, the weights have their product."""
    return {name: value for name, value in state.items() if ".lora_" not in name}


def _mismatches(model: ESPnetSTTATTSModel, state: dict[str, Any]) -> list[str]:
    ours = model.state_dict()
    problems = [f"missing {name}" for name in ours if name not in state]
    problems += [f"unknown {name}" for name in state if name not in ours]
    problems += [
        f"{name} is {tuple(state[name].shape)}, not {tuple(value.shape)}"
        for name, value in ours.items()
        if name in state and state[name].shape != value.shape
    ]
    return problems
