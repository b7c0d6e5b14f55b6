"""Words for the recipes' decoding command, and what it wrote."""

import json

from tests.model_dirs import TEXTS

UIDS = [f"utt{place}" for place in range(len(TEXTS))]
ASR = ["--task=asr", "--beam_size=2", "--ctc_weight=0.3"]
TTS = ["--task=tts", "--minlenratio=1", "--maxlenratio=2"]
VC = ["--task=vc", "--minlenratio=1", "--maxlenratio=1"]


def write(path, values, uids=UIDS):
    lines = [f"{uid} {value}\n" for uid, value in zip(uids, values, strict=False)]
    path.write_text("".join(lines))


def data(*triples):
    return [f"--data_path_and_name_and_type={triple}" for triple in triples]


def table(path):
    pairs = (line.partition(" ") for line in path.read_text().splitlines())
    return {uid: value for uid, _, value in pairs}


def tables(folder):
    """Every table of a run; scores and files apart."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and path.suffix not in (".jsonl", ".log", ".wav", ".npy", ".png", ".scp")
        and path.name != "score"
    }


def journal(folder):
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["uid"] for line in lines[1:]]
