"""The Python interface: one object that transcribes, speaks and converts."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.audio import MAX_SECONDS, BadInputError
from espnet2_ext.formats.import_once import find_or_import
from espnet2_ext.inference.asr_search import SearchOptions, search
from espnet2_ext.inference.batching import as_list, check_call, in_batches
from espnet2_ext.inference.inputs import ModelInputs
from espnet2_ext.inference.language_models.loading import (
    LanguageModel,
    LanguageModels,
)
from espnet2_ext.inference.loading import load_model, read_config, trained_tasks
from espnet2_ext.inference.results import Speech, Transcript
from espnet2_ext.inference.search.extra_scorers import ScorersAndWeights
from espnet2_ext.inference.search.search_types import LM_WEIGHT, NGRAM_WEIGHT
from espnet2_ext.inference.search.token_times import seconds_per_frame
from espnet2_ext.inference.settings import (
    ConversionSettings,
    RecognitionSettings,
    Speaker,
    SynthesisSettings,
    Texts,
    Wave,
    Waves,
)
from espnet2_ext.inference.tts_generation import (
    GeneratedMel,
    GenerationOptions,
    generate,
)
from espnet2_ext.inference.vocoder import Vocoder, load_vocoder
from espnet2_ext.io.model_files import ModelFiles


class STTATTS:
    """A trained model with its tokens, speakers and vocoder.

    >>> m = STTATTS.from_pretrained()                     # doctest: +SKIP
    >>> m.transcribe("speech.wav")[0].text                # doctest: +SKIP
    >>> m.synthesize("hello world", speaker="joe").wav    # doctest: +SKIP
    """

    def __init__(
        self,
        files: ModelFiles | None = None,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        vocoder: str | Path | None = None,
        **named_files: str | Path,
    ):
        """Load a model; :meth:`from_pretrained` finds the files.

        Args:
            files: of the model.
            device: for the model and the vocoder.
            dtype: of the arithmetic; ``torch.bfloat16`` is faster where the
                processor has it, and not exact.
            vocoder: see :func:`~espnet2_ext.inference.vocoder.load_vocoder`; the
                model's own by default, else Griffin-Lim. Loaded when it is needed.
            named_files: the files one by one (``train_config``, ``model_file``,
                ``bpemodel``, ``speakers``), as ESPnet's model zoo gives them:
                ``STTATTS(**ModelDownloader().download_and_unpack(zip))``.

        Raises:
            TypeError: neither ``files`` nor what is needed of ``named_files``.
        """
        if files is None:
            files = ModelFiles(**{k: Path(v) for k, v in named_files.items()})
        elif named_files:
            raise TypeError(f"files and {sorted(named_files)} exclude each other")
        self.config = read_config(files.train_config)
        self.model = load_model(files, self.config, device)
        self.token_list: list[str] = self.model.token_list
        self.device = torch.device(device)
        self.dtype = dtype
        self.inputs = ModelInputs(
            self.model, self.config, files.bpemodel, files.speakers, self.device
        )
        self.audio = self.model.config.audio
        self._vocoder_source = vocoder or files.vocoder
        self._language_models = LanguageModels(self.token_list, self.device)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        vocoder: str | Path | None = None,
    ) -> "STTATTS":
        """Load a model directory, a packed zip, a URL of one, or a name on a hub.

        Args:
            source: see :func:`~espnet2_ext.formats.import_once.find_or_import`;
                without it the model that comes with the package.
            device: see the class.
            dtype: see the class.
            vocoder: see the class.
        """
        files = find_or_import(source)
        return cls(files, device=device, dtype=dtype, vocoder=vocoder)

    @cached_property
    def vocoder(self) -> Vocoder:
        """The vocoder; loaded here, as recognition works without one.

        Raises:
            OSError, ValueError, ImportError: see
                :func:`~espnet2_ext.inference.vocoder.load_vocoder`.
        """
        return self._load_vocoder(self._vocoder_source)

    @property
    def _has_ctc(self) -> bool:
        """False for an imported model whose CTC head has random weights."""
        return bool(self.config.get("ctc_head_trained", True))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that the model was trained for, as far as its configuration says."""
        return trained_tasks(self.config, self.model)

    # ---- recognition -----------------------------------------------------------

    @overload
    def transcribe(
        self,
        wave: Wave,
        sample_rate: int = ...,
        **settings: Unpack[RecognitionSettings],
    ) -> list[Transcript]: ...

    @overload
    def transcribe(
        self,
        wave: Waves,
        sample_rate: int = ...,
        **settings: Unpack[RecognitionSettings],
    ) -> list[list[Transcript]]: ...

    def transcribe(
        self,
        wave: Wave | Waves,
        sample_rate: int = 16000,
        *,
        beam_size: int = 10,
        ctc_weight: float = 0.5,
        nbest: int = 1,
        language: str | None = None,
        batch_size: int = 8,
        max_seconds: float | None = MAX_SECONDS,
        progress: Callable[[int], None] | None = None,
        lm: LanguageModel | None = None,
        lm_weight: float = LM_WEIGHT,
        ngram: LanguageModel | None = None,
        ngram_weight: float = NGRAM_WEIGHT,
        **search_options: Any,
    ) -> list[Transcript] | list[list[Transcript]]:
        """Write down what is said.

        Args:
            wave: path, or samples (N,); or a list of these.
            sample_rate: of samples (Hz); files know their own.
            beam_size: hypotheses kept; 1 with ``ctc_weight=0`` is the fast path.
            ctc_weight: share of the CTC score in the search, 0..1.
            nbest: transcripts per utterance.
            language: for a model with languages.
            batch_size: utterances searched at once; does not change the result.
            max_seconds: longest accepted utterance.
            progress: called with the number of utterances done.
            lm: folder (or weights) of an ESPnet language model; see
                :mod:`~espnet2_ext.inference.language_models`.
            lm_weight: what its log-probabilities are multiplied by.
            ngram: n-gram model in the ARPA format.
            ngram_weight: what its natural log-probabilities are multiplied by.
            search_options: further fields of
                :class:`~espnet2_ext.inference.search.search_types.SearchOptions`.

        Returns:
            N-best list of :class:`Transcript`; for a list of inputs a list of those.

        Raises:
            BadInputError: unusable speech; the message names it and the cure.
            FileNotFoundError, ValueError: no such language model, or one that does
                not fit.
        """
        self._require("asr")
        if ctc_weight > 0 and not self._has_ctc:
            logging.warning(
                "the CTC head of this imported model is untrained: ctc_weight 0 is used"
            )
            ctc_weight = 0.0
        options = SearchOptions(
            beam_size=beam_size, ctc_weight=ctc_weight, nbest=nbest, **search_options
        )
        many, sources = as_list(wave)
        check_call(len(sources), batch_size)
        extra = self._language_models.scorers(lm, lm_weight, ngram, ngram_weight)
        waves = [self.inputs.speech(item, sample_rate, max_seconds) for item in sources]

        def run(places: list[int]) -> list[list[Transcript]]:
            return self._transcribe_batch(
                [waves[i] for i in places],
                options,
                self.inputs.language(language, len(places)),
                extra,
            )

        results = in_batches([len(w) for w in waves], batch_size, run, progress)
        return results if many else results[0]

    @torch.no_grad()
    def _transcribe_batch(
        self,
        waves: list[np.ndarray],
        options: SearchOptions,
        language: Tensor | None,
        extra: ScorersAndWeights,
    ) -> list[list[Transcript]]:
        speech, lengths = self.inputs.pad_speech(waves)
        with self._autocast():
            memory, frames = self.model.encode_speech(
                speech, lengths, "asr", language, padding="exact"
            )
        rate = self.audio.sample_rate
        durations = None
        if self._has_ctc:
            durations = [
                seconds_per_frame(len(wave), int(count), rate)
                for wave, count in zip(waves, frames, strict=True)
            ]
        with self._autocast():
            found = search(
                self.model,
                memory,
                frames,
                options,
                language,
                extra,
                seconds_per_frame=durations,
            )
        return [
            [
                Transcript(
                    self.inputs.tokenizer.decode(hypothesis.token_ids),
                    [self.token_list[i] for i in hypothesis.token_ids],
                    hypothesis.token_ids,
                    hypothesis.score,
                    hypothesis.times,
                )
                for hypothesis in hypotheses
            ]
            for hypotheses in found
        ]

    # ---- synthesis and conversion ----------------------------------------------

    @overload
    def synthesize(
        self,
        text: str,
        speaker: Speaker = ...,
        **settings: Unpack[SynthesisSettings],
    ) -> Speech: ...

    @overload
    def synthesize(
        self,
        text: Texts,
        speaker: Speaker = ...,
        **settings: Unpack[SynthesisSettings],
    ) -> list[Speech]: ...

    def synthesize(
        self,
        text: str | Texts,
        speaker: Speaker = None,
        *,
        threshold: float = 0.5,
        minlenratio: float = 0.0,
        maxlenratio: float = 20.0,
        prenet_dropout: float | None = None,
        seed: int = 0,
        vocoder: str | Path | Vocoder | None = None,
        language: str | None = None,
        utterance_ids: Sequence[str] | None = None,
        batch_size: int = 8,
        attention: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Speech | list[Speech]:
        """Speak.

        Args:
            text: what to say, or a list of texts.
            speaker: a name of the model's speakers, an embedding (E,), a ``.npy``
                file or a recording; a list gives every text its own. May be left
                out where the model has one speaker.
            threshold: stop probability that ends the speech.
            minlenratio: fewest mel frames per token.
            maxlenratio: most mel frames per token.
            prenet_dropout: None keeps the always-on 0.5; 0.0 switches it off.
            seed: of that dropout, together with the utterance id.
            vocoder: other than the model's own.
            language: for a model with languages.
            utterance_ids: names that decide the dropout; the texts by default.
            batch_size: texts spoken at once; does not change the result.
            attention: keep the attention weights; slower, and large for long speech.
            progress: called with the number of texts done.

        Returns:
            :class:`Speech`; for a list of texts a list.

        Raises:
            BadInputError: empty text, unknown or unusable speaker.
        """
        self._require("tts")
        many, texts = as_list(text)
        check_call(len(texts), batch_size, utterance_ids)
        ids = [self.inputs.text(item) for item in texts]
        options = GenerationOptions(
            threshold, minlenratio, maxlenratio, prenet_dropout, seed, attention
        )

        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            tokens, lengths = self.inputs.pad_text([ids[i] for i in places])
            return self.model.encode_text(tokens, lengths, "tts", spoken)

        results = self._speak(
            "tts",
            encode,
            [len(row) for row in ids],
            texts if utterance_ids is None else utterance_ids,
            speaker,
            options,
            vocoder,
            language,
            batch_size,
            progress,
        )
        return results if many else results[0]

    @overload
    def convert(
        self,
        wave: Wave,
        speaker: Speaker = ...,
        sample_rate: int = ...,
        **settings: Unpack[ConversionSettings],
    ) -> Speech: ...

    @overload
    def convert(
        self,
        wave: Waves,
        speaker: Speaker = ...,
        sample_rate: int = ...,
        **settings: Unpack[ConversionSettings],
    ) -> list[Speech]: ...

    def convert(
        self,
        wave: Wave | Waves,
        speaker: Speaker = None,
        sample_rate: int = 16000,
        *,
        threshold: float = 0.5,
        minlenratio: float = 0.0,
        maxlenratio: float = 10.0,
        prenet_dropout: float | None = None,
        seed: int = 0,
        vocoder: str | Path | Vocoder | None = None,
        language: str | None = None,
        utterance_ids: Sequence[str] | None = None,
        batch_size: int = 8,
        attention: bool = False,
        max_seconds: float | None = MAX_SECONDS,
        progress: Callable[[int], None] | None = None,
    ) -> Speech | list[Speech]:
        """Say the same in another voice.

        Args:
            wave: path, or samples (N,); or a list of these.
            speaker: the voice to speak with; see :meth:`synthesize`.
            sample_rate: of samples (Hz).
            threshold: stop probability that ends the speech.
            minlenratio: fewest mel frames per memory frame.
            maxlenratio: most mel frames per memory frame.
            prenet_dropout: see :meth:`synthesize`.
            seed: see :meth:`synthesize`.
            vocoder: other than the model's own.
            language: for a model with languages.
            utterance_ids: names that decide the dropout; a digest of the samples by
                default.
            batch_size: utterances converted at once; does not change the result.
            attention: keep the attention weights; slower, and large for long speech.
            max_seconds: longest accepted utterance.
            progress: called with the number of utterances done.

        Returns:
            :class:`Speech`; for a list of inputs a list.

        Raises:
            BadInputError: unusable speech or speaker.
        """
        self._require("vc")
        many, sources = as_list(wave)
        check_call(len(sources), batch_size, utterance_ids)
        waves = [self.inputs.speech(item, sample_rate, max_seconds) for item in sources]
        options = GenerationOptions(
            threshold, minlenratio, maxlenratio, prenet_dropout, seed, attention
        )
        digests = [hashlib.sha256(w.tobytes()).hexdigest() for w in waves]

        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            speech, lengths = self.inputs.pad_speech([waves[i] for i in places])
            return self.model.encode_speech(
                speech, lengths, "vc", spoken, padding="exact"
            )

        results = self._speak(
            "vc",
            encode,
            [len(w) for w in waves],
            digests if utterance_ids is None else utterance_ids,
            speaker,
            options,
            vocoder,
            language,
            batch_size,
            progress,
        )
        return results if many else results[0]

    def _speak(
        self,
        task: str,
        encode: Callable[[list[int], Tensor | None], tuple[Tensor, Tensor]],
        sizes: list[int],
        utterance_ids: Sequence[str],
        speaker: Any,
        options: GenerationOptions,
        vocoder: str | Path | Vocoder | None,
        language: str | None,
        batch_size: int,
        progress: Callable[[int], None] | None,
    ) -> list[Speech]:
        """Generate speech from whatever ``encode`` makes of the chosen inputs."""
        if not sizes:
            return []
        speakers = self.inputs.speakers(speaker, len(sizes))
        voice = self.vocoder if vocoder is None else self._load_vocoder(vocoder)

        @torch.no_grad()
        def run(places: list[int]) -> list[Speech]:
            spoken = self.inputs.language(language, len(places))
            with self._autocast():
                memory, lengths = encode(places, spoken)
                mels = generate(
                    self.model,
                    self.model.fuse(memory, task, spoken),
                    lengths,
                    speakers[places],
                    [utterance_ids[i] for i in places],
                    options,
                    task,
                )
            return [_speech(mel, voice) for mel in mels]

        return in_batches(sizes, batch_size, run, progress)

    # ---- inputs and outputs ----------------------------------------------------

    def _require(self, task: str) -> None:
        if task not in self.tasks:
            raise BadInputError(
                f"this model was not trained for '{task}', only for "
                f"{', '.join(self.tasks)}"
            )

    def _autocast(self) -> torch.autocast:
        half = self.dtype != torch.float32
        return torch.autocast(
            self.device.type, self.dtype if half else torch.bfloat16, enabled=half
        )

    def _load_vocoder(self, vocoder: str | Path | Vocoder | None) -> Vocoder:
        if vocoder is None or isinstance(vocoder, str | Path):
            return load_vocoder(vocoder, self.device, self.audio)
        return vocoder


def _speech(generated: GeneratedMel, voice: Vocoder) -> Speech:
    """Run the vocoder and move everything to the CPU."""
    attention = generated.attention
    return Speech(
        voice(generated.mel).cpu().numpy(),
        voice.sample_rate,
        generated.mel.cpu().numpy(),
        generated.stop_probs.cpu().numpy(),
        None if attention is None else attention.cpu().numpy(),
        generated.stopped,
    )
