"""Packed models: what is in the zip, and every way to load it."""

import getpass
import hashlib
import io
import json
import os
import stat
import threading
import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from espnet2.gan_tts.hifigan import HiFiGANGenerator

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_pack import main
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.inference.vocoders.neural import NeuralVocoder, save_vocoder
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.machine_paths import find_machine_paths
from espnet2_ext.io.model_files import ModelFiles, find_model
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.text.tokens import SPACE
from tests.corpora import speak
from tests.factories import TOKENS
from tests.inference.test_vocoder import CONFIG as PWG_CONFIG
from tests.inference.test_vocoder import (
    espnet_hifigan,
    hugging_face_hifigan,
    write_parallel_wavegan,
)
from tests.model_dirs import SPEAKERS, write_model
from tests.oracle import HERE as ORACLE

TRAINING = {
    "output_dir": "/home/someone/exp/mini",
    "init_param": ["/home/someone/speecht5.pth"],
    "train_data_path_and_name_and_type": [["/data/wav.scp", "asr_speech", "sound"]],
    "speaker_tool": "/opt/models/xvector",
    "optim": "adamw",
    "optim_conf": {"lr": 0.001, "cache": "/home/someone/cache"},
    "max_epoch": 20,
    "version": "202611",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is written outside the test's folder."""
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("pack") / "exp", **TRAINING)


@pytest.fixture(scope="module")
def vocoder(tmp_path_factory):
    params = {
        "in_channels": 80,
        "channels": 16,
        "upsample_scales": [8, 8, 2, 2],
        "upsample_kernel_sizes": [16, 16, 4, 4],
        "resblock_kernel_sizes": [3],
        "resblock_dilations": [[1]],
    }
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pack") / "hifigan"
    save_vocoder(folder, HiFiGANGenerator(**params), params, AudioConfig())
    return folder


def pack(folder, outpath, *words):
    code = main(
        [
            f"--train_config={folder}/config.yaml",
            f"--model_file={folder}/model.pth",
            f"--speakers={folder}/speakers.npz",
            f"--outpath={outpath}",
            *words,
        ]
    )
    assert code == 0
    return Path(outpath)


@pytest.fixture(scope="module")
def packed(model, vocoder, tmp_path_factory):
    root = tmp_path_factory.mktemp("pack")
    note = root / "note.md"
    note.write_text("Heard it at <https://example.org/a/b/c>, and/or read it.\n")
    words = (f"--vocoder={vocoder}", f"--card_note={note}", "--license=cc-by-4.0")
    return pack(model, root / "mini.zip", *words)


def results(m):
    """A transcript and two mels."""
    wave = speak("abc")
    transcript = m.transcribe(wave, beam_size=2)[0]
    limits = {"minlenratio": 1, "maxlenratio": 2, "vocoder": "griffin_lim"}
    mels = (m.synthesize("abc", "anna", **limits), m.convert(wave, "omar", **limits))
    return transcript.token_ids, *(speech.mel for speech in mels)


def assert_same(one, other):
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[2], other[2])


@pytest.fixture(scope="module")
def expected(model):
    return results(STTATTS.from_pretrained(model))


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ---- what is in it ---------------------------------------------------------------


def test_members(packed):
    content = members(packed)
    assert list(content) == [
        "meta.yaml",
        "README.md",
        "config.yaml",
        "model.pth",
        "speakers.npz",
        "vocoder/vocoder.pth",
        "vocoder/vocoder.yaml",
    ]
    meta = yaml.safe_load(content["meta.yaml"])
    assert meta["yaml_files"] == {"train_config": "config.yaml"}
    assert meta["files"] == {
        "model_file": "model.pth",
        "speakers": "speakers.npz",
        "vocoder": "vocoder",
    }
    names = {*meta["files"], *meta["yaml_files"]}
    assert names <= set(ModelFiles.__dataclass_fields__)


