"""Random inputs, in this process: audio, texts, speakers, options, tables, settings."""

import contextlib
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from espnet2_ext.audio import load_speech
from espnet2_ext.bin.sttatts import _build_parser
from espnet2_ext.data.kaldi_checks import AudioLimits, audio_problem
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.decode.decoder import task_options
from espnet2_ext.inference.loading import read_config
from espnet2_ext.inference.options import TITLES
from espnet2_ext.io.options import options_of
from espnet2_ext.io.settings import mapping, read_json, read_yaml
from espnet2_ext.io.tables import read_table, read_values
from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.sttatts.symbols import check_token_list
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.token_lists import read_tokens, tokens_of_model
from tests.campaign.findings import Campaign
from tests.corpora import speak
from tests.model_dirs import write_model
from tools.recipe import datadir
from tools.restoration.template import load_template

WAVE = speak("abcdefgh")
FORMATS = [
    *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")),
    *(
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
        ("AIFF", "PCM_16"),
        ("CAF", "PCM_16"),
    ),
    *(("AU", "ULAW"), ("RF64", "PCM_16"), ("W64", "PCM_24"), ("NIST", "PCM_16")),
    *(("VOC", "PCM_16"), ("MAT5", "FLOAT"), ("WAV", "IMA_ADPCM"), ("AIFF", "FLOAT")),
]
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**9, 10**400, -1, 0, 1, math.inf, math.nan, 1e308, -1e-308]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=30))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=10), inner, max_size=4),
    ),
    max_leaves=8,
)


class Fuzzer:
    """Targets, each of which takes one case of a strategy."""

    def __init__(self, campaign: Campaign):
        """Make a model and files to change."""
        self.campaign = campaign
        self.folder = campaign.folder / "fuzz"
        self.folder.mkdir()
        self.model = STTATTS.from_pretrained(write_model(self.folder / "model"))
        self.config = (self.folder / "model" / "config.yaml").read_text()
        self.sounds = []
        for kind, subtype in FORMATS:
            content = io.BytesIO()
            soundfile.write(content, WAVE, 16000, format=kind, subtype=subtype)
            self.sounds.append((kind, content.getvalue()))

    def run(self, cases: int) -> None:
        """Draw so many cases, shared evenly among the targets."""
        mutated = st.lists(
            st.tuples(st.floats(0, 1), st.binary(max_size=9)), max_size=4
        )
        targets: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Any]]] = {
            "audio files": (
                self.audio_file,
                st.tuples(st.integers(0, len(FORMATS) - 1), st.floats(0, 1), mutated),
            ),
            "samples": (self.samples, st.tuples(_arrays(), numbers)),
            "texts": (self.text, st.text(max_size=2000)),
            "speakers": (self.speaker, st.one_of(values, _arrays(), st.binary())),
            "options": (self.options, st.dictionaries(_option_names(), values)),
            "command lines": (self.words, _command_lines()),
            "data directories": (self.directory, _directories()),
            "tables": (self.table, st.binary(max_size=300)),
            "YAML": (self.yaml, st.one_of(st.text(), values, st.binary())),
            "model settings": (self.settings, st.tuples(st.integers(0, 200), values)),
            "token lists": (self.tokens, st.one_of(st.binary(), st.lists(scalars))),
        }
        for name, (target, strategy) in targets.items():
            with self.campaign.timed(name):
                self._draw(name, target, strategy, math.ceil(cases / len(targets)))

    def _draw(
        self,
        name: str,
        target: Callable[[Any], Any],
        strategy: st.SearchStrategy[Any],
        count: int,
    ) -> None:
        @seed(self.campaign.seed)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def case(drawn: Any) -> None:
            if not self.campaign.is_over():
                self.campaign.judge(name, drawn, lambda: target(drawn))

        case()

    # ---- targets -------------------------------------------------------------------

    def audio_file(self, case: tuple[int, float, list[tuple[float, bytes]]]) -> None:
        """A file that was cut, and overwritten here and there."""
        kind, content = self.sounds[case[0]]
        whole, share, changes = content, case[1], case[2]
        for where, new in changes:
            at = int(where * len(content))
            content = content[:at] + new + content[at + len(new) :]
        content = content[: math.ceil(share * len(content))]
        path = self.folder / f"a.{kind.lower()}"
        path.write_bytes(content)
        audio_problem(str(path), AudioLimits())
        wave = load_speech(path, 0, 16000, max_seconds=None)
        cut = len(content) < len(whole) - 64
        if cut and not changes and len(wave) < 0.98 * len(WAVE):
            self.campaign.add("audio files", "silent drop", case, f"{kind} accepted")

    def samples(self, case: tuple[np.ndarray, Any]) -> None:
        """Samples of any kind, at any rate."""
        self.model.inputs.speech(case[0], case[1], 30.0)

    def text(self, case: str) -> None:
        """A text to say."""
        for name in ("english", "arabic", None):
            with contextlib.suppress(ValueError):
                build_cleaner(name)(case)
        self.model.inputs.text(case)

    def speaker(self, case: Any) -> None:
        """Who speaks: anything, or the bytes of a file."""
        if isinstance(case, bytes):
            for suffix in (".npy", ".npz", ".wav"):
                path = self.folder / f"speaker{suffix}"
                path.write_bytes(b"\x93NUMPY\x01\x00" + case)
                with contextlib.suppress(ValueError, OSError):
                    self.model.inputs.speakers(path, 1)
            return
        self.model.inputs.speakers(case, 1)

    def options(self, case: dict[str, Any]) -> None:
        """Keywords; what is accepted has to be finite."""
        for kind in TITLES:
            with contextlib.suppress(ValueError):
                made = vars(options_of(case, kind))
                odd = [v for v in made.values() if isinstance(v, float)]
                if not all(map(math.isfinite, odd)):
                    self.campaign.add("options", "hang", case, f"{kind} accepts it")
                for name in ("beam_size", "nbest", "batch_size"):
                    if made.get(name, 1) > 10_000:
                        self.campaign.add("options", "hang", case, f"{name} accepted")

    def words(self, case: list[str]) -> None:
        """A command line; what is wrong with it is argparse's to say."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                args = _build_parser().parse_args(["transcribe", "a.wav", *case])
            except SystemExit as end:
                if end.code not in (0, 2):
                    raise
                return
            task_options("asr", args)

    def directory(self, case: dict[str, str]) -> None:
        """Tables; after ``fix`` nothing may be wrong, and nobody may vanish."""
        folder = self.folder / "data"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, content in case.items():
            (folder / name).write_bytes(content.encode("utf-8", "surrogatepass"))
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            datadir.main(["filter", str(folder), str(self.folder / "filtered")])
            datadir.main(["validate", str(folder), "--no_audio"])
            if datadir.main(["fix", str(folder), "--no_audio"]) == 0:
                before = len(said.getvalue())
                if datadir.main(["validate", str(folder), "--no_audio"]):
                    left = said.getvalue()[before:]
                    self.campaign.add("data directories", "silent drop", case, left)

    def table(self, case: bytes) -> None:
        """A file of ids and values."""
        path = self.folder / "table"
        path.write_bytes(case)
        read_table(path)
        read_values(path)

    def yaml(self, case: Any) -> None:
        """A file of settings."""
        path = self.folder / "a.yaml"
        path.write_bytes(case if isinstance(case, bytes) else _dumped(case))
        for read in (read_yaml, read_json, read_config, load_template, tokens_of_model):
            with contextlib.suppress(ValueError, OSError):
                read(path)

    def settings(self, case: tuple[int, Any]) -> None:
        """One setting of the model is something else."""
        content = yaml.safe_load(self.config)
        places = list(_places(content))
        group, name = places[case[0] % len(places)]
        group[name] = case[1]
        conf = mapping(content["model_conf"], "model_conf")
        build_model_config(content["preset"], conf)
        check_token_list(content["token_list"])

    def tokens(self, case: Any) -> None:
        """A list of symbols."""
        if isinstance(case, bytes):
            path = self.folder / "tokens.txt"
            path.write_bytes(case)
            case = read_tokens(path)
        check_token_list(case)


def _dumped(case: Any) -> bytes:
    if isinstance(case, str):
        return case.encode("utf-8", "surrogatepass")
    return yaml.safe_dump(case).encode("utf-8", "surrogatepass")


def _places(content: Any) -> Any:
    """Every place in nested settings."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield content, name
            yield from _places(value)


