"""fairseq checkpoints of any size become models with the same numbers."""

import csv
import json
import logging
import re

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_import import main
from espnet2_ext.bin.sttatts_train import main as train
from espnet2_ext.sttatts.config import FrontEndConfig, FusionConfig
from espnet2_ext.sttatts.symbols import build_token_list
from tests import oracle
from tests.corpora import training_arguments
from tests.formats import fairseq_files
from tests.formats.fairseq_files import CHARACTERS, fairseq_state, small_model


def run(checkpoint, folder, *options) -> STTATTS:
    """Import with the command and load the directory."""
    arguments = ["--checkpoint", checkpoint, "--output_dir", folder, *options]
    assert main([str(argument) for argument in arguments]) == 0
    return STTATTS.from_pretrained(folder)


def report_of(folder) -> dict:
    return json.loads((folder / "import_report.json").read_text())


def assert_same_weights(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=0, msg=name)


@pytest.fixture(scope="module")
def oracle_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("oracle") / "model"
    arguments = ["--checkpoint", oracle.HERE / "checkpoint.pt"]
    arguments += ["--dict", oracle.HERE / "dict.txt"]
    arguments += ["--bpemodel", oracle.HERE / "spm.model", "--output_dir", folder]
    assert main([str(argument) for argument in arguments]) == 0
    return folder


@torch.no_grad()
def test_oracle_arrays(oracle_folder):
    m = STTATTS.from_pretrained(oracle_folder)
    assert m.token_list == oracle.token_list()
    assert m.model.config == oracle.CONFIG
    model, batch = m.model, oracle.asr_batch()

    def close(ours, name):
        torch.testing.assert_close(ours, oracle.tensor(name), atol=1e-5, rtol=0)

    memory, lengths = model.encode_speech(
        batch["asr_speech"], batch["asr_speech_lengths"], padding="official"
    )
    close(memory.transpose(0, 1), "s2t.encoder_out_before_fusion")
    close(model.ctc_logits(memory).transpose(0, 1), "s2t.ctc_logits")
    prev_tokens = oracle.tensor("in.asr.net_input.prev_output_tokens")
    logits = model.decode_text(model.fuse(memory, "asr"), lengths, prev_tokens)
    close(logits, "s2t.decoder_logits")
    batch = oracle.tts_batch()
    memory, lengths = model.encode_text(batch["tts_text"], batch["tts_text_lengths"])
    output = model.decode_speech(
        model.fuse(memory, "tts"),
        lengths,
        oracle.tensor("in.tts.net_input.prev_output_tokens"),
        batch["tts_spembs"],
        oracle.tensor("in.tts.net_input.tgt_lengths"),
        prenet_dropout=0.0,
    )
    close(output.after, "t2s.after_postnet")
    close(output.stop_logits, "t2s.stop_logits")


def test_oracle_directory_works(oracle_folder):
    """The directory alone is enough to recognise and to speak."""
    m = STTATTS.from_pretrained(oracle_folder)
    assert m.tasks == ("asr", "tts")
    wave = oracle.asr_batch()["asr_speech"][0].numpy()
    assert m.transcribe(wave, beam_size=2)[0].tokens
    voice = oracle.tts_batch()["tts_spembs"][0].numpy()
    assert len(m.synthesize("the cat", voice, maxlenratio=4).mel)


def test_every_tensor_is_accounted_for(oracle_folder):
    entries = report_of(oracle_folder)["entries"]
    assert sorted(e["source"] for e in entries) == sorted(oracle.official_state())
    assert all(e["note"] for e in entries if e["status"] == "ignored")
    with (oracle_folder / "import_report.tsv").open() as file:
        table = list(csv.DictReader(file, delimiter="\t"))
    assert len(table) == len(entries)
    ours = STTATTS.from_pretrained(oracle_folder).model.state_dict()
    assert {e["target"] for e in entries if e["status"] == "used"} == set(ours)


def test_help_lists_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--dict", "--bpemodel", "--vocoder"))