def test_no_trace_of_the_machine(packed, model):
    traces = [str(Path.home()), str(Path.cwd()), str(model), "/home", "/opt", "/data"]
    for name, content in members(packed).items():
        if Path(name).suffix in (".yaml", ".md"):
            text = content.decode()
            assert find_machine_paths(text) == [], name
            assert not any(trace in text for trace in traces), name
            assert f"/{getpass.getuser()}" not in text
        else:
            assert os.fsencode(model) not in content, name
            assert b"/home" not in content


def test_the_configuration_keeps_what_says_something(packed):
    config = yaml.safe_load(members(packed)["config.yaml"])
    assert config["token_list"] == TOKENS
    assert config["speaker_tool"] == "xvector"
    assert config["bpemodel"] is None
    assert config["optim_conf"] == {"lr": 0.001}
    assert config["max_epoch"] == 20
    assert not {"output_dir", "init_param"} & set(config)


def test_the_model_card(packed):
    card = members(packed)["README.md"].decode()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert "automatic-speech-recognition" in front["tags"]
    for words in (
        "# mini",
        "recognises speech, synthesises speech and converts voices",
        "| speakers | anna, omar |",
        "| vocoder | HiFiGANGenerator |",
        'STTATTS.from_pretrained("mini.zip")',
        'm.synthesize("hello world", speaker="anna")',
        "sttatts transcribe speech.wav",
        "max_epoch: 20",
        "## Licence\n\ncc-by-4.0",
        "Heard it at <https://example.org/a/b/c>",
    ):
        assert words in card


def test_a_default_speaker(model, tmp_path):
    before = (model / "speakers.npz").read_bytes()
    archive = pack(model, tmp_path / "m.zip", "--default_speaker=omar")
    table = STTATTS.from_pretrained(archive).inputs.speaker_table
    assert table.names == ["anna", "omar"]
    np.testing.assert_array_equal(table.resolve(None), SPEAKERS["omar"])
    assert (model / "speakers.npz").read_bytes() == before


def test_the_same_inputs_give_the_same_bytes(model, tmp_path):
    one, other = (pack(model, tmp_path / name / "m.zip") for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_espnets_own_loader_builds_a_packed_model(packed, tmp_path):
    folder = unpack_once(packed, tmp_path)
    built, args = STTATTSTask.build_model_from_file(
        folder / "config.yaml", folder / "model.pth"
    )
    state = torch.load(folder / "model.pth", weights_only=True)
    ours = built.state_dict()
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[name], value) for name, value in state.items())
    assert args.trained_tasks == ["asr", "tts", "vc"]


def test_a_training_checkpoint_gives_its_model(model, tmp_path, expected):
    state = torch.load(model / "model.pth", weights_only=True)
    checkpoint = {"model": state, "optimizers": [{"state": {}}], "reporter": {}}
    torch.save(checkpoint, tmp_path / "checkpoint.pth")
    word = f"--model_file={tmp_path}/checkpoint.pth"
    path = pack(model, tmp_path / "m.zip", word)
    weights = io.BytesIO(members(path)["model.pth"])
    assert set(torch.load(weights, weights_only=True)) == set(state)
    assert_same(results(STTATTS.from_pretrained(path)), expected)


def test_a_sentencepiece_model_is_found_through_the_configuration(tmp_path):
    folder = write_model(tmp_path / "exp", token_type="bpe")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["bpemodel"] = str(ORACLE / "spm.model")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    path = pack(folder, tmp_path / "m.zip")
    content = members(path)
    assert content["bpe.model"] == (ORACLE / "spm.model").read_bytes()
    assert yaml.safe_load(content["config.yaml"])["bpemodel"] == "bpe.model"
    m = STTATTS.from_pretrained(path)
    assert m.inputs.tokenizer.pieces("ab")[0].startswith(SPACE)


def write_hugging_face(folder):
    statistics = (torch.zeros(80), torch.ones(80))
    hugging_face_hifigan(statistics).save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "_name_or_path": "/home/someone/hifigan"}))
    return {"config.json", "model.safetensors"}


