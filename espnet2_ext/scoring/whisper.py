"""Whisper as a judge, through faster-whisper: greedy about nothing, repeatable."""

import logging
from typing import Any

import numpy as np

from espnet2_ext.scoring.errors import INSTALL
from espnet2_ext.scoring.judges import JudgeOptions
from espnet2_ext.scoring.weights import find_weights, fingerprint

BEAM_SIZE = 5
SAMPLE_RATE = 16000
"""Of every Whisper model (Hz)."""

TOKENS_PER_SECOND = 20
"""Nobody says more. On sounds that are no words Whisper repeats itself to its limit,
which takes long and counts as hundreds of errors."""

MAX_TOKENS = 220
"""Of a window of 30 seconds; half of Whisper's context, as its own decoding has it."""

_NON_SPEECH = -1
"""faster-whisper's own list of brackets, notes and other signs nobody says."""

_COMPUTE = {"cpu": "int8", "cuda": "float16"}


class WhisperJudge:
    """One Whisper model with fixed settings; the same speech gives the same text."""

    def __init__(self, name: str, size_or_dir: str, options: JudgeOptions):
        """Load the weights of :func:`~.weights.find_weights`; results say ``name``.

        Raises:
            ImportError: faster-whisper is not installed.
            OSError: no weights.
            ValueError: unreadable weights, or options that do not fit them.
        """
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise ImportError(
                f"the judge '{name}' needs the package faster-whisper: {INSTALL}"
            ) from error
        folder = find_weights(size_or_dir)
        device = options.judge_device
        compute = _COMPUTE.get(device)
        if compute is None:
            raise ValueError(f"a judge runs on cpu or cuda, not on '{device}'")
        try:
            self._model = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute,
                cpu_threads=options.num_threads,
            )
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{folder}: not usable for the judge: {error}") from None
        self._language = None if options.language == "auto" else options.language
        known = self._model.supported_languages
        if self._language is not None and self._language not in known:
            raise ValueError(
                f"the judge '{name}' does not know the language '{self._language}'; "
                f"it knows {', '.join(known[:8])}{', …' if len(known) > 8 else ''}"
            )
        self.name = name
        self.sample_rate = SAMPLE_RATE
        self._suppressed = [_NON_SPEECH]
        if options.digits == "words":
            self._suppressed += _digit_tokens(self._model.hf_tokenizer)
        self.settings: dict[str, Any] = {
            "weights": fingerprint(folder),
            "compute_type": compute,
            "device": device,
            "beam_size": BEAM_SIZE,
            "language": self._language,
            "digits": options.digits,
            "tokens_per_second": TOKENS_PER_SECOND,
        }
        logging.info("judge %s: %s", name, folder)

    def transcribe(self, wave: np.ndarray) -> str:
        """Write down speech (N,) at 16 kHz."""
        seconds = len(wave) / SAMPLE_RATE
        segments, _ = self._model.transcribe(
            wave,
            language=self._language,
            beam_size=BEAM_SIZE,
            temperature=0.0,
            condition_on_previous_text=False,
            suppress_tokens=list(self._suppressed),
            max_new_tokens=min(10 + int(TOKENS_PER_SECOND * seconds), MAX_TOKENS),
        )
        return " ".join(segment.text.strip() for segment in segments).strip()


def _digit_tokens(tokenizer: Any) -> list[int]:
    """Ids of all text tokens in which there is a digit.

    Time stamps and other special tokens come after ``<|endoftext|>`` and are left
    alone.
    """
    last = tokenizer.token_to_id("<|endoftext|>")
    texts = tokenizer.decode_batch([[token] for token in range(last)])
    return [i for i, text in enumerate(texts) if any(map(str.isdigit, text))]
