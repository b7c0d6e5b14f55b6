"""Train the model: python -m espnet2_ext.bin.sttatts_train --help."""

import sys

from espnet2_ext.io.messages import BadInputError, one_line


class NoGPUError(ValueError):
    """More GPUs are asked for than there are."""


def main(cmd: list[str] | None = None) -> None:
    """Run ESPnet's training command for our task, once or for each phase."""
    # Not above: their import fails, too, where no temporary file can be written.
    import torch

    from espnet2_ext.tasks.phase_training import train_phases
    from espnet2_ext.tasks.sttatts import STTATTSTask

    words = sys.argv[1:] if cmd is None else cmd
    args = STTATTSTask.get_parser().parse_args(words)
    gpus = torch.cuda.device_count()
    if args.ngpu > gpus:
        raise NoGPUError(
            f"--ngpu {args.ngpu}: torch sees {gpus} GPUs here; say --ngpu 0 to train "
            "on the CPU"
        )
    if args.phases is None or args.print_config:
        STTATTSTask.main(args=args)
    else:
        train_phases(args, words)


def run(cmd: list[str] | None = None) -> int:
    """Run the command; errors that the user can mend are one line and code 2."""
    try:
        main(cmd)
    except (NoGPUError, BadInputError, OSError) as error:
        print(f"sttatts_train: error: {one_line(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
