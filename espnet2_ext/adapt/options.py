"""What can be chosen where a model is adapted; quick to import."""

from dataclasses import dataclass

from espnet2_ext.io.options import option

SELF, NONE = "self", "none"


@dataclass(frozen=True)
class AdaptOptions:
    """How a model is adapted."""

    minutes: float = option(
        30.0, "of training; the number of updates follows from the machine", float
    )
    rehearsal: str = option(
        SELF,
        "what keeps old abilities: recordings like SOURCE, of what the model knows; "
        f"'{SELF}': its own voices reading the new texts, which keeps these voices, "
        f"hardly its hearing of other people; '{NONE}'",
    )
    speaker: str | None = option(
        None, "name of the voice, where SOURCE names no speakers (default: its folder)"
    )
    judge: str | None = option(
        None,
        "who hears the speech before and after: whisper:SIZE, or 'itself', the model "
        "before (default: whisper:base where it is installed)",
    )
    trust: bool = option(
        False, "keep recordings that the model's own ears contradict", bool
    )
    cleaner: str | None = option(
        None,
        "of the texts, where they are of another language than the model's, such as "
        "arabic: letters that the model lacks become symbols, which it learns "
        "(default: the model's cleaner; recordings with other letters are left out)",
    )
    lora: int | None = option(
        None,
        "train LoRA matrices of this rank in all attention, and nothing else: less is "
        "learned, and less forgotten",
        int,
    )
    batch_seconds: float | None = option(
        None, "of speech at once (default: by the amount of data)", float
    )
    device: str | None = option(None, "cpu or cuda (default: cuda where there is one)")

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: says which.
        """
        if not 0 < self.minutes < 1e5:
            raise ValueError(f"minutes={self.minutes}: not a time to train")
        if self.lora is not None and self.lora < 1:
            raise ValueError(f"lora={self.lora}: at least 1")
        if self.lora is not None and self.cleaner is not None:
            raise ValueError(
                "lora: what is new about another language needs all weights"
            )
        if self.batch_seconds is not None and self.batch_seconds < 1:
            raise ValueError(f"batch_seconds={self.batch_seconds}: at least 1")
