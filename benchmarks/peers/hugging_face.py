"""SpeechT5 of Hugging Face's Transformers. It has no CTC."""

import torch
from transformers import (
    SpeechT5Config,
    SpeechT5ForSpeechToText,
    SpeechT5ForTextToSpeech,
)
from transformers.modeling_outputs import BaseModelOutput

from benchmarks.peers import work


def _config(encoder: bool = True) -> SpeechT5Config:
    return SpeechT5Config(
        vocab_size=work.VOCABULARY,
        hidden_size=work.WIDTH,
        encoder_layers=work.ENCODER_LAYERS if encoder else 1,
        decoder_attention_heads=work.HEADS,
        decoder_layers=work.DECODER_LAYERS,
        decoder_ffn_dim=work.INNER,
    )


def _recognition(beam: int, rows: int = 1) -> work.Make:
    def make() -> work.Run:
        model = SpeechT5ForSpeechToText(_config(encoder=False)).eval()
        memory = work.memory(rows)

        @torch.no_grad()
        def run() -> None:
            tokens = model.generate(
                encoder_outputs=BaseModelOutput(last_hidden_state=memory),
                num_beams=beam,
                do_sample=False,
                min_new_tokens=work.TOKENS,
                max_new_tokens=work.TOKENS,
            )
            work.expect(tokens.size(1) - 1, work.TOKENS)

        return run

    return make


def _synthesis(rows: int = 1) -> work.Make:
    def make() -> work.Run:
        model = SpeechT5ForTextToSpeech(_config()).eval()
        texts, voices = work.text(rows), torch.randn(rows, 512)
        ratio = work.MEL_FRAMES / work.TOKENS

        @torch.no_grad()
        def run() -> None:
            mel = model.generate_speech(
                texts, voices, minlenratio=ratio, maxlenratio=ratio
            )
            work.expect(mel.size(-2), work.MEL_FRAMES)

        return run

    return make


def _encoder() -> work.Run:
    encoder = SpeechT5ForSpeechToText(_config()).eval().speecht5.encoder
    speech = work.speech()

    @torch.no_grad()
    def run() -> None:
        encoder(speech)

    return run


def _training() -> work.Run:
    listens = SpeechT5ForSpeechToText(_config()).train()
    speaks = SpeechT5ForTextToSpeech(_config()).train()
    speech, texts, mels = work.speech(2), work.text(2), work.mels(2)
    voices, whole = torch.randn(2, 512), torch.ones_like(texts)

    def run() -> None:
        heard = listens(input_values=speech, labels=texts).loss
        spoken = speaks(
            input_ids=texts,
            attention_mask=whole,
            speaker_embeddings=voices,
            labels=mels,
        ).loss
        (heard + spoken).backward()
        listens.zero_grad()
        speaks.zero_grad()

    return run


MAKERS: dict[str, work.Make] = {
    "greedy": _recognition(1),
    "beam5": _recognition(5),
    "greedy_batch": _recognition(1, work.BATCH),
    "tts": _synthesis(),
    "tts_batch": _synthesis(work.BATCH),
    "encoder": _encoder,
    "training": _training,
}
