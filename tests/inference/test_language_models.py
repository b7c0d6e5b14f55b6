"""Language models in the recognition search: ESPnet's own and n-grams."""

import gzip
import math
from pathlib import Path

import pytest
import torch
import yaml
from espnet2.lm.seq_rnn_lm import SequentialRNNLM
from espnet2.lm.transformer_lm import TransformerLM

from espnet2_ext import STTATTS, BadInputError
from espnet2_ext.bin.sttatts import main as sttatts
from espnet2_ext.bin.sttatts_inference import main as inference
from espnet2_ext.inference.language_models.espnet_lm import lm_files, load_espnet_lm
from espnet2_ext.inference.language_models.ngram import NgramModel
from espnet2_ext.inference.language_models.symbols import places_in
from espnet2_ext.io.files import write_wav
from espnet2_ext.sttatts.symbols import EOS, build_token_list
from tests.corpora import RATE, speak
from tests.factories import TOKENS
from tests.model_dirs import TEXTS, write_model
from tools.recipe.lm_text import main as lm_text
from tools.recipe.ngram_estimation import START, NgramEstimate

LM_TOKENS = ["<blank>", "<unk>", *reversed(TOKENS[4:-2]), "<sos/eos>"]
"""ESPnet's order, and another one than the model's."""

SENTENCES = [list("\u2581abc\u2581head"), list("\u2581bad\u2581cab"), list("\u2581egg")]
KINDS = {
    "seq_rnn": (SequentialRNNLM, {"unit": 16, "nlayers": 1}),
    "transformer": (
        TransformerLM,
        {"embed_unit": 8, "att_unit": 16, "head": 2, "unit": 16, "layer": 2},
    ),
}


