"""Speaker embeddings of a data directory: ``spembs.ark``, ``spembs.scp``.

``speakers.npz`` holds one embedding per speaker, for packing with a model; it and
``spembs.json`` beside the ark say which tool made them, so that a model trained with
another can refuse them.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from espnet2_ext.audio import load_speech
from espnet2_ext.data.audio_dump import COUNTED
from espnet2_ext.data.kaldi_dir import KaldiDir, group_by
from espnet2_ext.data.speaker_extractors import (
    PRECOMPUTED,
    SAMPLE_RATE,
    load_extractor,
    portable_tool,
    tool_name,
)
from espnet2_ext.data.speaker_table import (
    TOOL_SUFFIX,
    SpeakerTable,
    describe_speaker_tool,
)
from espnet2_ext.io.arks import read_arks
from espnet2_ext.io.files import replacing, write_text
from espnet2_ext.io.options import option
from espnet2_ext.io.store import Store, digest_of, file_state
from espnet2_ext.io.tables import write_table
from espnet2_ext.jobs.clusters import Workers
from espnet2_ext.jobs.fanout import fan_out

STORE = ".spembs.json"
"""Says of which inputs and options the embeddings in a directory were made."""

OUTPUTS = ("spembs.ark", "spembs.scp", "speakers.npz")

Vectors = dict[str, np.ndarray]


@dataclass(frozen=True)
class EmbeddingOptions:
    """What is extracted from what."""

    tool: str = option("resemblyzer", "see above", tool_name)
    precomputed: Path | None = option(
        None,
        ".npz, or .scp into an ark, with vectors by utterance or by speaker",
        Path,
    )
    per: str = option(
        "utterance",
        "each utterance its own vector, or its speaker's mean; a speaker then has one "
        "vector in all directories, that of the first",
        choices=["utterance", "speaker"],
    )
    max_utts_per_speaker: int = option(
        20, "recordings that --per speaker averages", int
    )
    allow_failures: int = option(
        0, "drop up to N unusable utterances instead of stopping", int
    )

    def __post_init__(self):
        """Check the combination.

        Raises:
            ValueError: says what is wrong.
        """
        if (self.tool == PRECOMPUTED) != (self.precomputed is not None):
            raise ValueError("--tool precomputed and --precomputed FILE go together")
        if self.per not in ("utterance", "speaker"):
            raise ValueError(f"--per {self.per}: use 'utterance' or 'speaker'")
        if self.max_utts_per_speaker < 1:
            raise ValueError("--max_utts_per_speaker: at least one is needed")

    def digest(self, data: KaldiDir, known: Vectors) -> str:
        """Digest of the options and of what they are applied to."""
        names = (*COUNTED, "utt2spk", "utt2num_samples")
        tables = {name: data.tables.get(name) for name in names}
        options = [self.tool, self.per, self.max_utts_per_speaker]
        given = [str(self.precomputed), file_state(self.precomputed or "")]
        vectors = {name: known[name].tolist() for name in known}
        return digest_of([tables, options, given, vectors])


class _Job(NamedTuple):
    tool: str
    path: str


def write_embeddings(
    folder: Path,
    options: EmbeddingOptions,
    known: Vectors,
    workers: Workers | None = None,
) -> bool:
    """Write ``spembs.ark``, ``spembs.scp`` and ``speakers.npz`` into a directory.

    Args:
        folder: data directory with 16 kHz recordings; where it has a ``target.scp``,
            its voices are taken.
        options: what is extracted.
        known: speakers that keep their vector where there is one per speaker; those
            of this directory are added.
        workers: that share the work; this process alone by default.

    Returns:
        False if an earlier run has done all of it.

    Raises:
        FileNotFoundError: no such directory or table.
        ValueError: failures, or speakers without an embedding.
    """
    data = KaldiDir.read(folder)
    for name in ("wav.scp", "utt2spk"):
        if name not in data.tables:
            raise FileNotFoundError(f"{folder / name}: no such table")
    path = options.precomputed
    if path is not None and not path.is_file():
        raise FileNotFoundError(f"{path}: no such table of speaker embeddings")
    data.tables.pop("spembs.scp", None)
    kept = {}
    if options.per == "speaker":
        present = set(data.tables["utt2spk"].values())
        kept = {name: known[name] for name in sorted(present & set(known))}
    store = Store(folder / STORE, options.digest(data, kept))
    there = all((folder / name).is_file() for name in OUTPUTS)
    if there and store.get("embeddings") is not None:
        known |= read_vectors(folder / "speakers.npz") | known
        return False
    by_utterance, by_speaker, failed = _embed(data, folder, options, kept, workers)
    if len(failed) > options.allow_failures:
        raise ValueError(
            f"{folder}: {len(failed)} utterances failed, {options.allow_failures} are "
            "allowed (--allow_failures)"
        )
    if failed:
        data = data.keep(set(data.utterances) - set(failed))
        data.write(folder)
        store = Store(folder / STORE, options.digest(data, kept))
    tool = portable_tool(options.tool)
    dim = next(iter(by_utterance.values())).size
    _write_ark(folder, by_utterance, describe_speaker_tool(tool, dim))
    SpeakerTable(by_speaker, dim, tool).save(folder / "speakers.npz")
    store.add({"embeddings": {}})
    known |= by_speaker | known
    return True


def _embed(
    data: KaldiDir,
    folder: Path,
    options: EmbeddingOptions,
    known: Vectors,
    workers: Workers | None,
) -> tuple[Vectors, Vectors, dict[str, str]]:
    """Embeddings by utterance and by speaker, and failures by utterance."""
    utt2spk = data.tables["utt2spk"]
    if options.precomputed is not None:
        vectors = _look_up(options.precomputed, utt2spk)
        failures: dict[str, str] = {}
    else:
        wanted = list(utt2spk)
        if options.per == "speaker":
            chosen = _choose(utt2spk, options.max_utts_per_speaker)
            wanted = [uid for uid in chosen if utt2spk[uid] not in known]
        table = "target.scp" if "target.scp" in data.tables else "wav.scp"
        load_extractor(options.tool)  # A missing package stops here, by name.
        outcome = fan_out(
            extract,
            {uid: _Job(options.tool, data.tables[table][uid]) for uid in wanted},
            workers,
            title=f"{folder} {options.tool}",
        )
        outcome.report()
        vectors, failures = outcome.results, outcome.failures
    speakers = mean_per_speaker(vectors, utt2spk) | known
    if options.per == "speaker":
        for uid, speaker in utt2spk.items():
            if speaker not in speakers:
                reason = f"nothing of speaker '{speaker}' could be used"
                failures.setdefault(uid, reason)
        vectors = {u: speakers[s] for u, s in utt2spk.items() if s in speakers}
        # A speaker's other recordings speak for the ones that failed.
        failures = {uid: failures[uid] for uid in failures if uid not in vectors}
    return vectors, speakers, failures


def _look_up(path: Path, utt2spk: Mapping[str, str]) -> Vectors:
    """Vector of each utterance, its own or its speaker's.

    Raises:
        ValueError: an utterance without.
    """
    found = read_vectors(path)
    for uid, speaker in utt2spk.items():
        if uid not in found and speaker not in found:
            raise ValueError(
                f"{path}: holds neither utterance '{uid}' nor its speaker '{speaker}'"
            )
    return {u: found[u if u in found else s] for u, s in utt2spk.items()}


def extract(job: _Job) -> np.ndarray:
    """Embedding (E,) float32 of a recording.

    Raises:
        ValueError: the recording or the result cannot be used.
    """
    wave = load_speech(job.path, 0, SAMPLE_RATE, max_seconds=None)
    vector = np.asarray(load_extractor(job.tool)(wave), dtype=np.float32).reshape(-1)
    if not np.isfinite(vector).all() or not vector.any():
        raise ValueError(f"{job.path}: {job.tool} found no voice in it")
    return vector


def _choose(utt2spk: Mapping[str, str], count: int) -> list[str]:
    """Up to ``count`` utterances of each speaker, evenly spread over the ids."""
    chosen = []
    for uids in group_by(utt2spk, utt2spk).values():
        places = np.linspace(0, len(uids) - 1, min(count, len(uids)))
        chosen += [uids[round(place)] for place in places]
    return sorted(chosen, key=str.encode)


def mean_per_speaker(
    vectors: Mapping[str, np.ndarray], utt2spk: Mapping[str, str]
) -> Vectors:
    """Mean direction (E,) of each speaker, as long as the vectors are on average."""
    means = {}
    for speaker, uids in group_by(vectors, utt2spk).items():
        rows = np.stack([vectors[uid] for uid in uids])
        mean = rows.mean(axis=0)
        length = np.linalg.norm(rows, axis=1).mean()
        mean = mean * (length / max(float(np.linalg.norm(mean)), 1e-12))
        means[speaker] = mean.astype(np.float32)
    return means


def read_vectors(path: Path) -> Vectors:
    """Embeddings by name, of an ``.npz`` or of an ``.scp`` into an ark.

    Raises:
        ValueError: neither.
    """
    if path.suffix == ".npz":
        vectors = SpeakerTable.load(path, 0, None).vectors
        return {name: vector.reshape(-1) for name, vector in vectors.items()}
    if path.suffix == ".scp":
        return {name: vector.reshape(-1) for name, vector in read_arks(path).items()}
    raise ValueError(f"{path}: speaker embeddings are read from .npz and .scp files")


def _write_ark(folder: Path, vectors: Vectors, description: str) -> None:
    """Write ``spembs.ark``, what is in it, and its table."""
    from omniio import kaldi

    ark = (folder / "spembs.ark").resolve()
    places = io.StringIO()
    write_text(ark.with_suffix(TOOL_SUFFIX), description)
    with replacing(ark) as file:
        kaldi.save_ark(file, vectors, scp=places)
    # Places are lines "id file:offset", of the file's name before it was in its place.
    lines = (line.split() for line in places.getvalue().splitlines())
    table = {line[0]: f"{ark}:{line[-1].rpartition(':')[2]}" for line in lines}
    write_table(folder / "spembs.scp", table)
