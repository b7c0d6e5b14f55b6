"""Parameter names of the fairseq checkpoints (SpeechT5, ArTST, STTATTS)."""

import re

_RULES = [
    (r"speech_encoder_prenet\.feature_extractor\.conv_layers\.(\d+)\.0\.weight",
     r"speech_encoder_prenet.front_end.convs.\1.weight"),
    (r"speech_encoder_prenet\.feature_extractor\.conv_layers\.0\.2\.(\w+)",
     r"speech_encoder_prenet.front_end.group_norm.\1"),
    (r"speech_encoder_prenet\.layer_norm\.(\w+)",
     r"speech_encoder_prenet.front_end.layer_norm.\1"),
    (r"speech_encoder_prenet\.post_extract_proj\.(\w+)",
     r"speech_encoder_prenet.front_end.projection.\1"),
    (r"speech_encoder_prenet\.mask_emb", r"speech_encoder_prenet.mask_embedding"),
    (r"speech_encoder_prenet\.pos_conv\.0\.bias",
     r"speech_encoder_prenet.pos_conv.bias"),
    (r"speech_encoder_prenet\.pos_conv\.0\.weight_g",
     r"speech_encoder_prenet.pos_conv.parametrizations.weight.original0"),
    (r"speech_encoder_prenet\.pos_conv\.0\.weight_v",
     r"speech_encoder_prenet.pos_conv.parametrizations.weight.original1"),
    (r"text_encoder_prenet\.encoder_prenet\.0\.weight", r"token_embedding.weight"),
    (r"text_encoder_prenet\.encoder_prenet\.1\.alpha",
     r"text_encoder_prenet.positions.alpha"),
    (r"encoder\.layer_norm\.(\w+)", r"encoder.layer_norm.\1"),
    (r"encoder\.pos_emb\.pe_k\.weight", r"encoder.positions.embedding.weight"),
    (r"encoder\.proj\.(\w+)", r"ctc_head.\1"),
    (r"(encoder|decoder)\.layers\.(\d+)\.(fc[12])\.(\w+)",
     r"\1.layers.\2.feed_forward.\3.\4"),
    (r"(encoder|decoder)\.layers\.(\d+)\.((?!norm_k).+)", r"\1.layers.\2.\3"),
    (r"projection_task\.(\w+)", r"task_fusion.projection.\1"),
    (r"speech_decoder_prenet\.decoder_prenet\.0\.0\.prenet\.(\d+)\.0\.(\w+)",
     r"speech_decoder_prenet.layers.\1.\2"),
    (r"speech_decoder_prenet\.decoder_prenet\.0\.1\.(\w+)",
     r"speech_decoder_prenet.projection.\1"),
    (r"speech_decoder_prenet\.decoder_prenet\.1\.alpha",
     r"speech_decoder_prenet.positions.alpha"),
    (r"speech_decoder_prenet\.spkembs_layer\.0\.(\w+)",
     r"speech_decoder_prenet.speaker_layer.\1"),
    (r"speech_decoder_postnet\.feat_out\.(\w+)",
     r"speech_decoder_postnet.frame_projection.\1"),
    (r"speech_decoder_postnet\.prob_out\.(\w+)",
     r"speech_decoder_postnet.stop_projection.\1"),
    (r"speech_decoder_postnet\.postnet\.postnet\.(\d+)\.0\.weight",
     r"speech_decoder_postnet.convs.\1.weight"),
    (r"speech_decoder_postnet\.postnet\.postnet\.(\d+)\.1\.(\w+)",
     r"speech_decoder_postnet.norms.\1.\2"),
]  # fmt: skip
_COMPILED = [(re.compile(pattern), target) for pattern, target in _RULES]


def our_name(fairseq_name: str) -> str | None:
    """Translate a parameter name.

    Args:
        fairseq_name: key of the ``model`` dictionary in a fairseq checkpoint.

    Returns:
        The name in :class:`~espnet2_ext.sttatts.espnet_model.ESPnetSTTATTSModel`, or
        None for tensors that take no part in the arithmetic: version numbers, unused
        relative positions of the decoder, ``norm_k`` of the pre-norm variant, tied
        copies of the embedding, pre-training heads.
    """
    for pattern, target in _COMPILED:
        match = pattern.fullmatch(fairseq_name)
        if match:
            return match.expand(target)
    return None