def write_lm(folder: Path, kind: str, tokens: list[str] = LM_TOKENS) -> torch.nn.Module:
    """A folder as ``espnet2.bin.lm_train`` leaves it, with random weights."""
    folder.mkdir(parents=True)
    torch.manual_seed(3)
    cls, settings = KINDS[kind]
    lm = cls(vocab_size=len(tokens), **settings).eval()
    for parameter in lm.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    state = {f"lm.{name}": value for name, value in lm.state_dict().items()}
    torch.save(state, folder / "valid.loss.ave.pth")
    config = {"lm": kind, "lm_conf": settings, "token_list": tokens, "model": "lm"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return lm


def write_arpa(path: Path, order: int = 4) -> NgramEstimate:
    estimate = NgramEstimate(SENTENCES, order, TOKENS[4:-2])
    path.write_text("".join(f"{line}\n" for line in estimate.arpa()))
    return estimate


def prefix_of(text: str) -> list[int]:
    return [EOS, *(TOKENS.index(letter) for letter in text)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, recordings, an n-gram model and two neural ones."""
    root = tmp_path_factory.mktemp("lm")
    write_model(root / "model")
    for kind in KINDS:
        write_lm(root / kind, kind)
    write_arpa(root / "4gram.arpa")
    for place, text in enumerate(TEXTS):
        write_wav(root / f"{place}.wav", speak(text), RATE)
    return root


@pytest.fixture(scope="module")
def m(folder):
    return STTATTS.from_pretrained(folder / "model")


WAVES = [speak(text) for text in TEXTS]
SEARCH = {"beam_size": 3, "ctc_weight": 0.3}


# ---- scores ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_neural_scores_are_those_of_the_model_alone(folder, kind):
    """Step by step, symbol by symbol, where the lists have another order."""
    lm = write_lm(folder / f"again_{kind}", kind)
    scorer = load_espnet_lm(*lm_files(folder / kind), TOKENS, "cpu")
    states = [scorer.batch_init_state(torch.zeros(1, 1))] * 2
    letters = "\u2581bad"
    for size in range(len(letters) + 1):
        ids = prefix_of(letters[:size])
        ours, states = scorer.batch_score(torch.tensor([ids] * 2), states, None)
        their_ids = [len(LM_TOKENS) - 1, *map(LM_TOKENS.index, letters[:size])]
        theirs = lm(torch.tensor([their_ids]), None)[0][0, -1].log_softmax(0)
        for token in "\u2581abcz'":
            place = TOKENS.index(token)
            assert ours[1, place].item() == pytest.approx(
                theirs[LM_TOKENS.index(token)].item(), abs=1e-5
            )
        assert ours[0, EOS].item() == pytest.approx(theirs[-1].item(), abs=1e-5)


@pytest.mark.parametrize("zipped", [False, True])
def test_ngram_scores_are_those_of_the_estimate(tmp_path, zipped):
    path = tmp_path / "4gram.arpa"
    estimate = write_arpa(path)
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    model = NgramModel(path, TOKENS)
    for text in ("", "\u2581", "\u2581ba", "\u2581abc\u2581h", "zz", "\u2581bad"):
        (scores,), _ = model.batch_score(torch.tensor([prefix_of(text)]), [None], None)
        context = (START, *text)
        for token in "\u2581abcdez":
            expected = math.log(estimate.probability(token, context))
            found = scores[TOKENS.index(token)].item()
            assert found == pytest.approx(expected, abs=1e-4), (text, token)
        expected = math.log(estimate.probability("</s>", context))
        assert scores[EOS].item() == pytest.approx(expected, abs=1e-4)


def test_symbols_are_found_by_name():
    names = ["<unk>", "a", "<space>", "<sos/eos>"]
    tokens = build_token_list(["\u2581", "a", "b"])
    assert places_in(names, tokens, "lm").tolist() == [0, 0, 3, 0, 2, 1, 0, 0, 0]
    with pytest.raises(ValueError, match=r"lm: .* lacks 2 of .* 3 symbols"):
        places_in(["<unk>", "a", "<sos/eos>"], tokens, "lm")
    with pytest.raises(ValueError, match="lacks 1"):
        places_in(["a", "\u2581", "<sos/eos>"], tokens, "lm")


# ---- search ------------------------------------------------------------------------


def texts(results):
    return [nbest[0].text for nbest in results]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_strong_language_model_decides(m, folder, batch_size):
    """With a large weight only its own texts come out, in any batch."""
    options = {**SEARCH, "ngram": folder / "4gram.arpa", "ngram_weight": 50.0}
    found = m.transcribe(WAVES, batch_size=batch_size, **options)
    grams = {tuple(s[i : i + 2]) for s in SENTENCES for i in range(len(s) - 1)}
    for nbest in found:
        tokens = nbest[0].tokens
        assert tokens
        assert {tuple(tokens[i : i + 2]) for i in range(len(tokens) - 1)} <= grams
    plain = m.transcribe(WAVES, **SEARCH)
    assert texts(plain) != texts(found)


def test_no_weight_is_no_language_model(m, folder):
    options = {"ngram": folder / "4gram.arpa", "ngram_weight": 0.0}
    found = m.transcribe(WAVES, **SEARCH, **options)
    assert texts(found) == texts(m.transcribe(WAVES, **SEARCH))


@pytest.mark.parametrize("kind", KINDS)
def test_neural_models_in_batches(m, folder, kind):
    options = {**SEARCH, "lm": folder / kind, "lm_weight": 2.0}
    alone = [m.transcribe(wave, **options) for wave in WAVES]
    together = m.transcribe(WAVES, batch_size=4, **options)
    assert texts(alone) == texts(together)
    assert texts(together) != texts(m.transcribe(WAVES, **SEARCH))
    both = m.transcribe(WAVES[:2], ngram=folder / "4gram.arpa", **options)
    assert len(both) == 2


def test_a_file_is_read_once(m, folder, monkeypatch):
    m.transcribe(WAVES[0], lm=folder / "seq_rnn", **SEARCH)
    monkeypatch.setattr(torch, "load", pytest.fail)
    m.transcribe(WAVES[0], lm=str(folder / "seq_rnn"), **SEARCH)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lm": "nowhere"}, "nowhere: no language model there"),
        ({"ngram": "nowhere.arpa"}, "nowhere.arpa: no such n-gram model"),
        ({"lm": 7}, "lm has to be a path or a scorer"),
        ({"ngram": "model/config.yaml"}, "not an n-gram model in the ARPA format"),
        ({"lm": "model"}, "not the configuration of an ESPnet language model"),
        ({"ngram": "4gram.arpa", "ngram_weight": math.inf}, "ngram_weight=inf"),
    ],
)
def test_what_is_wrong_is_said(m, folder, monkeypatch, options, message):
    monkeypatch.chdir(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
        m.transcribe(WAVES[0], **options)
    assert "\n" not in str(error.value)
    if "weight" in message:
        assert isinstance(error.value, BadInputError)


def test_a_cut_arpa_file_is_refused(folder, tmp_path):
    content = (folder / "4gram.arpa").read_text()
    for part in (content[: len(content) // 2], content.replace("\t", " x y z w ", 9)):
        (tmp_path / "cut.arpa").write_text(part)
        with pytest.raises(ValueError, match=r"cut\.arpa: not an n-gram model"):
            NgramModel(tmp_path / "cut.arpa", TOKENS)


def test_weights_have_to_fit(tmp_path):
    write_lm(tmp_path / "lm", "seq_rnn")
    path = tmp_path / "lm" / "config.yaml"
    path.write_text(path.read_text().replace("unit: 16", "unit: 8"))
    with pytest.raises(ValueError, match="does not fit its configuration"):
        load_espnet_lm(*lm_files(tmp_path / "lm"), TOKENS, "cpu")
    write_lm(tmp_path / "other", "seq_rnn", ["<blank>", "<unk>", "x", "<sos/eos>"])
    with pytest.raises(ValueError, match=r"lacks 2\d of the model's 28 symbols"):
        load_espnet_lm(*lm_files(tmp_path / "other"), TOKENS, "cpu")


# ---- commands ----------------------------------------------------------------------


def test_the_command(m, folder, capsys):
    words = ["transcribe", "-m", folder / "model", folder / "0.wav", "--beam-size=3"]
    words += ["--ctc-weight=0.3", "--ngram", folder / "4gram.arpa"]
    assert sttatts([*map(str, words), "--ngram-weight", "50"]) == 0
    options = {**SEARCH, "ngram": folder / "4gram.arpa", "ngram_weight": 50.0}
    assert capsys.readouterr().out.strip() == m.transcribe(WAVES[0], **options)[0].text
    assert sttatts([*map(str, words), "--lm", str(folder / "nothing")]) == 1
    assert "no language model there" in capsys.readouterr().err


def test_the_recipes_command_takes_espnets_names(folder, tmp_path, capsys):
    scp = tmp_path / "wav.scp"
    lines = (f"u{i} {folder}/{i}.wav\n" for i in range(len(TEXTS)))
    scp.write_text("".join(lines))
    common = ["--task=asr", f"--model={folder / 'model'}", "--beam_size=3"]
    common += [
        "--ctc_weight=0.3",
        f"--data_path_and_name_and_type={scp},asr_speech,sound",
    ]

    def decode(name, *words):
        assert inference([*common, f"--output_dir={tmp_path / name}", *words]) == 0
        return (tmp_path / name / "1best_recog" / "text").read_text()

    lm = folder / "seq_rnn"
    one = decode("one", f"--lm={lm}", "--lm_weight=2")
    pair = [f"--lm_file={lm}/valid.loss.ave.pth", f"--lm_train_config={lm}/config.yaml"]
    assert decode("two", *pair, "--lm_weight=2") == one
    plain = decode("plain")
    assert plain != one
    # Another language model is another run.
    ngram = f"--ngram_file={folder / '4gram.arpa'}"
    assert inference([*common, f"--output_dir={tmp_path / 'one'}", ngram]) == 1
    assert "holds results of other options" in capsys.readouterr().err
    assert decode("one", ngram, "--overwrite=true") != one
    words = [*common, f"--output_dir={tmp_path / 'x'}", f"--lm={lm}", f"--lm_file={lm}"]
    assert inference(words) == 1
    assert "--lm and --lm_file are the same option" in capsys.readouterr().err


def test_texts_for_training(tmp_path, capsys):
    (tmp_path / "text").write_text("u1 Abc, bad\nu2 cab ñ\n")
    (tmp_path / "again").write_text("u1 Abc, bad\nu2 egg\n")
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("".join(f"{token}\n" for token in TOKENS))
    words = [tmp_path / "text", tmp_path / "again", "--token_list", tokens]
    words += ["--cleaner", "english", "--output", tmp_path / "lm.txt", "--order", "3"]
    words += ["--arpa", tmp_path / "lm.arpa", "--lm_token_list", tmp_path / "lm_tokens"]
    assert lm_text([str(word) for word in words]) == 0
    assert (tmp_path / "lm.txt").read_text().splitlines() == [
        "u1 \u2581 a b c \u2581 b a d",
        "u2 \u2581 c a b \u2581 <unk>",
        "u2-1 \u2581 e g g",
    ]
    listed = (tmp_path / "lm_tokens").read_text().splitlines()
    assert listed == ["<blank>", "<unk>", *TOKENS[4:-2], "<sos/eos>"]
    assert NgramModel(tmp_path / "lm.arpa", TOKENS).order == 3
    assert lm_text([str(tmp_path / "text"), "--token_list", str(tokens)]) == 1
    assert "nothing to write" in capsys.readouterr().err
