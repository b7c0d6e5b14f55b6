"""From checkpoints of other projects to the files of a model directory."""

from collections.abc import Sequence
from pathlib import Path

from espnet2_ext.formats.fairseq import read_fairseq
from espnet2_ext.formats.fitting import CTC_TABLES, Source, fit
from espnet2_ext.formats.hugging_face import (
    WEIGHTS,
    bpemodel_of,
    is_hugging_face,
    read_hugging_face,
)
from espnet2_ext.formats.joining import join_sources
from espnet2_ext.formats.model_directory import write_model
from espnet2_ext.formats.report import ImportReport
from espnet2_ext.formats.vocabulary import (
    fairseq_rows,
    read_fairseq_dictionary,
    read_pieces,
    token_list_of,
)
from espnet2_ext.io.model_files import CONFIG_NAME
from espnet2_ext.sttatts.config import ModelConfig


def import_into(
    folder: Path,
    checkpoints: Sequence[Path],
    dictionary: Path | None = None,
    new_dictionary: Path | None = None,
    bpemodel: Path | None = None,
    speaker_dim: int | None = None,
    join: str | None = None,
    letters: Sequence[str] = (),
) -> tuple[ImportReport, ModelConfig]:
    """Write the files of a model, but not the report, which may grow further.

    Args:
        folder: exists.
        checkpoints: fairseq files, or directories or weights of Hugging Face's
            SpeechT5; two are joined.
        dictionary: that they were trained with; see :func:`read_fairseq`.
        new_dictionary: of the wanted vocabulary, if it is another one.
        bpemodel: SentencePiece model; that of the directories by default.
        speaker_dim: size of the speaker embeddings; the checkpoint's by default.
        join: task whose model gives encoder and decoder where two are joined.
        letters: that the model is to know, too; of a SentencePiece model's pieces
            there are no more.

    Returns:
        What became of every tensor, and the model's configuration.

    Raises:
        FileNotFoundError: a missing file.
        ValueError: an unsafe, damaged, unknown or unfitting file.
    """
    if len(checkpoints) > 2:
        raise ValueError("at most two checkpoints can be joined")
    paths = [directory_of(path) for path in checkpoints]
    sources = [_read(path, dictionary, bpemodel) for path in paths]
    source = join_sources(sources, join) if len(sources) == 2 else sources[0]
    report = source.report
    symbols = source.symbols
    if new_dictionary is not None:
        symbols = fairseq_rows(read_fairseq_dictionary(new_dictionary))
        report.facts["new dictionary"] = new_dictionary.name
    if letters and bpemodel is None and not any(map(bpemodel_of, paths)):
        symbols = [*symbols, *(each for each in letters if each not in symbols)]
    tokens = token_list_of(symbols)
    try:
        config, state = fit(source, tokens, speaker_dim)
    except ValueError as error:
        raise ValueError(f"{' + '.join(map(str, checkpoints))}: {error}") from None
    own = [found for path in paths if path.is_dir() and (found := bpemodel_of(path))]
    bpemodel = bpemodel or next(iter(own), None)
    if bpemodel is not None:
        _check_pieces(bpemodel, tokens, report)
    report.facts["symbols"] = f"{len(tokens)}, {'bpe' if bpemodel else 'char'} tokens"
    report.facts["speaker values"] = config.speaker_dim
    names = " + ".join(path.name for path in checkpoints)
    write_model(
        folder,
        config,
        state,
        tokens,
        source.trained_tasks,
        bpemodel,
        CTC_TABLES[0] in source.state,
        [f"Imported from {names}.", *report.warnings],
    )
    return report, config


def directory_of(path: Path) -> Path:
    """The directory that a Hugging Face weights file belongs to, else ``path``."""
    if path.name in WEIGHTS and is_hugging_face(path.parent):
        return path.parent
    return path


def _read(path: Path, dictionary: Path | None, bpemodel: Path | None) -> Source:
    """Read one checkpoint of whichever format."""
    if is_hugging_face(path):
        return read_hugging_face(path, dictionary, bpemodel)
    if path.is_dir():
        if (path / CONFIG_NAME).is_file():
            raise ValueError(f"{path}: is of this project; others' models are joined")
        raise ValueError(
            f"{path}: no config.json in it; give a fairseq file or a directory of "
            "Hugging Face SpeechT5"
        )
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        raise ValueError(f"{path}: its config.json has to be beside it")
    return read_fairseq(path, dictionary, bpemodel)


def _check_pieces(bpemodel: Path, tokens: list[str], report: ImportReport) -> None:
    """Say which pieces of the SentencePiece model the token list lacks."""
    known = set(tokens)
    unknown = [piece for piece in read_pieces(bpemodel) if piece not in known]
    if len(unknown) > len(known) // 2:
        report.warnings.append(
            f"{bpemodel.name}: {len(unknown)} of its pieces are not in the dictionary; "
            "do they belong together?"
        )
    elif unknown:
        report.facts["pieces unknown to the dictionary"] = unknown