def write_old_checkpoints(folder):
    config = {**PWG_CONFIG, "outdir": "/home/someone/exp"}
    for steps in (100, 50):
        write_parallel_wavegan(folder, espnet_hifigan(), config, steps)
    np.save(folder / "stats.npy", np.ones((2, 80), np.float32))
    return {"checkpoint-100steps.pkl", "config.yml", "stats.npy"}


@pytest.mark.parametrize("write", [write_hugging_face, write_old_checkpoints])
def test_vocoders_of_other_programs(model, tmp_path, write):
    folder = tmp_path / "vocoder"
    folder.mkdir()
    expected = write(folder)
    path = pack(model, tmp_path / "m.zip", f"--vocoder={folder}")
    content = members(path)
    names = {Path(name).name for name in content if name.startswith("vocoder/")}
    assert names == expected
    assert not any(b"/home" in value for value in content.values())
    mel = torch.zeros(5, 80)
    one = load_vocoder(folder, "cpu", AudioConfig())(mel)
    torch.testing.assert_close(STTATTS.from_pretrained(path).vocoder(mel), one)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model_file=none.pth"], "none.pth"),
        (["--model_file={model}/config.yaml"], "config.yaml: damaged"),
        (["--train_config={model}/model.pth"], "model.pth: not a plain YAML file"),
        (["--speakers=none.npz"], "none.npz: no such file"),
        (["--default_speaker=omar"], "'omar': there is no table of speakers"),
        (
            ["--speakers={model}/speakers.npz", "--default_speaker=zoe"],
            "no speaker 'zoe' in the table: anna, omar",
        ),
        (["--vocoder=none"], "none: no such vocoder"),
        (["--vocoder={model}"], "no vocoder"),
        (["--card_note={note}"], "line 2 of the card's note tells a path"),
        (["--outpath=m.tgz"], "end the name in .zip"),
    ],
)
def test_bad_sources_are_one_line(model, tmp_path, capsys, words, message):
    note = tmp_path / "note.md"
    note.write_text("Trained\nin /home/me/exp.\n")
    old = tmp_path / "m.zip"
    old.write_text("an older model")
    files = {"train_config": "config.yaml", "model_file": "model.pth"}
    defaults = [f"--{name}={model}/{file}" for name, file in files.items()]
    words = [word.format(model=model, note=note) for word in words]
    assert main([*defaults, f"--outpath={old}", *words]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert old.read_text() == "an older model"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.zip", "note.md"]


# ---- loading ---------------------------------------------------------------------


def test_a_zip_gives_what_the_folder_gives(packed, expected):
    m = STTATTS.from_pretrained(packed)
    assert isinstance(m.vocoder, NeuralVocoder)
    assert_same(results(m), expected)


@pytest.fixture
def server(packed):
    """Address of the folder with the zip."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=str(packed.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("way", ["file", "http"])
def test_espnet_model_zoo_loads_it(packed, server, tmp_path, expected, way):
    from espnet_model_zoo.downloader import ModelDownloader

    source = str(packed) if way == "file" else f"{server}/{packed.name}"
    found = ModelDownloader(tmp_path / "zoo").download_and_unpack(source)
    assert set(found) == {"train_config", "model_file", "speakers", "vocoder"}
    assert_same(results(STTATTS(**found)), expected)
    files = {name: Path(path) for name, path in found.items()}
    with pytest.raises(TypeError, match="exclude each other"):
        STTATTS(ModelFiles(**files), **found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_espnet_loads_it(packed, expected):
    import espnet

    m = espnet.load(str(packed), task="sttatts", device="cpu")
    assert_same(results(m), expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_address_is_a_model(packed, server, cache, expected):
    m = STTATTS.from_pretrained(f"{server}/{packed.name}")
    assert_same(results(m), expected)
    assert any(cache.rglob("mini.zip"))
    with pytest.raises(OSError, match="could not be downloaded"):
        STTATTS.from_pretrained(f"{server}/none.zip")


def test_it_is_unpacked_once(packed, cache):
    folder = unpack_once(packed)
    assert folder.parent == cache
    before = (folder / "model.pth").stat().st_mtime_ns
    assert unpack_once(packed) == folder
    assert (folder / "model.pth").stat().st_mtime_ns == before


def unpack_in_process(path, cache):
    return unpack_once(path, cache)


def test_two_processes_unpack_at_once(packed, tmp_path):
    big = tmp_path / "big.zip"
    with zipfile.ZipFile(big, "w") as archive:
        for name, content in members(packed).items():
            archive.writestr(name, content)
        archive.writestr("padding", os.urandom(20 * 2**20))
    cache = tmp_path / "shared"
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        runs = [pool.submit(unpack_in_process, big, cache) for _ in range(4)]
        folders = {run.result() for run in runs}
    assert len(folders) == 1
    digest = hashlib.sha256(big.read_bytes()).hexdigest()[:32]
    assert {p.name for p in cache.iterdir()} == {digest, f"{digest}.lock"}
    find_model(folders.pop())


def test_a_killed_unpacking_is_no_model(packed, cache):
    folder = unpack_once(packed)
    unfinished = folder.with_suffix(".unfinished")
    folder.rename(unfinished)
    (unfinished / "model.pth").write_bytes(b"half")
    assert (unpack_once(packed) / "model.pth").stat().st_size > 4
    assert not unfinished.exists()


# ---- archives that mean harm -----------------------------------------------------


def rewrite(packed, path, changes, links=()):
    """Copy a zip with other members; ``links`` become symbolic links."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members(packed), **changes}.items():
            member = zipfile.ZipInfo(name)
            kind = stat.S_IFLNK if name in links else stat.S_IFREG
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "c:/evil"])
def test_no_member_leaves_the_folder(packed, tmp_path, cache, name):
    path = rewrite(packed, tmp_path / "m.zip", {name: b"evil"})
    with pytest.raises(ValueError, match="leaves the folder"):
        STTATTS.from_pretrained(path)
    assert not [p for p in tmp_path.rglob("*") if "evil" in p.name]
    assert not any(p.is_dir() for p in cache.iterdir())