ODD_SIZES = [
    {"d_model": 48, "heads": 3, "ffn": 40, "encoder_layers": 3, "decoder_layers": 1},
    {"pos_conv_kernel": 15, "pos_conv_groups": 2, "max_relative_position": 7},
    {"speaker_dim": 5, "reduction_factor": 3, "prenet_layers": 3, "prenet_units": 24},
    {"postnet_layers": 3, "postnet_channels": 12, "postnet_kernel": 3},
    {"front_end": FrontEndConfig(channels=20), "encoder_layers": 1},
    {"fusion": FusionConfig(tasks=("asr", "tts"), task_dim=9)},
]


@pytest.mark.parametrize("sizes", ODD_SIZES, ids=lambda sizes: next(iter(sizes)))
def test_sizes_come_from_the_shapes(sizes, tmp_path):
    theirs = small_model(**sizes)
    state = fairseq_state(theirs)
    path = fairseq_files.write(tmp_path / "a.pt", state, t5_task="multitask")
    m = run(path, tmp_path / "model")
    assert_same_weights(m.model.state_dict(), theirs.state_dict())
    for name, value in sizes.items():
        assert getattr(m.model.config, name) == value


def test_settings_that_no_shape_tells(tmp_path):
    path = fairseq_files.write(
        tmp_path / "a.pt",
        fairseq_state(small_model()),
        t5_task="s2t",
        dropout=0.15,
        encoder_layerdrop=0,
        dprenet_dropout_rate=0.25,
        mask_prob=0.3,
        ctc_weight=0.75,
    )
    m = run(path, tmp_path / "model")
    config = m.model.config
    assert (config.dropout, config.encoder_layerdrop) == (0.15, 0.0)
    assert config.prenet_dropout == 0.25
    assert (config.span_mask.time_prob, config.loss.ctc) == (0.3, 0.75)
    assert config.padding == "official"
    assert m.tasks == ("asr",)


def test_without_fusion(tmp_path, capsys):
    theirs = small_model(fusion=FusionConfig(mode="none"))
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(theirs))
    m = run(path, tmp_path / "model")
    assert m.model.task_fusion is None
    assert re.search("task fusion +absent", capsys.readouterr().out)
    assert_same_weights(m.model.state_dict(), theirs.state_dict())


@pytest.mark.parametrize("legacy", [False, True])
def test_half_precision_is_cast_up(legacy, tmp_path):
    theirs = small_model()
    half = {
        name: value.half() if value.is_floating_point() else value
        for name, value in fairseq_state(theirs).items()
    }
    path = fairseq_files.write(tmp_path / "a.pt", half, legacy=legacy)
    state = run(path, tmp_path / "model").model.state_dict()
    expected = {
        name: value.half().float() if value.is_floating_point() else value
        for name, value in theirs.state_dict().items()
    }
    assert_same_weights(state, expected)


def test_pre_training_checkpoint(tmp_path, capsys):
    """Heads of the pre-training are left out, the missing symbol is new."""
    theirs = small_model(fusion=FusionConfig(mode="none"))
    state = fairseq_state(theirs)
    for name in list(state):
        if state[name].size()[:1] == (len(theirs.token_list),):
            state[name] = state[name][:-1]
    state["hubert_layer.label_embs_concat"] = torch.zeros(504, 8)
    state["quantizer.vars"] = torch.zeros(1, 20, 4)
    path = fairseq_files.write(tmp_path / "a.pt", state, t5_task="pretrain")
    m = run(path, tmp_path / "model")
    assert m.token_list == theirs.token_list
    ours = m.model.token_embedding.weight
    torch.testing.assert_close(ours[:-1], theirs.token_embedding.weight[:-1])
    report = report_of(tmp_path / "model")
    assert report["facts"]["new_embedding"] == ["<ctc_blank>"]
    notes = {e["source"]: e["note"] for e in report["entries"]}
    assert "pre-training" in notes["hubert_layer.label_embs_concat"]
    assert "pre-training" in notes["quantizer.vars"]
    assert "1 initialised" in capsys.readouterr().out