def _arrays() -> st.SearchStrategy[np.ndarray]:
    from hypothesis.extra import numpy as arrays

    kinds = st.one_of(arrays.scalar_dtypes(), st.just(np.dtype(np.float32)))
    return arrays.arrays(
        kinds, arrays.array_shapes(min_dims=0, min_side=0, max_side=40)
    )


def _option_names() -> st.SearchStrategy[str]:
    names = [name for kind in TITLES for name in kind.__dataclass_fields__]
    return st.sampled_from([*names, "vocoder", "no such name"])


def _command_lines() -> st.SearchStrategy[list[str]]:
    word = st.one_of(st.text(max_size=12), numbers.map(str), _option_names())
    pair = st.tuples(_option_names().map(lambda n: f"--{n.replace('_', '-')}"), word)
    return st.lists(pair, max_size=4).map(lambda pairs: [w for p in pairs for w in p])


def _directories() -> st.SearchStrategy[dict[str, str]]:
    uid = st.sampled_from(["a", "b", "c-1", "é", "=1", "ab"])
    value = st.one_of(
        st.sampled_from(
            ["a b", "touch executed |", "| touch executed", "-", "9" * 400]
        ),
        st.text(max_size=12),
        numbers.map(str),
        uid,
    )
    line = st.tuples(uid, value).map(" ".join)
    table = st.one_of(st.lists(line, max_size=5).map("\n".join), st.text(max_size=40))
    names = ["wav.scp", "text", "utt2spk", "spk2utt", "segments", "utt2num_samples"]
    return st.dictionaries(st.sampled_from([*names, "spembs.scp"]), table)


def run(campaign: Campaign, cases: int) -> None:
    """Fuzz."""
    Fuzzer(campaign).run(cases)
