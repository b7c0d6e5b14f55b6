"""The recipes' decoding command: tables, failures, a kill at any moment."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from filelock import FileLock

from espnet2_ext import STTATTS
from tests.bin.decoding import (
    ASR,
    TTS,
    UIDS,
    VC,
    data,
    journal,
    table,
    tables,
    write,
)
from tests.model_dirs import SPEAKERS, TEXTS

# ---- what is written -------------------------------------------------------------


def test_recognition(decode, asr, root, tmp_path):
    api = STTATTS.from_pretrained(root / "model")
    assert decode(*asr, "--nbest=2", "--output_dir", tmp_path)[0] == 0
    for uid, path in table(root / "wav.scp").items():
        found = api.transcribe(path, beam_size=2, ctc_weight=0.3, nbest=2)
        for rank, transcript in enumerate(found, 1):
            folder = tmp_path / f"{rank}best_recog"
            assert table(folder / "text")[uid] == transcript.text
            assert table(folder / "token")[uid].split() == transcript.tokens
            ids = table(folder / "token_int")[uid].split()
            assert list(map(int, ids)) == transcript.token_ids
            score = float(table(folder / "score")[uid])
            assert score == pytest.approx(transcript.score, abs=2e-4)
    assert list(table(tmp_path / "1best_recog" / "text")) == UIDS
    assert (tmp_path / "failed").read_text() == ""
    assert (tmp_path / ".done").is_file()


def test_synthesis(decode, tts, root, tmp_path):
    words = (*tts, "--write_feats", "--write_plots=1", "--seed=5", "--batch_size=1")
    assert decode(*words, "--output_dir", tmp_path)[0] == 0
    api = STTATTS.from_pretrained(root / "model")
    for uid, text, speaker in zip(UIDS, TEXTS, ["anna", "omar"] * 3, strict=True):
        speech = api.synthesize(
            [text],
            speaker,
            minlenratio=1,
            maxlenratio=2,
            seed=5,
            utterance_ids=[uid],
            attention=True,
        )[0]
        mel = np.load(tmp_path / "feats" / f"{uid}.npy")
        np.testing.assert_allclose(mel, speech.mel, atol=1e-5)
        wave, rate = soundfile.read(tmp_path / "wav" / f"{uid}.wav")
        assert rate == 16000
        np.testing.assert_allclose(wave, speech.wav.clip(-1, 1), atol=1e-3)
        assert table(tmp_path / "lengths")[uid] == str(len(wave))
        shape = ",".join(map(str, mel.shape))
        assert table(tmp_path / "speech_shape" / "speech_shape")[uid] == shape
        assert table(tmp_path / "stopped")[uid] == str(int(speech.stopped))
        assert Path(table(tmp_path / "wav.scp")[uid]).is_file()
    for kind in ("att_ws", "probs"):
        assert [p.name for p in (tmp_path / kind).iterdir()] == ["utt0.png"]


def test_conversion(decode, root, tmp_path):
    tables = (f"{root}/wav.scp,vc_speech,sound", f"{root}/names,vc_spembs,text")
    assert decode(*VC, *data(*tables), "--output_dir", tmp_path)[0] == 0
    assert len(list((tmp_path / "wav").glob("*.wav"))) == len(UIDS)


def test_one_speaker_for_all_and_reference_tables(decode, root, tmp_path):
    triples = data(f"{root}/text,tts_text,text", f"{root}/wav.scp,tts_speech,sound")
    words = (*TTS, *triples, "--speaker=anna", "--output_dir", tmp_path)
    assert decode(*words)[0] == 0
    assert list(table(tmp_path / "lengths")) == UIDS


def test_kaldi_archives(decode, root, tmp_path):
    from omniio import kaldi

    waves = {uid: soundfile.read(p)[0] for uid, p in table(root / "wav.scp").items()}
    vectors = dict(zip(UIDS, list(SPEAKERS.values()) * 3, strict=True))
    for name, arrays in (("wave", waves), ("spembs", vectors)):
        with kaldi.WriteHelper(
            f"ark,scp:{tmp_path}/{name}.ark,{tmp_path}/{name}.scp"
        ) as w:
            for uid, array in arrays.items():
                w[uid] = array.astype(np.float32)
    archives = data(
        f"{tmp_path}/wave.scp,vc_speech,kaldi_ark",
        f"{tmp_path}/spembs.scp,vc_spembs,kaldi_ark",
    )
    files = data(f"{root}/wav.scp,vc_speech,sound", f"{root}/spembs.scp,vc_spembs,npy")
    for name, triples in (("a", archives), ("b", files)):
        out = ("--output_dir", tmp_path / name, "--write_feats=true")
        assert decode(*VC, *triples, *out)[0] == 0
    for uid in UIDS:
        one, other = (np.load(tmp_path / name / f"feats/{uid}.npy") for name in "ab")
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_key_file_chooses_and_orders(decode, asr, tmp_path):
    (tmp_path / "keys").write_text("utt4 x\nutt1\n")
    decode(*asr, "--key_file", tmp_path / "keys", "--output_dir", tmp_path / "out")
    assert list(table(tmp_path / "out/1best_recog/text")) == ["utt4", "utt1"]


@pytest.mark.parametrize("task", ["asr", "tts"])
def test_results_do_not_depend_on_the_batch(decode, asr, tts, tmp_path, task):
    words = asr if task == "asr" else tts
    for size in (1, 4):
        decode(*words, f"--batch_size={size}", "--output_dir", tmp_path / str(size))
    assert tables(tmp_path / "1") == tables(tmp_path / "4")


def test_options_from_yaml(decode, asr, root, tmp_path):
    config = tmp_path / "decode.yaml"
    config.write_text(yaml.safe_dump({"nbest": 3, "beam_size": 4, "mode": "standard"}))
    triples = data(f"{root}/wav.scp,asr_speech,sound")
    words = ["--task=asr", *triples, "--inference_config", config]
    decode(*words, "--nbest=2", "--output_dir", tmp_path / "out")
    assert (tmp_path / "out" / "2best_recog").is_dir()
    assert not (tmp_path / "out" / "3best_recog").is_dir()
    config.write_text("beam: 3")
    code, err = decode(*words, "--output_dir", tmp_path / "out")
    assert code == 1
    assert "unknown option 'beam'" in err
    config.write_text("beam_size: many")
    with pytest.raises(SystemExit):
        decode(*words, "--output_dir", tmp_path / "out")


def test_training_folder_as_espnet_names_it(decode, asr, root, tmp_path):
    files = (
        f"--train_config={root}/model/config.yaml",
        f"--model_file={root}/model/model.pth",
    )
    assert decode(*asr, *files, "--output_dir", tmp_path, model=False)[0] == 0
    code, err = decode(*asr, *files, "--output_dir", tmp_path)
    assert code == 1
    assert "either --model, or --train_config with --model_file" in err


# ---- bad input -------------------------------------------------------------------


def test_failed_utterances_are_named_and_counted(decode, root, tmp_path):
    (tmp_path / "empty.wav").touch()
    paths = [root / "wav/0.wav", tmp_path / "empty.wav", root / "wav/1.wav", "no.wav"]
    write(tmp_path / "wav.scp", paths)
    (tmp_path / "keys").write_text("utt0\nutt1\nutt2\nutt3\nutt9\n")
    triples = data(f"{tmp_path}/wav.scp,asr_speech,sound")
    words = [*ASR, *triples, "--key_file", tmp_path / "keys"]
    words += ["--output_dir", tmp_path / "out"]
    code, err = decode(*words)
    assert code == 1
    assert "3 of 5 utterances failed: utt1, utt3, utt9" in err
    failed = table(tmp_path / "out/failed")
    assert failed == {
        "utt1": f"{tmp_path}/empty.wav: the file is empty",
        "utt3": "no.wav: no such audio file",
        "utt9": f"not in {tmp_path}/wav.scp; add it or leave it out",
    }
    assert list(table(tmp_path / "out/1best_recog/text")) == ["utt0", "utt2"]
    assert not (tmp_path / "out/.done").exists()
    assert decode(*words, "--allow_failures=2")[0] == 1
    assert decode(*words, "--allow_failures=3")[0] == 0
    assert (tmp_path / "out/.done").exists()
    # A repaired file is all that is left to do.
    write(tmp_path / "wav.scp", [*paths[:1], root / "wav/2.wav", *paths[2:]])
    decode(*words)
    assert journal(tmp_path / "out")[-1] == "utt1"
    assert len(journal(tmp_path / "out")) == 3


def test_a_batch_that_fails_is_tried_one_by_one(decode, asr, tmp_path, monkeypatch):
    def out_of_memory(self, waves, *args, **kwargs):
        if len(waves) > 1:
            raise RuntimeError("out of memory")
        return listen(self, waves, *args, **kwargs)

    listen = STTATTS.listen
    decode(*asr, "--output_dir", tmp_path / "whole")
    monkeypatch.setattr(STTATTS, "listen", out_of_memory)
    code, err = decode(*asr, "--output_dir", tmp_path / "single")
    assert code == 0
    assert "trying its inputs one by one" in err
    assert tables(tmp_path / "whole") == tables(tmp_path / "single")


def test_ids_that_are_no_file_names(decode, tmp_path):
    uids = ["../out", "a/b", ".hidden", "good"]
    write(tmp_path / "text", TEXTS, uids)
    triples = data(f"{tmp_path}/text,tts_text,text")
    words = (*TTS, *triples, "--speaker=anna", "--output_dir", tmp_path / "out")
    assert decode(*words)[0] == 1
    assert list(table(tmp_path / "out/failed")) == uids[:3]
    assert [p.name for p in (tmp_path / "out/wav").iterdir()] == ["good.wav"]
    assert not list(tmp_path.glob("*.wav"))


@pytest.mark.parametrize(
    ("triples", "message"),
    [
        (["{root}/wav.scp,tts_text,text"], "'tts_text' is no input of --task asr"),
        (["{root}/wav.scp,asr_speech,text"], "cannot be of type 'text'"),
        (["{root}/wav.scp,asr_speech"], "is not PATH,NAME,TYPE"),
        (["{root}/text,asr_text,text"], "needs --data_path_and_name_and_type PATH,asr"),
        (["{root}/none,asr_speech,sound"], "no such table"),
    ],
)
def test_wrong_data(decode, root, tmp_path, triples, message):
    triples = data(*[triple.format(root=root) for triple in triples])
    code, err = decode(*ASR, *triples, "--output_dir", tmp_path / "out")
    assert code == 1
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_repeated_ids(decode, root, tmp_path):
    write(tmp_path / "wav.scp", ["a.wav", "b.wav"], ["same", "same"])
    triples = data(f"{tmp_path}/wav.scp,asr_speech,sound")
    code, err = decode(*ASR, *triples, "--output_dir", tmp_path)
    assert code == 1
    assert f"{tmp_path}/wav.scp:2: 'same' is there twice" in err


def test_speech_needs_a_speaker(decode, root, tmp_path):
    words = (*TTS, *data(f"{root}/text,tts_text,text"), "--output_dir", tmp_path)
    code, err = decode(*words)
    assert code == 1
    assert "needs PATH,tts_spembs,TYPE, or --speaker" in err


def test_one_writer_per_folder(decode, asr, tmp_path):
    with FileLock(tmp_path / ".lock"):
        code, err = decode(*asr, "--output_dir", tmp_path)
    assert code == 1
    assert "another run writes into it" in err
