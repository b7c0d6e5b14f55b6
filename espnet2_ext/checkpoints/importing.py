"""From checkpoints of other projects to a model directory."""

from dataclasses import dataclass
from pathlib import Path

from espnet2_ext.checkpoints.fairseq_import import read_fairseq
from espnet2_ext.checkpoints.fitting import CTC_TABLES, Source, fit
from espnet2_ext.checkpoints.hf_import import (
    WEIGHTS,
    bpemodel_of,
    is_hugging_face,
    read_hugging_face,
)
from espnet2_ext.checkpoints.import_report import ImportReport
from espnet2_ext.checkpoints.joining import join
from espnet2_ext.checkpoints.model_directory import new_directory, write_model
from espnet2_ext.checkpoints.unpacking import is_packed, unpack
from espnet2_ext.checkpoints.vocabulary import (
    fairseq_rows,
    read_fairseq_dictionary,
    read_pieces,
    token_list_of,
)
from espnet2_ext.checkpoints.vocoder_import import import_vocoder
from espnet2_ext.io.model_files import CONFIG_NAME, OPTIONAL_NAMES
from espnet2_ext.io.settings import read_json
from espnet2_ext.sttatts.config import AudioConfig


@dataclass(frozen=True)
class ImportOptions:
    """What to import; see ``sttatts_import --help``."""

    checkpoints: tuple[Path, ...]
    output_dir: Path
    dictionary: Path | None = None
    new_dictionary: Path | None = None
    bpemodel: Path | None = None
    vocoder: Path | None = None
    speaker_dim: int | None = None
    join: str | None = None
    overwrite: bool = False


def import_checkpoints(options: ImportOptions) -> ImportReport:
    """Write a model directory, or a vocoder where only one is given.

    Returns:
        The report, which is also in the directory.

    Raises:
        FileNotFoundError: a missing file.
        ValueError: an unsafe, damaged, unknown or unfitting file, or options that
            contradict each other.
    """
    output = options.output_dir.resolve()
    for path in (*options.checkpoints, *filter(None, [options.vocoder])):
        if output == path.resolve() or output in path.resolve().parents:
            raise ValueError(f"{path}: is inside the output directory; move it")
    if len(options.checkpoints) == 1 and is_packed(options.checkpoints[0]):
        return unpack(options.checkpoints[0], output, options.overwrite)
    paths = [_directory_of(path) for path in options.checkpoints]
    vocoders = [path for path in paths if _is_vocoder(path)]
    paths = [path for path in paths if path not in vocoders]
    vocoder = options.vocoder or (vocoders[0] if vocoders else None)
    if not paths:
        if vocoder is None:
            raise ValueError("nothing to import: give --checkpoint or --vocoder")
        return _import_vocoder_only(vocoder, options)
    if len(paths) > 2:
        raise ValueError("at most two checkpoints can be joined")
    sources = [_read(path, options) for path in paths]
    label = " + ".join(str(path) for path in options.checkpoints)
    names = " + ".join(path.name for path in options.checkpoints)
    source = join(sources, options.join) if len(sources) == 2 else sources[0]
    tokens = _tokens(source, options)
    try:
        config, state = fit(source, tokens, options.speaker_dim)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    report = source.report
    bpemodel = options.bpemodel or next(
        (found for path in paths if path.is_dir() and (found := bpemodel_of(path))),
        None,
    )
    if bpemodel is not None:
        _check_pieces(bpemodel, tokens, report)
    report.facts["symbols"] = f"{len(tokens)}, {'bpe' if bpemodel else 'char'} tokens"
    report.facts["speaker values"] = config.speaker_dim
    with new_directory(options.output_dir, options.overwrite) as folder:
        if vocoder is not None:
            target = folder / OPTIONAL_NAMES["vocoder"]
            report.facts["vocoder"] = import_vocoder(vocoder, target, config.audio)
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
        report.write(folder)
    return report


def _import_vocoder_only(vocoder: Path, options: ImportOptions) -> ImportReport:
    report = ImportReport()
    with new_directory(options.output_dir, options.overwrite) as folder:
        report.facts["vocoder"] = import_vocoder(vocoder, folder, AudioConfig())
    return report


def _directory_of(path: Path) -> Path:
    """The directory that a Hugging Face weights file belongs to, else ``path``."""
    if path.name in WEIGHTS and is_hugging_face(path.parent):
        return path.parent
    return path


def _is_vocoder(path: Path) -> bool:
    if not is_hugging_face(path):
        return False
    return read_json(path / "config.json").get("architectures") == ["SpeechT5HifiGan"]


def _read(path: Path, options: ImportOptions) -> Source:
    """Read one checkpoint of whichever format."""
    if is_hugging_face(path):
        return read_hugging_face(path, options.dictionary, options.bpemodel)
    if path.is_dir():
        if (path / CONFIG_NAME).is_file():
            raise ValueError(f"{path}: is a model directory already; use it as it is")
        raise ValueError(
            f"{path}: no config.json in it; give a fairseq file or a directory of "
            "Hugging Face SpeechT5"
        )
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file")
        raise ValueError(f"{path}: its config.json has to be beside it")
    return read_fairseq(path, options.dictionary, options.bpemodel)


def _tokens(source: Source, options: ImportOptions) -> list[str]:
    """The token list: the checkpoint's symbols, or those of another dictionary."""
    if options.new_dictionary is None:
        return token_list_of(source.symbols)
    symbols = fairseq_rows(read_fairseq_dictionary(options.new_dictionary))
    source.report.facts["new dictionary"] = options.new_dictionary.name
    return token_list_of(symbols)


def _check_pieces(bpemodel: Path, tokens: list[str], report: ImportReport) -> None:
    """Say which pieces of the SentencePiece model the token list lacks."""
    known = set(tokens)
    unknown = [piece for piece in read_pieces(bpemodel) if piece not in known]
    if len(unknown) > len(known) // 2:
        report.warn(
            f"{bpemodel.name}: {len(unknown)} of its pieces are not in the dictionary; "
            "do they belong together?"
        )
    elif unknown:
        report.facts["pieces unknown to the dictionary"] = unknown
