"""All that it takes to adapt a model, each step once."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from espnet2_ext.adapt.checks import Checked, Good, check_clips
from espnet2_ext.adapt.measuring import Figure, measure, table
from espnet2_ext.adapt.options import AdaptOptions
from espnet2_ext.adapt.plan import Plan, read_or_make
from espnet2_ext.adapt.rehearsal import rehearse
from espnet2_ext.adapt.sources import read_clips
from espnet2_ext.adapt.training import (
    newest_weights,
    require_loralib,
    train,
    write_data,
)
from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.checkpoints.starts import add_letters, copy_model
from espnet2_ext.data.speaker_extractors import load_extractor
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.formats.import_once import find_or_import
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.interface import Ear
from espnet2_ext.inference.options import ITSELF
from espnet2_ext.inference.pieces import own_ear
from espnet2_ext.io.cache import made_once
from espnet2_ext.io.files import only_writer, write_text
from espnet2_ext.io.model_files import CONFIG_NAME, ModelFiles, find_model
from espnet2_ext.io.store import Store, digest_of, file_state
from espnet2_ext.scoring.errors import load_jiwer
from espnet2_ext.scoring.judges import JudgeOptions, judge_ear
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.spoken import language_of
from espnet2_ext.text.token_lists import count_characters

LEAST = 12
"""Recordings; with fewer there is nothing to test with."""

TEST, VALID = (0.1, 5, 50), (0.05, 2, 10)
"""Share of the recordings that training does not see, at least, at most."""


@dataclass
class Report:
    """What came of it."""

    output: Path
    checked: Checked
    plan: Plan | None = None
    rehearsed: int = 0
    before: dict[str, Figure] = field(default_factory=dict)
    after: dict[str, Figure] = field(default_factory=dict)
    judge: str = ITSELF

    def lines(self) -> list[str]:
        """Tell the results in a few lines."""
        return [*table(self.before, self.after), f"judge: {self.judge}; {self.output}"]


def run(source: Path, output: Path, model_source: Any, options: AdaptOptions) -> Report:
    """Adapt a model; see :func:`espnet2_ext.adapt.adapt`."""
    if output.suffix != ".zip":
        raise ValueError(f"{output}: the adapted model is a zip; end the name in .zip")
    load_jiwer()  # Its absence is to be told now.
    if options.lora is not None:
        require_loralib()
    folder = output.with_suffix(".adapt")
    with only_writer(folder, "-o"):
        return _Adaptation(source, output, model_source, options, folder).run()


class _Adaptation:
    """One call, and the folder in which it can go on."""

    def __init__(
        self,
        source: Path,
        output: Path,
        model_source: Any,
        options: AdaptOptions,
        folder: Path,
    ):
        self.source, self.output, self.options = source, output, options
        self.folder = folder
        self.files = find_or_import(model_source)
        self._refuse_another_call()
        self.clips = read_clips(source, folder, options.speaker)
        if options.cleaner is not None:
            self.files = self._with_letters(options.cleaner)
        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = STTATTS(self.files, device=device)
        table = self.model.inputs.speaker_table
        if table.extractor is None:
            raise ValueError(
                f"the model's {table.dim}-d speaker embeddings are of "
                f"'{table.tool or ''}', which is not here: the new voice cannot be "
                "described to it"
            )
        self.tool = table.extractor
        load_extractor(self.tool)
        self.known = dict(table.vectors)
        """Embeddings by name; a voice that the model has keeps its own."""

    def _refuse_another_call(self) -> None:
        """Keep a folder to one source, model and set of options."""
        asked = asdict(self.options)
        for free in ("device", "judge"):
            asked.pop(free)
        made_of = [str(self.source.resolve()), file_state(self.files.model_file), asked]

        def refuse() -> None:
            if (self.folder / "call.jsonl").is_file():
                raise ValueError(
                    f"{self.folder}: is of another call (other recordings, model or "
                    "options); remove it to begin anew, or choose another -o"
                )

        Store(self.folder / "call.jsonl", digest_of(made_of), refuse)

    def _with_letters(self, cleaner: str) -> ModelFiles:
        """Copy the model once, with symbols for the letters of the texts."""
        clean = build_cleaner(cleaner)
        letters = sorted(count_characters(clean(clip.text) for clip in self.clips))

        def make(folder: Path) -> None:
            folder.mkdir()
            copy_model(self.files, folder)
            new = add_letters(folder, letters, cleaner)
            _tell(f"new letters: {' '.join(new) or 'none'}")

        folder = self.folder / f"start_{digest_of(letters)[:8]}"
        return find_model(made_once(folder, make))

    def run(self) -> Report:
        place = self.folder / "new"
        checked = check_clips(self.clips, self.model, place, self.options.trust)
        checked.write(self.folder / "dropped.tsv")
        for line in checked.lines():
            _tell(line)
        if checked.dropped:
            _tell(f"  all of them: {self.folder / 'dropped.tsv'}")
        if len(checked.good) < LEAST:
            raise ValueError(
                f"{self.source}: {len(checked.good)} recordings are of use, at least "
                f"{LEAST} are needed"
            )
        sets = split(checked.good)
        report = Report(self.output, checked)
        texts = [clip.text for clip in sets["train"]]
        old = rehearse(
            self.options.rehearsal, self.model, texts, self.folder / "rehearsal"
        )
        unheard = split(old)["test"] if len(old) >= LEAST else []
        repeated = [clip for clip in old if clip not in unheard]
        report.rehearsed = len(repeated)
        _tell(f"rehearsal: {report.rehearsed} recordings ({self.options.rehearsal})")
        learned = [*sets["train"], *repeated]
        data = {"train": learned, "valid": sets["valid"]}
        voices = self.folder / "data"
        write_data(voices, data, self.model, self.tool, self.known)
        ear, report.judge = self._ear()
        tests = (sets["test"], unheard)
        report.before = self._measure(self.model, tests, ear, "before")
        plan = read_or_make(
            self.folder / "plan.yaml", self.model, learned, self.options
        )
        report.plan = plan
        _tell(f"training: {plan.line()}")
        exp = self.folder / "training"
        try:
            train(voices, exp, self.files, self.model, plan, self.options.lora)
        except KeyboardInterrupt:
            self._pack_what_is_there(exp, sets["train"])
            raise
        weights = newest_weights(exp)
        assert weights is not None  # The training ended.
        self._pack(exp, weights, sets["train"])
        report.after = self._measure(
            STTATTS.from_pretrained(self.output, device=self.model.device),
            tests,
            ear,
            "after",
        )
        for line in report.lines():
            _tell(line)
        write_text(self.folder / "report.txt", "\n".join(report.lines()) + "\n")
        return report

    def _measure(
        self, model: STTATTS, tests: tuple[list[Good], list[Good]], ear: Ear, when: str
    ) -> dict[str, Figure]:
        return measure(model, *tests, self.known, ear, self.tool, self.folder / when)

    def _ear(self) -> tuple[Ear, str]:
        """Who judges the speech: chosen, else Whisper, else the model before."""
        installed = find_spec("faster_whisper") is not None
        name = self.options.judge or ("whisper:base" if installed else ITSELF)
        if name == ITSELF:
            return own_ear(self.model, None), "the model itself, before"
        language = language_of("", self.model.config.get("cleaner"))
        return judge_ear(name, JudgeOptions(language)), name

    def _pack_what_is_there(self, exp: Path, clips: Sequence[Good]) -> None:
        weights = newest_weights(exp)
        if weights is not None:
            self._pack(exp, weights, clips)
            _tell(f"stopped after {weights.stem}: {self.output} has what was learned")
        _tell("the same command goes on where it stopped")

    def _pack(self, exp: Path, weights: Path, clips: Sequence[Good]) -> None:
        """Pack the weights with the old voices and the new ones."""
        new = {clip.speaker for clip in clips}
        table = self.model.inputs.speaker_table
        # Not those of other people's recordings that were only rehearsed.
        voices = {k: v for k, v in self.known.items() if k in new or k in table.vectors}
        default = next(iter(new)) if len(new) == 1 else table.default
        speakers = exp / "speakers.npz"
        SpeakerTable(voices, table.dim, self.tool, default).save(speakers)
        bpemodel = self.files.bpemodel
        files = ModelFiles(
            exp / CONFIG_NAME, weights, bpemodel, speakers, self.files.vocoder
        )
        pack_model(files, self.output)


def split(clips: Sequence[Good]) -> dict[str, list[Good]]:
    """Part recordings into ``train``, ``valid``, ``test``, always in the same way."""
    shuffled = sorted(clips, key=lambda clip: sha256(clip.uid.encode()).digest())
    counts = [
        min(most, max(least, round(share * len(clips))))
        for share, least, most in (TEST, VALID)
    ]
    test, valid = counts[0], sum(counts)
    train = shuffled[valid:]
    # Whom nobody learns cannot be tested.
    voices = {clip.speaker for clip in train}
    strangers = [clip for clip in shuffled[:valid] if clip.speaker not in voices]
    return {
        "test": [clip for clip in shuffled[:test] if clip.speaker in voices],
        "valid": [clip for clip in shuffled[test:valid] if clip.speaker in voices],
        "train": [*train, *strangers],
    }


def _tell(line: str) -> None:
    """Say a result where the log is shown."""
    logging.getLogger("espnet2_ext.adapt").info(line)
