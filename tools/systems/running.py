"""Runs the recipe for every system; what is done is passed over."""

import logging
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from espnet2_ext.io.files import write_text
from espnet2_ext.io.model_files import find_model
from tools.systems.plan import ROOT, Option, Plan, System, phases_of, training_of

START = "start_model"
"""Folder of the weights that the systems start from."""


def folder_of(plan: Plan, path: Path) -> Path:
    """Folder of all experiments of the plan in file ``path``."""
    return ROOT / plan.recipe / "exp" / path.stem


def words_of(options: dict[str, Option]) -> list[str]:
    """Write options of ``run.sh`` as its command line wants them."""
    plain = {
        k: str(v).lower() if isinstance(v, bool) else v for k, v in options.items()
    }
    return [f"--{name}={value}" for name, value in plain.items()]


def preparation(plan: Plan, folder: Path, more: dict[str, Option]) -> list[str]:
    """Command that prepares the data; the first weights decide the tokens."""
    options = plan.run | plan.prepare | more
    command = [str(ROOT / plan.recipe / "run.sh"), "--stop_stage=6", "--phases="]
    command += [f"--expdir={folder}", "--tag=data", *words_of(options)]
    return command + ([f"--pretrained={folder / START}"] if plan.start else [])


def commands_of(plan: Plan, name: str, folder: Path) -> list[list[str]]:
    """Write the files of a system; give the commands that train and score it."""
    system: System = plan.systems[name]
    config, phases = folder / f"{name}.yaml", folder / f"{name}_phases.yaml"
    _write(config, training_of(plan, system, folder / START))
    if system.phases:
        _write(phases, {"phases": phases_of(plan, system)})
    command = [
        *(str(ROOT / plan.recipe / "run.sh"), "--skip_data_prep=true"),
        *("--stop_stage=13", f"--expdir={folder}", f"--tag={name}"),
        f"--train_config={config}",
        f"--phases={phases if system.phases else ''}",
    ]
    options = plan.run | system.run
    again = [{**options, "skip_train": True, **more} for more in system.decodes]
    return [[*command, *words_of(each)] for each in (options, *again)]


def _write(path: Path, content: object) -> None:
    """Write YAML, unless the file has it: stages look at what they depend on."""
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def run_systems(
    plan: Plan, folder: Path, names: Sequence[str], at_once: int
) -> list[str]:
    """Prepare the data, then train, decode and score the systems ``names``.

    Each writes what its recipe says into ``<name>.log`` of ``folder``.  ``at_once`` run
    together.  Gives the names of those that failed; the others are finished.

    Raises:
        ValueError, OSError: no data, or no weights to start from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if plan.start and not (folder / START / "model.pth").is_file():
        _unpack(None if plan.start == "shipped" else plan.start, folder / START)
    own = [plan.systems[name].run for name in names if plan.systems[name].prepares]
    for more in ({}, *own):
        if not _run(preparation(plan, folder, more), folder / "data.log"):
            raise ValueError(f"the data were not prepared: see {folder / 'data.log'}")
    commands = {name: commands_of(plan, name, folder) for name in names}

    def attempt(name: str) -> bool:
        logging.info("%s: begins; its log: %s", name, folder / f"{name}.log")
        return all(_run(one, folder / f"{name}.log") for one in commands[name])

    failed = []
    with ThreadPoolExecutor(at_once) as pool:
        outcomes: Iterable[bool] = pool.map(attempt, names)
        for number, (name, good) in enumerate(zip(names, outcomes, strict=True), 1):
            logging.info("%d of %d systems: %s", number, len(names), name)
            if not good:
                failed.append(name)
                logging.error("%s failed: see %s", name, folder / f"{name}.log")
    return failed


def _unpack(source: str | None, target: Path) -> None:
    """Lay a model where ``run.sh --pretrained`` finds it."""
    files = find_model(source)
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(files.train_config, target / "config.yaml")
    shutil.copy(files.model_file, target / "model.pth")


def _run(command: Sequence[str], log: Path) -> bool:
    with log.open("a", encoding="utf-8") as file:
        return subprocess.run(command, stdout=file, stderr=file).returncode == 0
