"""Lengths of the sequences of a data directory, as ESPnet's statistics have them.

Samples were counted when the audio was dumped, so no recording is read here.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tqdm import tqdm

from espnet2_ext.audio import opened
from espnet2_ext.data.audio_dump import COUNTED
from espnet2_ext.data.names import SEQUENCES
from espnet2_ext.io.messages import listed
from espnet2_ext.io.tables import read_table, whole_number, write_table
from espnet2_ext.text.tokens import Tokenizer


def write_lengths(
    folder: Path,
    target: Path,
    tokenizer: Tokenizer,
    cleaner: Callable[[str], str],
) -> int:
    """Write ``<name>_shape`` of every sequence of a task.

    Args:
        folder: data directory ``…/<set>/<task>``.
        target: gets the files: lines ``utterance samples`` or ``utterance tokens``.
        tokenizer: of the texts.
        cleaner: applied to them first.

    Returns:
        The number of utterances.

    Raises:
        FileNotFoundError: no such directory or table.
        ValueError: not a task's folder, or texts without a token; names them.
    """
    if folder.name not in SEQUENCES:
        raise ValueError(f"{folder}: is not named after a task: {', '.join(SEQUENCES)}")
    count = 0
    for name in SEQUENCES[folder.name]:
        if name.endswith("_text"):
            lengths = token_counts(folder / "text", tokenizer, cleaner)
        else:
            table = "target.scp" if name.endswith("_target") else "wav.scp"
            lengths = sample_counts(folder, table)
        write_table(target / f"{name}_shape", lengths, ordered=False)
        count = len(lengths)
    return count


def token_counts(
    path: Path, tokenizer: Tokenizer, cleaner: Callable[[str], str]
) -> dict[str, int]:
    """Tokens of every text of a table.

    Raises:
        FileNotFoundError: no such table.
        ValueError: names the utterances whose text is empty after cleaning.
    """
    counts = {
        uid: len(tokenizer.encode(cleaner(text)))
        for uid, text in _progress(read_table(path).values, path)
    }
    empty = [uid for uid, count in counts.items() if count == 0]
    if empty:
        raise ValueError(
            f"{path}: {len(empty)} texts are empty after cleaning: {listed(empty)}; "
            "remove these utterances from the data directory"
        )
    return counts


def sample_counts(folder: Path, table: str) -> dict[str, int]:
    """Samples of every recording of a table, counted by the dump or read from headers.

    Raises:
        FileNotFoundError: no such table.
        ValueError: a file that is no audio.
    """
    paths = read_table(folder / table).values
    known: Mapping[str, str] = {}
    if (folder / COUNTED[table]).is_file():
        known = read_table(folder / COUNTED[table]).values
    return {
        uid: whole_number(known[uid], f"{folder / COUNTED[table]}: '{uid}'")
        if uid in known
        else _frames(uid, path)
        for uid, path in _progress(paths, folder / table)
    }


def _frames(uid: str, path: str) -> int:
    try:
        with opened(Path(path)) as file:
            return int(file.frames)
    except (OSError, ValueError) as error:
        raise ValueError(f"utterance '{uid}': {error}") from None


def _progress(values: Mapping[str, str], path: Path) -> Iterable[tuple[str, str]]:
    title = "/".join(path.parts[-3:])
    return tqdm(values.items(), desc=title, unit="utt", mininterval=1.0)
