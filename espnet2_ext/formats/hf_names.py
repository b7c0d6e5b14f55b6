"""Parameter names of Hugging Face SpeechT5, both ways."""

import re

_ENCODER, _DECODER = "speecht5.encoder", "speecht5.decoder"
_STACKS = (f"{_ENCODER}.wrapped_encoder", f"{_DECODER}.wrapped_decoder")

EMBEDDING_COPIES = (
    f"{_DECODER}.prenet.embed_tokens.weight",
    f"{_ENCODER}.prenet.embed_tokens.weight",
    "text_decoder_postnet.lm_head.weight",
)
"""Names of the one shared table; which are there depends on the class."""

# Hugging Face's name and ours: # stands for a number, @ for the rest of the name.
_PAIRS = (
    (f"{_ENCODER}.prenet.masked_spec_embed", "speech_encoder_prenet.mask_embedding"),
    (
        f"{_ENCODER}.prenet.feature_encoder.conv_layers.#.conv.@",
        "speech_encoder_prenet.front_end.convs.#.@",
    ),
    (
        f"{_ENCODER}.prenet.feature_encoder.conv_layers.0.layer_norm.@",
        "speech_encoder_prenet.front_end.group_norm.@",
    ),
    (
        f"{_ENCODER}.prenet.feature_projection.layer_norm.@",
        "speech_encoder_prenet.front_end.layer_norm.@",
    ),
    (
        f"{_ENCODER}.prenet.feature_projection.projection.@",
        "speech_encoder_prenet.front_end.projection.@",
    ),
    (
        f"{_ENCODER}.prenet.pos_conv_embed.conv.@",
        "speech_encoder_prenet.pos_conv.@",
    ),
    (
        f"{_ENCODER}.prenet.encode_positions.alpha",
        "text_encoder_prenet.positions.alpha",
    ),
    (f"{_STACKS[0]}.layer_norm.@", "encoder.layer_norm.@"),
    (f"{_STACKS[0]}.embed_positions.pe_k.@", "encoder.positions.embedding.@"),
    (f"{_STACKS[0]}.layers.#.attention.@", "encoder.layers.#.self_attn.@"),
    (f"{_STACKS[0]}.layers.#.layer_norm.@", "encoder.layers.#.self_attn_layer_norm.@"),
    *(
        (
            f"{theirs}.layers.#.feed_forward.{dense}.@",
            f"{ours}.layers.#.feed_forward.{fc}.@",
        )
        for theirs, ours in zip(_STACKS, ("encoder", "decoder"), strict=True)
        for dense, fc in (("intermediate_dense", "fc1"), ("output_dense", "fc2"))
    ),
    (
        f"{_STACKS[0]}.layers.#.final_layer_norm.@",
        "encoder.layers.#.final_layer_norm.@",
    ),
    *(
        (f"{_STACKS[1]}.layers.#.{part}.@", f"decoder.layers.#.{part}.@")
        for part in (
            "self_attn",
            "self_attn_layer_norm",
            "encoder_attn",
            "encoder_attn_layer_norm",
            "final_layer_norm",
        )
    ),
    (f"{_DECODER}.prenet.layers.#.@", "speech_decoder_prenet.layers.#.@"),
    (f"{_DECODER}.prenet.final_layer.@", "speech_decoder_prenet.projection.@"),
    (
        f"{_DECODER}.prenet.encode_positions.alpha",
        "speech_decoder_prenet.positions.alpha",
    ),
    (
        f"{_DECODER}.prenet.speaker_embeds_layer.@",
        "speech_decoder_prenet.speaker_layer.@",
    ),
    ("speech_decoder_postnet.feat_out.@", "speech_decoder_postnet.frame_projection.@"),
    ("speech_decoder_postnet.prob_out.@", "speech_decoder_postnet.stop_projection.@"),
    ("speech_decoder_postnet.layers.#.conv.@", "speech_decoder_postnet.convs.#.@"),
    (
        "speech_decoder_postnet.layers.#.batch_norm.@",
        "speech_decoder_postnet.norms.#.@",
    ),
)

_CONSTANT = re.compile(
    r".*(pos_sinusoidal_embed\.weights|embed_positions\.weights|encode_positions\.pe)"
)


def _rule(source: str, target: str) -> tuple[re.Pattern[str], str]:
    pattern = re.escape(source).replace(r"\#", r"(?P<number>\d+)")
    pattern = pattern.replace("@", r"(?P<rest>.+)")
    return re.compile(pattern), target.replace("#", r"\g<number>").replace(
        "@", r"\g<rest>"
    )


_TO_OURS = [_rule(theirs, ours) for theirs, ours in _PAIRS]
_TO_THEIRS = [_rule(ours, theirs) for theirs, ours in _PAIRS]


def canonical(name: str) -> str:
    """The name that the present classes give a parameter.

    ``SpeechT5Model`` saves without the prefix ``speecht5.``; older releases called
    the weight norm's parts ``weight_g`` and ``weight_v``.
    """
    if name.startswith(("encoder.", "decoder.")):
        name = f"speecht5.{name}"
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        name = re.sub(rf"\.conv\.{old}$", f".conv.parametrizations.weight.{new}", name)
    return name


def is_constant(name: str) -> bool:
    """Whether older releases saved a table of positions under this name."""
    return _CONSTANT.fullmatch(name) is not None


def our_name(hf_name: str) -> str | None:
    """Translate a :func:`canonical` name; None where we have no such parameter.

    The shared embedding has several names there (:data:`EMBEDDING_COPIES`).
    """
    if hf_name in EMBEDDING_COPIES:
        return "token_embedding.weight"
    return _translate(hf_name, _TO_OURS)


def hf_name(our_name: str) -> str | None:
    """Translate one of our names back; None where Hugging Face has no such part."""
    return _translate(our_name, _TO_THEIRS)


def _translate(name: str, rules: list[tuple[re.Pattern[str], str]]) -> str | None:
    for pattern, target in rules:
        match = pattern.fullmatch(name)
        if match:
            return match.expand(target)
    return None