def test_missing_parts_are_initialised_and_named(tmp_path, capsys):
    theirs = small_model()
    state = fairseq_state(theirs)
    removed = [n for n in state if n.startswith(("encoder.proj", "speech_decoder_p"))]
    for name in removed:
        del state[name]
    path = fairseq_files.write(tmp_path / "a.pt", state)
    m = run(path, tmp_path / "model", "--speaker_dim", "7")
    assert m.model.config.speaker_dim == 7
    out = capsys.readouterr().out
    assert "initialised at random, std" in out
    assert "ctc_weight 0" in out
    assert (
        "# the checkpoint has no CTC head"
        in (tmp_path / "model" / "config.yaml").read_text()
    )
    again = run(path, tmp_path / "again", "--speaker_dim", "7")
    assert_same_weights(again.model.state_dict(), m.model.state_dict())


def rows_by_symbol(model, tokens):
    return dict(zip(tokens, model.token_embedding.weight, strict=True))


def assert_shared_rows(m, theirs):
    before = rows_by_symbol(theirs, theirs.token_list)
    after = rows_by_symbol(m.model, m.token_list)
    for symbol in before.keys() & after.keys():
        torch.testing.assert_close(after[symbol], before[symbol], rtol=0, atol=0)
    place = {s: i for i, s in enumerate(theirs.token_list)}
    for i, symbol in enumerate(m.token_list):
        if symbol in place:
            ours, old = m.model.ctc_head, theirs.ctc_head
            torch.testing.assert_close(ours.weight[i], old.weight[place[symbol]])
            torch.testing.assert_close(ours.bias[i], old.bias[place[symbol]])


def test_dictionary_with_more_symbols(tmp_path, capsys):
    theirs = small_model()
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(theirs))
    longer = fairseq_files.write_dictionary(
        tmp_path / "longer.txt", [*CHARACTERS, "x", "y"]
    )
    m = run(path, tmp_path / "model", "--dict", longer)
    assert m.token_list == build_token_list([*CHARACTERS, "x", "y"])
    assert_shared_rows(m, theirs)
    assert re.search("new_embedding +x y", capsys.readouterr().out)


def test_another_dictionary(tmp_path):
    theirs = small_model()
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(theirs))
    wanted = ["b", *reversed(CHARACTERS[2:]), "\u2581"]
    other = fairseq_files.write_dictionary(tmp_path / "other.txt", wanted)
    m = run(path, tmp_path / "model", "--new_dict", other)
    assert m.token_list == build_token_list(wanted)
    assert_shared_rows(m, theirs)
    facts = report_of(tmp_path / "model")["facts"]
    assert facts["new_ctc"] == ["b"]
    assert facts["dropped_ctc"] == [CHARACTERS[1]]


@pytest.mark.parametrize("size", [9, 16, 24])
def test_speaker_layer_of_another_size(size, tmp_path):
    theirs = small_model()
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(theirs))
    m = run(path, tmp_path / "model", "--speaker_dim", size)
    ours = m.model.speech_decoder_prenet.speaker_layer.weight
    old = theirs.speech_decoder_prenet.speaker_layer.weight
    kept = 64 + min(size, 16)
    assert ours.size(1) == 64 + size
    torch.testing.assert_close(ours[:, :kept], old[:, :kept], rtol=0, atol=0)


def failure(tmp_path, capsys, *options) -> str:
    arguments = ["--output_dir", tmp_path / "model", *options]
    assert main([str(argument) for argument in arguments]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_errors_name_the_file_and_the_cure(tmp_path, capsys):
    state = fairseq_state(small_model())
    path = fairseq_files.write(tmp_path / "a.pt", state)
    dictionary = tmp_path / "dict.txt"
    short = fairseq_files.write_dictionary(tmp_path / "short.txt", CHARACTERS[:-3])
    line = failure(tmp_path, capsys, "--checkpoint", path, "--dict", short)
    assert "a.pt: it has 15 symbols, the dictionary makes 12" in line
    assert "--new_dict" in line
    dictionary.unlink()
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "(9 lines) beside it" in line
    assert "--dict FILE" in line
    dictionary.write_text("a 1\nb\n")
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "dict.txt, line 2: expected 'symbol count'" in line
    fairseq_files.write(path, {**state, "encoder.layers.0.fc1.bias": torch.ones(3)})
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "'encoder.layers.0.fc1.bias' is (3,)" in line
    fairseq_files.write(path, {k: v for k, v in state.items() if ".1.fc2." not in k})
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "it lacks 'encoder.layers.1.feed_forward.fc2.weight'" in line
    fairseq_files.write(path, state, layer_norm_first=True)
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "layer_norm_first, a variant that is not supported" in line
    torch.save({"model": {"w": torch.ones(1)}}, path)
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "not of SpeechT5" in line
    assert not (tmp_path / "model").exists()
    assert not list(tmp_path.glob(".model*"))


def test_a_directory_in_use_is_left_alone(tmp_path, capsys):
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(small_model()))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("x")
    line = failure(tmp_path, capsys, "--checkpoint", path)
    assert "is not empty" in line
    assert (tmp_path / "model" / "mine.txt").is_file()
    run(path, tmp_path / "model", "--overwrite")
    line = failure(tmp_path, capsys, "--checkpoint", tmp_path / "model" / "model.pth")
    assert "is inside the output directory" in line


