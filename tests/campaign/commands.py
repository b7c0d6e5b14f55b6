"""Commands on full disks, in read-only folders and at odd paths, and two at once."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.campaign.findings import Campaign
from tests.corpora import training_arguments
from tests.model_dirs import write_model, write_waves

ROOT = Path(__file__).parents[2]
ODD = "odd $(touch executed) ;`touch executed` & 'q' \"é\" #"
ORDINARY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")
"""Takes root's right to write where the modes forbid it."""
LIMITS = (0, 1, 512, 4096, 20_000, 100_000)
"""Bytes that a file may have; a full disk says the same at the same place."""


class Commands:
    """Every command that writes, and what it writes into."""

    def __init__(self, campaign: Campaign):
        """Make a model, recordings and a training set."""
        self.campaign = campaign
        self.folder = campaign.folder / "commands"
        self.folder.mkdir()

    def words(self, place: Path) -> dict[str, list[str]]:
        """Command lines whose input and output are under ``place``."""
        model, out = write_model(place / "model"), place / "out"
        waves = write_waves(place)
        data = place / "data"
        data.mkdir()
        names = [f"u{n}" for n in range(len(waves))]
        pairs = list(zip(names, waves, strict=True))
        (data / "wav.scp").write_text("".join(f"{n} {w}\n" for n, w in pairs))
        (data / "utt2spk").write_text("".join(f"{n} anna\n" for n in names))
        (data / "spk2utt").write_text(f"anna {' '.join(names)}\n")
        np.savez(place / "voices.npz", anna=np.ones(16, np.float32))
        out.mkdir()
        files = ("--train_config", f"{model}/config.yaml")
        files += ("--model_file", f"{model}/model.pth")
        speak = ["sttatts", "speak", "abc", "-m", str(model), "--speaker", "anna"]
        speak += [
            "--vocoder",
            "griffin_lim",
            "-o",
            f"{out}/a.wav",
            "--maxlenratio",
            "2",
        ]
        train = [
            "sttatts_train",
            *training_arguments(place / "corpus", train=4, valid=2),
        ]
        train += ["--output_dir", f"{out}/exp", "--max_epoch", "1"]
        return {
            "speak": speak,
            "transcribe": ["sttatts", "transcribe", "-m", str(model), *map(str, waves)],
            "decode": [
                *("sttatts_inference", "--task", "asr", *files, "--ngpu", "0"),
                *("--data_path_and_name_and_type", f"{data}/wav.scp,asr_speech,sound"),
                *("--beam_size", "1", "--output_dir", f"{out}/decoded"),
            ],
            "dump": ["dump_audio", str(data), f"{out}/dump"],
            "copy": ["tools.recipe.datadir", "copy", str(data), f"{out}/copy"],
            "pack": ["sttatts_pack", *files, "--outpath", f"{out}/packed.zip"],
            "train": [*train, "--ngpu", "0", "--batch_bins", "60000"],
        }

    def run(self) -> None:
        """Try every command everywhere."""
        for name in self.words(self._fresh("a")):
            for limit in LIMITS:
                self._try("full disk", name, "a", _limit(limit), must_fail=limit == 0)
            self._try("read-only folder", name, "a", None, read_only=True)
            self._try("odd path", name, ODD, None, must_end=True)
            self._try("control", name, "a", None, must_end=True)
        self._two_at_once()

    def _fresh(self, name: str) -> Path:
        place = self.folder / name
        if place.exists():
            subprocess.run(["chmod", "-R", "u+w", str(place)], check=True)
            shutil.rmtree(place)
        place.mkdir(parents=True)
        return place

    def _try(
        self,
        part: str,
        name: str,
        folder: str,
        before: Callable[[], None] | None,
        read_only: bool = False,
        must_end: bool = False,
        must_fail: bool = False,
    ) -> None:
        if self.campaign.is_over():
            return
        place = self._fresh(folder)
        words = self.words(place)[name]
        first: tuple[str, ...] = ()
        if read_only:
            subprocess.run(["chmod", "-R", "a-w", str(place / "out")], check=True)
            first = ORDINARY
        with self.campaign.timed(part):
            code, said = self._command(part, first, words, before)
        case = f"{name} in {part}"
        if code is None:
            return
        writes = name != "transcribe"
        if must_end and code:
            self.campaign.add(part, "traceback", case, f"code {code}: {said[-300:]}")
        if writes and (read_only or must_fail) and code == 0:
            self.campaign.add(part, "silent drop", case, "nothing written, code 0")
        whole = ("*.wav", "*.pth", "*.zip")
        for path in [p for kind in whole for p in (place / "out").rglob(kind)]:
            if path.stat().st_size == 0:
                self.campaign.add(part, "silent drop", case, f"{path.name} is empty")

    def _command(
        self,
        part: str,
        first: tuple[str, ...],
        words: list[str],
        before: Callable[[], None] | None,
    ) -> tuple[int | None, str]:
        self.campaign.cases[part] += 1
        python = [*first, *_python(words)]
        try:
            done = subprocess.run(
                python,
                cwd=ROOT,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=600,
                preexec_fn=before,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self.campaign.add(part, "hang", words, words[0])
            return None, ""
        if "Traceback (most" in done.stderr:
            last = done.stderr.strip().splitlines()[-1][:200]
            self.campaign.add(part, "traceback", words[:3], f"{words[0]}: {last}")
        self.campaign.look_for_canaries(part, words[:3])
        return done.returncode, done.stderr

    def _two_at_once(self) -> None:
        """Both end well, or one says that the other is at it."""
        for name in self.words(self._fresh("a")):
            if self.campaign.is_over():
                return
            words = self.words(self._fresh("a"))[name]
            self.campaign.cases["two at once"] += 1
            command = _python(words)
            pair = [
                subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
                for _ in range(2)
            ]
            with self.campaign.timed("two at once"):
                said = [process.communicate(timeout=900)[1] for process in pair]
            if all(process.returncode for process in pair):
                self.campaign.add("two at once", "differs", name, said[0][-300:])
            for text in said:
                if "Traceback (most" in text:
                    last = text.strip().splitlines()[-1][:200]
                    self.campaign.add("two at once", "traceback", name, last)


def _python(words: list[str]) -> list[str]:
    """Run a module of the package's commands, or a whole name."""
    name = words[0] if "." in words[0] else f"espnet2_ext.bin.{words[0]}"
    return [sys.executable, "-m", name, *words[1:]]


def _limit(size: int) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return apply


def run(campaign: Campaign) -> None:
    """Run the commands."""
    Commands(campaign).run()
