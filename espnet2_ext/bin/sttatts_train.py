"""Train the model: python -m espnet2_ext.bin.sttatts_train --help."""

import sys

from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.train.phase_training import train_phases


def main(cmd: list[str] | None = None) -> None:
    """Run ESPnet's training command for our task, once or for each phase."""
    words = sys.argv[1:] if cmd is None else cmd
    args = STTATTSTask.get_parser().parse_args(words)
    if args.phases is None or args.print_config:
        STTATTSTask.main(args=args)
    else:
        train_phases(args, words)


if __name__ == "__main__":
    main()
