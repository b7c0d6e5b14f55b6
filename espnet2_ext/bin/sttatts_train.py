"""Train the model: python -m espnet2_ext.bin.sttatts_train --help."""

from espnet2_ext.tasks.sttatts import STTATTSTask


def main(cmd: list[str] | None = None) -> None:
    """Run ESPnet's training command for our task."""
    STTATTSTask.main(cmd=cmd)


if __name__ == "__main__":
    main()
