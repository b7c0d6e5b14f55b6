"""This project's side."""

import contextlib

import torch

from benchmarks.peers import work
from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.int8 import to_int8
from espnet2_ext.inference.options import GenerationOptions, SearchOptions
from espnet2_ext.inference.search.recognition import search
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import build_token_list


def makers(dtype: torch.dtype) -> dict[str, work.Make]:
    """Works in an arithmetic."""

    def precise() -> contextlib.AbstractContextManager:
        half = dtype == torch.bfloat16
        return torch.autocast("cpu", torch.bfloat16, enabled=half)

    def model(encoder: bool = True) -> ESPnetSTTATTSModel:
        config = ModelConfig(encoder_layers=work.ENCODER_LAYERS if encoder else 1)
        tokens = build_token_list([f"c{i}" for i in range(work.VOCABULARY - 6)])
        made = ESPnetSTTATTSModel(config, tokens).eval()
        if dtype == torch.int8:
            to_int8(made, torch.device("cpu"))
        return made

    def recognition(beam: int, ctc_weight: float, rows: int = 1) -> work.Make:
        def make() -> work.Run:
            made, memory = model(encoder=False), work.memory(rows)
            lengths = torch.full((rows,), memory.size(1))
            steps = work.TOKENS - 1
            options = SearchOptions(
                beam, ctc_weight, max_length=steps, min_length=steps
            )

            @torch.no_grad()
            def run() -> None:
                with precise():
                    found = search(made, memory, lengths, options)
                work.expect(len(found[-1][0].token_ids), steps)

            return run

        return make

    def synthesis(rows: int = 1) -> work.Make:
        def make() -> work.Run:
            made, texts = model(), work.text(rows)
            ratio = work.MEL_FRAMES / work.TOKENS
            options = GenerationOptions(minlenratio=ratio, maxlenratio=ratio)
            lengths, voices = torch.full((rows,), work.TOKENS), torch.randn(rows, 512)
            names = [str(row) for row in range(rows)]

            @torch.no_grad()
            def run() -> None:
                with precise():
                    memory, known = made.encode_text(texts, lengths, "tts")
                    fused = made.fuse(memory, "tts")
                    spoken = generate(made, fused, known, voices, names, options)
                work.expect(len(spoken[-1].mel), work.MEL_FRAMES)

            return run

        return make

    def encoder() -> work.Run:
        made, speech = model(), work.speech()
        lengths = torch.tensor([speech.size(1)])

        @torch.no_grad()
        def run() -> None:
            with precise():
                made.encode_speech(speech, lengths, "asr", padding="exact")

        return run

    def training() -> work.Run:
        made = model().train()
        speech, texts = work.speech(2), work.text(2)
        spoken = speech[:, : (work.MEL_FRAMES - 1) * 256]
        both = {"asr_speech": speech, "asr_text": texts, "tts_text": texts}
        both |= {"tts_speech": spoken}
        batch = both | {
            f"{name}_lengths": torch.full((2,), value.size(1))
            for name, value in both.items()
        }
        batch["tts_spembs"] = torch.randn(2, 512)

        def run() -> None:
            with precise():
                loss, _, _ = made(**batch)
            loss.backward()
            made.zero_grad()

        return run

    def long() -> work.Run:
        from espnet2_ext import STTATTS

        packaged = STTATTS.from_pretrained(dtype=dtype)

        def run() -> None:
            for path in work.RECORDINGS:
                for _ in packaged.segments(path, beam_size=1, ctc_weight=0):
                    pass

        return run

    found = {
        "greedy": recognition(1, 0.0),
        "beam5": recognition(5, 0.0),
        "beam10_ctc": recognition(10, 0.5),
        "greedy_batch": recognition(1, 0.0, work.BATCH),
        "tts": synthesis(),
        "tts_batch": synthesis(work.BATCH),
        "encoder": encoder,
        "long": long,
    }
    return found if dtype == torch.int8 else found | {"training": training}
