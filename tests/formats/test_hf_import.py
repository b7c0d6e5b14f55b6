"""Hugging Face SpeechT5 models give the same numbers here."""

import json

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_import import main
from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.inference.summary import readable, summarize
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from tests.formats.fairseq_files import perturb
from tests.formats.hf_models import (
    TOKENS,
    build,
    greedy_tokens,
    save,
    speech,
    transformers,
    without_prenet_dropout,
)

WAVE = 0.1 * torch.randn(9000, generator=torch.Generator().manual_seed(3))
SPEAKER = torch.randn(10, generator=torch.Generator().manual_seed(4))
IDS = [4, 5, 9, 4, 7, 7, 6]


def run(folder, *options) -> STTATTS:
    arguments = ["--output_dir", folder, *options]
    assert main([str(argument) for argument in arguments]) == 0
    return STTATTS.from_pretrained(folder)


def failure(capsys, *options) -> str:
    assert main([str(argument) for argument in options]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


def our_greedy(m, wave, length=20) -> list[int]:
    """The fast path of the search, cut like ``generate``."""
    found = m.transcribe(wave.numpy(), beam_size=1, ctc_weight=0.0)[0]
    # The head is untrained: nobody may search with it, or read times off it.
    assert m.transcribe(wave.numpy(), beam_size=1)[0] == found
    assert found.times is None
    return found.token_ids[:length]


@pytest.fixture(scope="module")
def asr(tmp_path_factory):
    root = tmp_path_factory.mktemp("asr")
    model = build("SpeechT5ForSpeechToText", 1)
    return model, save(model, root / "hf")


@pytest.fixture(scope="module")
def tts(tmp_path_factory):
    root = tmp_path_factory.mktemp("tts")
    model = build("SpeechT5ForTextToSpeech", 2)
    return model, save(model, root / "hf")


@torch.no_grad()
def test_recognition(asr, tmp_path):
    theirs, folder = asr
    m = run(tmp_path / "model", "--checkpoint", folder)
    assert m.token_list == TOKENS
    assert m.tasks == ("asr",)
    memory, lengths = m.model.encode_speech(WAVE[None], torch.tensor([len(WAVE)]))
    close(memory, theirs.speecht5.encoder(WAVE[None]).last_hidden_state)
    prev_tokens = torch.tensor([[2, *IDS]])
    ours = m.model.decode_text(m.model.fuse(memory, "asr"), lengths, prev_tokens)
    close(ours, theirs(WAVE[None], decoder_input_ids=prev_tokens).logits)
    assert our_greedy(m, WAVE) == greedy_tokens(theirs, WAVE)
    config = (tmp_path / "model" / "config.yaml").read_text()
    assert "# the checkpoint has no CTC head" in config


@torch.no_grad()
def test_synthesis(tts, tmp_path):
    theirs, folder = tts
    m = run(tmp_path / "model", "--checkpoint", folder)
    assert m.tasks == ("tts",)
    ids, length = torch.tensor([IDS]), torch.tensor([len(IDS)])
    memory, lengths = m.model.encode_text(ids, length)
    close(memory, theirs.speecht5.encoder(ids).last_hidden_state)
    prev_mel = torch.randn(1, 9, 80)
    prev_mel[:, 0] = 0
    ours = m.model.decode_speech(
        memory, lengths, prev_mel, SPEAKER[None], prenet_dropout=0.0
    )
    states = without_prenet_dropout(theirs).speecht5.decoder(
        prev_mel, encoder_hidden_states=memory, speaker_embeddings=SPEAKER[None]
    )
    before, after, stops = theirs.speech_decoder_postnet(states.last_hidden_state)
    close(ours.before, before)
    close(ours.after, after)
    close(ours.stop_logits, stops)
    options = GenerationOptions(1.0, 0.0, 24 / len(IDS), 0.0)
    mel = generate(m.model, memory, lengths, SPEAKER[None], ["a"], options)[0].mel
    close(mel, speech(theirs, IDS, SPEAKER))


@torch.no_grad()
def test_conversion_without_tokenizer(tmp_path, capsys):
    theirs = build("SpeechT5ForSpeechToSpeech", 3)
    folder = save(theirs, tmp_path / "hf", tokenizer=False)
    m = run(tmp_path / "model", "--checkpoint", folder / "model.safetensors")
    assert m.tasks == ("vc",)
    assert "no characters" in capsys.readouterr().out
    memory, _ = m.model.encode_speech(WAVE[None], torch.tensor([len(WAVE)]))
    close(memory, theirs.speecht5.encoder(WAVE[None]).last_hidden_state)


def test_bare_model(tmp_path):
    theirs = build("SpeechT5Model", 4)
    folder = save(theirs, tmp_path / "hf")
    m = run(tmp_path / "model", "--checkpoint", folder)
    ours = m.model.encoder.layers[1].feed_forward.fc2.weight
    layer = theirs.encoder.wrapped_encoder.layers[1]
    close(ours, layer.feed_forward.output_dense.weight)
    report = json.loads((tmp_path / "model" / "import_report.json").read_text())
    missing = {e["target"] for e in report["entries"] if e["status"] == "missing"}
    assert {"token_embedding.weight", "ctc_head.weight"} <= missing


def test_old_names_in_a_bin_file(asr, tmp_path):
    """Files of older releases: other weight-norm names, constants, half precision."""
    theirs, folder = asr
    norm = "speecht5.encoder.prenet.pos_conv_embed.conv"
    names = {
        f"{norm}.parametrizations.weight.original0": f"{norm}.weight_g",
        f"{norm}.parametrizations.weight.original1": f"{norm}.weight_v",
    }
    state = {names.get(k, k): v.half() for k, v in theirs.state_dict().items()}
    state["speecht5.encoder.prenet.pos_sinusoidal_embed.weights"] = torch.zeros(9, 48)
    old = tmp_path / "old"
    save(theirs, old)
    (old / "model.safetensors").unlink()
    torch.save(state, old / "pytorch_model.bin")
    m = run(tmp_path / "model", "--checkpoint", old)
    reference = run(tmp_path / "reference", "--checkpoint", folder)
    expected = reference.model.state_dict()
    for name, value in m.model.state_dict().items():
        if not name.startswith(("ctc_head", "speech_decoder", "text_encoder")):
            assert value.dtype == expected[name].dtype
            torch.testing.assert_close(value, expected[name], atol=1e-3, rtol=0)


def test_joining(asr, tts, tmp_path, capsys):
    both = ["--checkpoint", asr[1], "--checkpoint", tts[1]]
    line = failure(capsys, *both, "--output_dir", tmp_path / "model")
    assert "choose whose to take with --join asr or --join tts" in line
    m = run(tmp_path / "model", *both, "--join", "asr")
    out = capsys.readouterr().out
    assert "'tts' has to be fine-tuned" in out
    assert m.tasks == ("asr",)
    assert our_greedy(m, WAVE) == greedy_tokens(asr[0], WAVE)
    theirs = tts[0].speecht5.decoder.prenet.speaker_embeds_layer.weight
    close(m.model.speech_decoder_prenet.speaker_layer.weight, theirs)
    report = json.loads((tmp_path / "model" / "import_report.json").read_text())
    notes = {e["source"]: e["note"] for e in report["entries"]}
    name = "tts: speecht5.encoder.wrapped_encoder.layer_norm.weight"
    assert notes[name] == "replaced by that of the asr model"


def test_joining_models_that_agree(asr, tmp_path):
    """Exported from one model without fusion, they become that model again."""
    speaking = build("SpeechT5ForTextToSpeech", 5)
    shared = asr[0].state_dict()
    own = speaking.state_dict()
    own |= {k: v for k, v in shared.items() if "wrapped" in k}
    name = "speecht5.{}.prenet.embed_tokens.weight"
    own[name.format("encoder")] = shared[name.format("decoder")]
    speaking.load_state_dict(own)
    folder = save(speaking, tmp_path / "tts")
    m = run(tmp_path / "model", "--checkpoint", asr[1], "--checkpoint", folder)
    assert m.tasks == ("asr", "tts")
    options = GenerationOptions(1.0, 0.0, 24 / len(IDS), 0.0)
    memory, lengths = m.model.encode_text(torch.tensor([IDS]), torch.tensor([len(IDS)]))
    mel = generate(m.model, memory, lengths, SPEAKER[None], ["a"], options)[0].mel
    close(mel, speech(speaking, IDS, SPEAKER))


@torch.no_grad()
def test_vocoder(asr, tmp_path, capsys):
    config = transformers.SpeechT5HifiGanConfig(
        upsample_initial_channel=32, resblock_kernel_sizes=[3], normalize_before=True,
        resblock_dilation_sizes=[[1, 3]],
    )  # fmt: skip
    torch.manual_seed(6)
    theirs = transformers.SpeechT5HifiGan(config).eval()
    perturb(theirs)
    theirs.scale.abs_().add_(0.5)
    theirs.save_pretrained(tmp_path / "hifigan")
    mel = torch.randn(7, 80)
    main(["--vocoder", str(tmp_path / "hifigan"), "--output_dir", str(tmp_path / "v")])
    close(load_vocoder(tmp_path / "v", "cpu", AudioConfig())(mel), theirs(mel))
    m = run(
        tmp_path / "model",
        *("--checkpoint", asr[1], "--vocoder", tmp_path / "hifigan"),
    )
    close(m.vocoder(mel), theirs(mel))


def test_info_names_the_true_size(asr, tmp_path, capsys):
    m = run(tmp_path / "model", "--checkpoint", asr[1])
    found = summarize(m)
    assert found["preset"] is None
    assert found["sizes"]["width"] == m.model.config.d_model < 768
    assert readable(found["preset"]) == "none"


def test_errors(asr, tmp_path, capsys):
    output = ["--output_dir", tmp_path / "model"]
    bare = save(asr[0], tmp_path / "bare", tokenizer=False)
    capsys.readouterr()  # progress bars
    line = failure(capsys, "--checkpoint", bare, *output)
    assert "no spm_char.model in it" in line
    config = json.loads((bare / "config.json").read_text())
    config["feat_extract_norm"] = "layer"
    (bare / "config.json").write_text(json.dumps(config))
    line = failure(capsys, "--checkpoint", bare, *output)
    assert "feat_extract_norm is 'layer'" in line
    config |= {"model_type": "wav2vec2", "architectures": ["Wav2Vec2Model"]}
    (bare / "config.json").write_text(json.dumps(config))
    line = failure(capsys, "--checkpoint", bare, *output)
    assert "this is a wav2vec2 Wav2Vec2Model" in line
    (bare / "config.json").write_text("{")
    assert "not a JSON file" in failure(capsys, "--checkpoint", bare, *output)
    line = failure(capsys, "--checkpoint", asr[1], "--vocoder", tmp_path, *output)
    assert "no vocoder" in line
    assert not (tmp_path / "model").exists()