def test_no_member_is_a_link(packed, tmp_path):
    changes = {"speakers.npz": b"/etc/passwd"}
    path = rewrite(packed, tmp_path / "m.zip", changes, links=("speakers.npz",))
    with pytest.raises(ValueError, match=r"'speakers.npz' is a link; refused"):
        STTATTS.from_pretrained(path)


@pytest.mark.parametrize("value", ["/etc/passwd", "../x", "a/../../x"])
def test_no_entry_points_outside(packed, tmp_path, value):
    meta = yaml.safe_load(members(packed)["meta.yaml"])
    meta["files"]["speakers"] = value
    changes = {"meta.yaml": yaml.safe_dump(meta)}
    path = rewrite(packed, tmp_path / "m.zip", changes)
    with pytest.raises(ValueError, match="'speakers' points outside the model"):
        STTATTS.from_pretrained(path)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ("a: [b", "not a plain YAML file"),
        ("- list", "expected names with values"),
        ("files: {}", "not an STTATTS model"),
    ],
)
def test_a_damaged_description(packed, tmp_path, meta, message):
    path = rewrite(packed, tmp_path / "m.zip", {"meta.yaml": meta})
    with pytest.raises(ValueError, match=message):
        STTATTS.from_pretrained(path)


def test_a_cut_download(packed, tmp_path):
    path = tmp_path / "m.zip"
    path.write_bytes(packed.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a readable zip"):
        STTATTS.from_pretrained(path)


def test_paths_in_texts():
    assert find_machine_paths("a\nin /home/me/x, ~/y") == [
        (2, "/home/me/x"),
        (2, "~/y"),
    ]
    assert find_machine_paths("see https://a.org/b/c and/or 1/2, user/model") == []
