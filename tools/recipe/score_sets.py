r"""Score what decode_sets has made of a task's test sets, in one process.

    python -m tools.recipe.score_sets --task tts --sets test \
        --raw dump/raw --decoded exp/train/tts_decode --judge whisper:tiny.en …

Other options are those of ``sttatts_score``. A set without texts has no scores.
"""

import argparse
import sys

from espnet2_ext.bin.sttatts_score import main as sttatts_score
from tools.recipe.decode_sets import (
    Decoding,
    add_options,
    decodings,
)


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, else the code of the first failure."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add_options(parser)
    parser.add_argument("--speaker_similarity", default="none")
    args, common = parser.parse_known_args(argv)
    for one in decodings(args):
        reference = one.first_utterances if one.untrained else one.data / "text"
        if not reference.is_file():
            print(f"{one.data}: no text, nothing to score", file=sys.stderr)
            continue
        words = [args.task, *common, f"--ref={reference}"]
        if one.untrained:
            count = len(reference.read_text().splitlines())
            words.append(f"--note={args.untrained_name}, first {count} utterances")
        if args.task == "asr":
            words.append(f"--hyp={one.folder / '1best_recog' / 'text'}")
        else:
            words += _of_speech(args, one)
        words += [
            f"--dataset={one.folder.name}",
            f"--output_dir={one.folder / 'score'}",
        ]
        if code := sttatts_score(words):
            return code
    return 0


def _of_speech(args: argparse.Namespace, one: Decoding) -> list[str]:
    """Recordings that synthesised or converted speech is compared with.

    What is found in them is kept beside them, for all experiments.
    """
    words = [f"--wav_scp={one.folder / 'wav.scp'}", f"--inference_dir={one.folder}"]
    words.append(f"--memory={one.data / 'measured'}")
    target = one.data / ("wav.scp" if args.task == "tts" else "target.scp")
    if args.task == "vc":
        words.append(f"--source_wav_scp={one.data / 'wav.scp'}")
    if not target.is_file():
        return [*words, "--speaker_similarity=none"]
    option = "--natural_wav_scp" if args.task == "tts" else "--target_wav_scp"
    words += [f"{option}={target}", "--round_trip", f"--utt2spk={one.data / 'utt2spk'}"]
    return [*words, f"--speaker_similarity={args.speaker_similarity}"]


if __name__ == "__main__":
    sys.exit(main())
