"""ESPnet's own decoder, search and Transformer-TTS in the same sizes."""

import torch
from espnet2.asr.ctc import CTC
from espnet2.asr.decoder.transformer_decoder import TransformerDecoder
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer
from espnet2.tts.transformer.transformer import Transformer

from benchmarks.peers import work


def _recognition(beam: int, ctc_weight: float) -> work.Make:
    def make() -> work.Run:
        decoder = TransformerDecoder(
            work.VOCABULARY, work.WIDTH, work.HEADS, work.INNER, work.DECODER_LAYERS
        ).eval()
        decoder.output_layer.bias.data[work.EOS] = -1e4
        scorers, weights = {"decoder": decoder}, {"decoder": 1.0 - ctc_weight}
        if ctc_weight > 0:
            ctc = CTC(work.VOCABULARY, work.WIDTH).eval()
            scorers["ctc"] = CTCPrefixScorer(ctc, work.EOS)
            weights["ctc"] = ctc_weight
        search = BatchBeamSearch(
            scorers=scorers,
            weights=weights,
            beam_size=beam,
            vocab_size=work.VOCABULARY,
            sos=work.EOS,
            eos=work.EOS,
            normalize_length=True,
            pre_beam_score_key="full",
        )
        memory = work.memory()

        @torch.no_grad()
        def run() -> None:
            best = search(memory[0], maxlenratio=-float(work.TOKENS))[0]
            # The last step adds the end without scoring it.
            work.expect(len(best.yseq) - 2, work.TOKENS)

        return run

    return make


def _synthesis() -> work.Run:
    model = Transformer(
        work.VOCABULARY,
        80,
        eprenet_conv_layers=0,
        elayers=work.ENCODER_LAYERS,
        eunits=work.INNER,
        adim=work.WIDTH,
        aheads=work.HEADS,
        dlayers=work.DECODER_LAYERS,
        dunits=work.INNER,
        reduction_factor=2,
        use_guided_attn_loss=False,
    ).eval()
    texts = work.text()[0]
    ratio = work.MEL_FRAMES / (work.TOKENS + 1)  # it adds an end

    @torch.no_grad()
    def run() -> None:
        mel = model.inference(texts, minlenratio=ratio, maxlenratio=ratio)["feat_gen"]
        work.expect(len(mel), work.MEL_FRAMES)

    return run


MAKERS: dict[str, work.Make] = {
    "beam5": _recognition(5, 0.0),
    "beam10_ctc": _recognition(10, 0.5),
    "tts": _synthesis,
}
