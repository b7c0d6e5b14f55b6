"""Our models as SpeechT5 models of Hugging Face, one directory per task.

Hugging Face has no task fusion.  It is constant for a task: the fused memory is
W h + c, with W the columns of the projection that see the encoder output h, and c
what the task vector contributes.  Keys and values are linear in the memory, so W and
c go into their projections, exactly: K (W h + c) + b = (K W) h + (K c + b).
"""

from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_ext.formats.hf_tokenizer import MAX_TEXT, write_json, write_tokenizer
from espnet2_ext.formats.hugging_face import FIXED, SETTINGS
from espnet2_ext.formats.names import translate
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.front_ends import WAVEFORM_KERNELS
from espnet2_ext.sttatts.symbols import BOS, EOS, PAD

CLASSES = {
    "asr": "SpeechT5ForSpeechToText",
    "tts": "SpeechT5ForTextToSpeech",
    "vc": "SpeechT5ForSpeechToSpeech",
}

EXPORTED = (
    ("hidden_size", "d_model"),
    ("encoder_layers", "encoder_layers"),
    ("decoder_layers", "decoder_layers"),
    ("encoder_attention_heads", "heads"),
    ("decoder_attention_heads", "heads"),
    ("encoder_ffn_dim", "ffn"),
    ("decoder_ffn_dim", "ffn"),
    ("encoder_max_relative_position", "max_relative_position"),
    ("feat_proj_dropout", "dropout"),
    ("mask_time_prob", "span_mask.time_prob"),
    ("mask_time_length", "span_mask.time_length"),
    ("mask_time_min_masks", "span_mask.time_min_spans"),
    ("mask_feature_prob", "span_mask.channel_prob"),
    ("mask_feature_length", "span_mask.channel_length"),
    ("guided_attention_loss_num_heads", "loss.guided_attention_heads"),
    ("guided_attention_loss_sigma", "loss.guided_attention_sigma"),
    ("guided_attention_loss_scale", "loss.guided_attention"),
)
"""Settings that an import takes from shapes or leaves to us: theirs and ours."""

_SHARED = ("encoder.", "decoder.")
_SPEECH_INPUT = ("speech_encoder_prenet.",)
_SPEECH_OUTPUT = ("speech_decoder_prenet.", "speech_decoder_postnet.")
_PARTS = {
    "asr": (*_SHARED, *_SPEECH_INPUT),
    "tts": (*_SHARED, "text_encoder_prenet.", *_SPEECH_OUTPUT),
    "vc": (*_SHARED, *_SPEECH_INPUT, *_SPEECH_OUTPUT),
}
_EMBEDDING = {
    "asr": "speecht5.decoder.prenet.embed_tokens.weight",
    "tts": "speecht5.encoder.prenet.embed_tokens.weight",
}
"""The table's name; the output layer of recognition is tied to it."""

SYMBOLS = {
    "bos_token_id": BOS,
    "pad_token_id": PAD,
    "eos_token_id": EOS,
    "decoder_start_token_id": EOS,
}

_MAX_FRAMES = 4000
"""Hugging Face's default length of its tables of positions."""


def export_task(
    model: ESPnetSTTATTSModel,
    task: str,
    folder: Path,
    bpemodel: Path | None = None,
    language: str | None = None,
) -> list[str]:
    """Write one task of a model as a directory for ``from_pretrained``.

    Args:
        model: in evaluation mode, on the CPU.
        task: ``asr``, ``tts`` or ``vc``.
        folder: exists; gets the configuration, weights and tokenizer.
        bpemodel: SentencePiece model of the texts; None for characters.
        language: to build in, for a model with languages.

    Returns:
        What is different there; one line each.

    Raises:
        ValueError: a model that Hugging Face's classes cannot express.
    """
    from safetensors.torch import save_file

    config = model.config
    state, remarks = exported_state(model, task, language)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    settings = _settings(config, task, len(model.token_list))
    write_json(folder / "config.json", settings)
    write_json(folder / "preprocessor_config.json", _features(config))
    write_json(folder / "generation_config.json", {**SYMBOLS, "max_length": MAX_TEXT})
    lost = write_tokenizer(folder, model.token_list, bpemodel)
    if lost:
        remarks.append(f"pieces that the token list lacks become <unk>: {lost[:10]}")
    if task != "asr" and config.prenet_dropout != 0.5:
        remarks.append(
            f"pre-net dropout {config.prenet_dropout}: Hugging Face takes this number "
            "as the probability to keep a value, which agrees at 0.5 only"
        )
    if task == "tts":
        remarks.append(
            "Hugging Face's tokenizer ends every text with </s>, which the model was "
            "not trained with: drop the last input id"
        )
    return remarks


