"""Our models run in Hugging Face Transformers, task fusion and all."""

import pytest
import torch

from espnet2_ext.bin.sttatts_export import main as export
from espnet2_ext.bin.sttatts_import import main as import_
from espnet2_ext.formats.hf_export import exported_state, folded_attention
from espnet2_ext.formats.model_directory import write_model
from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.sttatts.config import FusionConfig
from espnet2_ext.text.tokens import CharacterTokenizer
from tests import oracle
from tests.factories import tiny_model
from tests.formats import test_hf_import as importing
from tests.formats.fairseq_files import small_model
from tests.formats.hf_models import greedy_tokens, speech, transformers

IDS = importing.IDS
WAVE = importing.WAVE
SPEAKER = torch.randn(16, generator=torch.Generator().manual_seed(4))

asr, tts = importing.asr, importing.tts


def exported(model, folder, *options, tasks=None):
    """Write ``model``, trained for ``tasks``, and export it with the command."""
    (folder / "model").mkdir(parents=True)
    write_model(
        folder / "model",
        model.config,
        model.state_dict(),
        model.token_list,
        tasks or list(model.config.fusion.tasks),
        None,
    )
    arguments = ["--model", folder / "model", "--output_dir", folder / "hf", *options]
    assert export([str(argument) for argument in arguments]) == 0
    return folder / "hf"


@pytest.mark.parametrize(
    "fusion",
    [
        FusionConfig(tasks=("asr", "tts")),
        FusionConfig(mode="learned", task_dim=7),
        FusionConfig(mode="none"),
    ],
    ids=lambda fusion: fusion.mode,
)
@torch.no_grad()
def test_both_tasks(fusion, tmp_path):
    ours = small_model(fusion=fusion)
    folder = exported(ours, tmp_path)
    theirs = transformers.SpeechT5ForSpeechToText.from_pretrained(folder / "asr").eval()
    prev_tokens = torch.tensor([[2, *IDS]])
    memory, lengths = ours.encode_speech(WAVE[None], torch.tensor([len(WAVE)]))
    logits = ours.decode_text(ours.fuse(memory, "asr"), lengths, prev_tokens)
    torch.testing.assert_close(
        theirs(WAVE[None], decoder_input_ids=prev_tokens).logits,
        logits,
        atol=1e-5,
        rtol=0,
    )
    theirs = transformers.SpeechT5ForTextToSpeech.from_pretrained(folder / "tts").eval()
    memory, lengths = ours.encode_text(torch.tensor([IDS]), torch.tensor([len(IDS)]))
    options = GenerationOptions(1.0, 0.0, 24 / len(IDS), 0.0)
    mel = generate(
        ours, ours.fuse(memory, "tts"), lengths, SPEAKER[None], ["a"], options
    )[0].mel
    torch.testing.assert_close(speech(theirs, IDS, SPEAKER), mel, atol=1e-4, rtol=0)


def test_only_what_was_trained_is_exported(tmp_path, capsys):
    folder = exported(small_model(), tmp_path, tasks=["tts"])
    assert [path.name for path in folder.iterdir()] == ["tts"]
    assert "asr" not in capsys.readouterr().out


def test_there_and_back(asr, tts, tmp_path):
    """Imported and exported again, the models do what they did."""
    for kind, (model, folder) in {"asr": asr, "tts": tts}.items():
        directory, output = tmp_path / f"{kind}.model", tmp_path / kind
        importing.run(directory, "--checkpoint", folder)
        arguments = ["--model", directory, "--task", kind, "--output_dir", output]
        assert export([str(argument) for argument in arguments]) == 0
        again = type(model).from_pretrained(output / kind).eval()
        before = model.state_dict()
        for name, value in again.state_dict().items():
            torch.testing.assert_close(value, before[name], rtol=0, atol=0)
        if kind == "asr":
            assert greedy_tokens(again, WAVE) == greedy_tokens(model, WAVE)
        else:
            voice = importing.SPEAKER
            mel = speech(again, IDS, voice)
            torch.testing.assert_close(mel, speech(model, IDS, voice))


@torch.no_grad()
def test_folding_is_exact():
    model = small_model(fusion=FusionConfig(languages=("en", "ar"), language_dim=5))
    memory = torch.randn(1, 6, 64)
    fused = model.fuse(memory, "tts", torch.tensor([1]))
    folded = folded_attention(model, "tts", "ar")
    for i, layer in enumerate(model.decoder.layers):
        for name in ("k_proj", "v_proj"):
            prefix = f"decoder.layers.{i}.encoder_attn.{name}"
            weight, bias = folded[f"{prefix}.weight"], folded[f"{prefix}.bias"]
            ours = layer.get_submodule(f"encoder_attn.{name}")(fused)
            torch.testing.assert_close(memory @ weight.t() + bias, ours)


def test_tokenizer(tmp_path):
    """Both projects give a text the same ids, but for the end symbol."""
    ours = small_model()
    folder = exported(ours, tmp_path) / "asr"
    processor = transformers.SpeechT5Processor.from_pretrained(folder)
    text = "  the  note "
    expected = CharacterTokenizer(ours.token_list).encode(text)
    assert processor.tokenizer(text).input_ids == [*expected, 2]
    ids = list(range(len(ours.token_list)))
    assert processor.tokenizer.convert_ids_to_tokens(ids) == ours.token_list
    assert processor.batch_decode([expected])[0].strip() == "the note"


def test_tokenizer_of_sentencepiece(tmp_path):
    """The pieces of a trained model are put into the order of the checkpoint."""
    arguments = ["--checkpoint", oracle.HERE / "checkpoint.pt"]
    arguments += ["--dict", oracle.HERE / "dict.txt"]
    arguments += ["--bpemodel", oracle.HERE / "spm.model"]
    arguments += ["--output_dir", tmp_path / "model"]
    assert import_([str(argument) for argument in arguments]) == 0
    arguments = ["--model", tmp_path / "model", "--output_dir", tmp_path / "hf"]
    assert export([str(argument) for argument in arguments]) == 0
    tokenizer = transformers.SpeechT5Tokenizer.from_pretrained(tmp_path / "hf" / "tts")
    assert tokenizer.convert_ids_to_tokens(list(range(20))) == oracle.token_list()
    assert tokenizer("the cat").input_ids == [4, 6, 11, 5, 4, 17, 7, 6, 2]


def test_conversion(tmp_path):
    ours = small_model(fusion=FusionConfig())
    folder = exported(ours, tmp_path, "--task", "vc")
    theirs = transformers.SpeechT5ForSpeechToSpeech.from_pretrained(folder / "vc")
    memory, _ = ours.encode_speech(WAVE[None], torch.tensor([len(WAVE)]))
    torch.testing.assert_close(
        theirs.eval().speecht5.encoder(WAVE[None]).last_hidden_state,
        memory,
        atol=1e-5,
        rtol=0,
    )


def test_models_that_cannot_be_exported(tmp_path, capsys):
    with pytest.raises(ValueError, match="front end is 'log_mel'"):
        exported_state(tiny_model(), "asr")
    assert exported_state(tiny_model(), "tts")
    fusion = FusionConfig(position="pre_encoder")
    with pytest.raises(ValueError, match="fusion before the encoder"):
        exported_state(small_model(fusion=fusion), "tts")
    with pytest.raises(ValueError, match="no task 'vc'"):
        exported_state(small_model(), "vc")
    with pytest.raises(ValueError, match="choose one with --language"):
        exported_state(small_model(fusion=FusionConfig(languages=("en",))), "asr")
    assert export(["--model", str(tmp_path), "--output_dir", str(tmp_path / "o")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