def test_unknown_tensors_are_not_silent(tmp_path, capsys):
    state = fairseq_state(small_model())
    state["adapter.weight"] = torch.ones(2)
    state["encoder.layers.0.gate.weight"] = torch.ones(2)
    path = fairseq_files.write(tmp_path / "a.pt", state)
    run(path, tmp_path / "model")
    out = capsys.readouterr().out
    assert "warning: 'adapter.weight' is unknown here" in out
    assert "encoder.layers.0.gate.weight: no such part" in out


def test_fine_tuning_starts_from_the_import(tmp_path, caplog):
    """The loss before the first update is the imported model's; then it falls."""
    letters = ["\u2581", *"abcdefgh"]
    theirs = small_model(fusion=FusionConfig(tasks=("asr", "tts"), task_dim=8))
    path = fairseq_files.write(tmp_path / "a.pt", fairseq_state(theirs), dropout=0.0)
    dictionary = fairseq_files.write_dictionary(tmp_path / "new.txt", letters)
    m = run(path, tmp_path / "model", "--new_dict", dictionary)
    data = training_arguments(tmp_path / "data", ("asr",), train=8, valid=2)
    arguments = [
        *data[4:],  # without --token_list and --preset, which the directory brings
        f"--config={tmp_path / 'model' / 'config.yaml'}",
        f"--init_param={tmp_path / 'model' / 'model.pth'}",
        f"--output_dir={tmp_path / 'exp'}",
        "--batch_type=sorted",
        "--batch_size=8",
        "--accum_grad=1",
        "--max_epoch=1",
        "--num_iters_per_epoch=20",
        "--log_interval=1",
        "--scheduler=none",
        "--optim_conf=lr=0.002",
        "--seed=1",
        *(f"--model_conf={name}=0.0" for name in RANDOM),
    ]
    with caplog.at_level(logging.INFO):
        train(arguments)
    losses = [float(x) for x in re.findall(r"asr_loss=([\d.e+-]+)", caplog.text)]
    expected = first_loss(m, tmp_path / "data" / "train" / "asr")
    assert losses[0] == pytest.approx(expected, rel=1e-3)
    assert min(losses[15:20]) < 0.8 * losses[0]


RANDOM = (
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "positional_dropout",
    "encoder_layerdrop",
    "decoder_layerdrop",
    "span_mask.time_prob",
    "span_mask.channel_prob",
)


def first_loss(m, folder) -> float:
    """Loss of the imported model on the whole training set as one batch."""
    from torch.nn.utils.rnn import pad_sequence

    pairs = [
        line.split() for line in (folder / "asr_speech.scp").read_text().splitlines()
    ]
    texts = dict(line.split() for line in (folder / "text").read_text().splitlines())
    waves = [torch.from_numpy(m.inputs.speech(path, 16000, None)) for _, path in pairs]
    ids = [torch.tensor(m.inputs.text(texts[uid])) for uid, _ in pairs]
    with torch.no_grad():
        loss, _, _ = m.model(
            asr_speech=pad_sequence(waves, batch_first=True),
            asr_speech_lengths=torch.tensor([len(w) for w in waves]),
            asr_text=pad_sequence(ids, batch_first=True),
            asr_text_lengths=torch.tensor([len(i) for i in ids]),
        )
    return float(loss)