def exported_state(
    model: ESPnetSTTATTSModel, task: str, language: str | None = None
) -> tuple[dict[str, Tensor], list[str]]:
    """Weights of one task by Hugging Face's names, and remarks on what is left out.

    Raises:
        ValueError: a model that Hugging Face's classes cannot express.
    """
    _check(model, task)
    ours = {k: v for k, v in model.state_dict().items() if k.startswith(_PARTS[task])}
    remarks = []
    if model.task_fusion is not None:
        ours |= folded_attention(model, task, language)
        remarks.append(f"task fusion of '{task}' folded into the cross-attention")
    if task == "asr":
        remarks.append("the CTC head is left out: recognition is by the decoder alone")
    masks = model.config.span_mask
    if not masks.time_prob and not masks.channel_prob:
        ours.pop("speech_encoder_prenet.mask_embedding", None)
    state = {}
    for name, value in ours.items():
        theirs = translate(name, "ours", "hugging_face")
        assert theirs is not None, name
        state[theirs] = value.detach().cpu().contiguous()
    if task in _EMBEDDING:
        state[_EMBEDDING[task]] = model.token_embedding.weight.detach().cpu()
    return state, remarks


def folded_attention(
    model: ESPnetSTTATTSModel, task: str, language: str | None = None
) -> dict[str, Tensor]:
    """Key and value projections of every decoder layer with the fusion built in."""
    fusion = model.task_fusion
    assert fusion is not None
    parts = [fusion.task_vectors[fusion.tasks.index(task)]]
    if fusion.language_embedding is not None:
        if language not in fusion.languages:
            raise ValueError(
                f"the model has the languages {fusion.languages}: choose one with "
                "--language"
            )
        parts.append(fusion.language_embedding.weight[fusion.languages.index(language)])
    width = model.config.d_model
    matrix = fusion.projection.weight.detach().double()
    weight = matrix[:, -width:]
    constant = matrix[:, :-width] @ torch.cat(parts).detach().double()
    constant = constant + fusion.projection.bias.detach().double()
    folded: dict[str, Tensor] = {}
    for i, layer in enumerate(model.decoder.layers):
        for name in ("k_proj", "v_proj"):
            linear: Any = layer.get_submodule(f"encoder_attn.{name}")
            old = linear.weight.detach().double()
            bias = old @ constant + linear.bias.detach().double()
            prefix = f"decoder.layers.{i}.encoder_attn.{name}"
            folded[f"{prefix}.weight"] = (old @ weight).float()
            folded[f"{prefix}.bias"] = bias.float()
    return folded


def _check(model: ESPnetSTTATTSModel, task: str) -> None:
    fusion = model.config.fusion
    if task not in CLASSES:
        raise ValueError(f"unknown task '{task}'; choose from {sorted(CLASSES)}")
    for name in ("norm_first", "scale_embedding"):
        if getattr(model.config, name):
            raise ValueError(
                f"the model has {name}, which Hugging Face's SpeechT5 has not"
            )
    if model.config.front_end.kind != "waveform" and task != "tts":
        raise ValueError(
            f"Hugging Face's SpeechT5 reads waveforms; this model's front end is "
            f"'{model.config.front_end.kind}', so '{task}' cannot be exported"
        )
    if model.speech_decoder is not None or model.adapters:
        raise ValueError("Hugging Face's SpeechT5 has one decoder without adapters")
    if fusion.mode != "none" and fusion.position != "post_encoder":
        raise ValueError(
            "task fusion before the encoder cannot be expressed in Hugging Face's "
            "SpeechT5"
        )
    if fusion.mode != "none" and task not in fusion.tasks:
        raise ValueError(f"the model has no task '{task}', only {fusion.tasks}")


def _settings(config: ModelConfig, task: str, symbols: int) -> dict[str, Any]:
    """Content of ``config.json``."""
    return {
        **{name: attrgetter(ours)(config) for name, ours in (*SETTINGS, *EXPORTED)},
        **FIXED,
        **SYMBOLS,
        "architectures": [CLASSES[task]],
        "model_type": "speecht5",
        "dtype": "float32",
        "is_encoder_decoder": True,
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": symbols,
        "initializer_range": 0.02,
        "conv_dim": [config.front_end.channels] * len(WAVEFORM_KERNELS),
        "num_feat_extract_layers": len(WAVEFORM_KERNELS),
        "apply_spec_augment": True,
        "mask_feature_min_masks": 0,
        "max_speech_positions": _MAX_FRAMES,
        "max_text_positions": MAX_TEXT,
        "use_guided_attention_loss": config.loss.guided_attention > 0,
    }


def _features(config: ModelConfig) -> dict[str, Any]:
    """Settings of SpeechT5FeatureExtractor; hop and window in milliseconds."""
    audio = config.audio
    return {
        "feature_extractor_type": "SpeechT5FeatureExtractor",
        "processor_class": "SpeechT5Processor",
        "do_normalize": False,
        "feature_size": 1,
        "sampling_rate": audio.sample_rate,
        "padding_value": 0.0,
        "return_attention_mask": True,
        "num_mel_bins": audio.n_mels,
        "hop_length": audio.hop_length * 1000 // audio.sample_rate,
        "win_length": audio.n_fft * 1000 // audio.sample_rate,
        "win_function": "hann_window",
        "fmin": audio.fmin,
        "fmax": audio.fmax,
        "mel_floor": 1e-10,
    }
