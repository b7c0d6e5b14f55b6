"""Our models as SpeechT5 models of Hugging Face, one directory per task.

Hugging Face has no task fusion.  It is constant for a task: the fused memory is
W h + c, with W the columns of the projection that see the encoder output h, and c
what the task vector contributes.  Keys and values are linear in the memory, so W and
c go into their projections, exactly: K (W h + c) + b = (K W) h + (K c + b).
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from espnet2_ext.formats.hf_names import hf_name
from espnet2_ext.formats.hf_tokenizer import MAX_TEXT, write_tokenizer
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.front_ends import WAVEFORM_KERNELS, WAVEFORM_STRIDES
from espnet2_ext.sttatts.symbols import BOS, EOS, PAD

CLASSES = {
    "asr": "SpeechT5ForSpeechToText",
    "tts": "SpeechT5ForTextToSpeech",
    "vc": "SpeechT5ForSpeechToSpeech",
}

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
    _write(folder / "config.json", settings)
    _write(folder / "preprocessor_config.json", _features(config))
    generation = {
        "bos_token_id": BOS,
        "decoder_start_token_id": EOS,
        "eos_token_id": EOS,
        "max_length": MAX_TEXT,
        "pad_token_id": PAD,
    }
    _write(folder / "generation_config.json", generation)
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
        theirs = hf_name(name)
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
    zeros = torch.zeros(1, 1, model.config.d_model, dtype=torch.float64)
    index = None
    if fusion.languages:
        if language not in fusion.languages:
            raise ValueError(
                f"the model has the languages {fusion.languages}: choose one with "
                "--language"
            )
        index = torch.tensor([fusion.languages.index(language)])
    weight = fusion.projection.weight.detach().double()[:, -model.config.d_model :]
    parts = [fusion.task_vectors[fusion.tasks.index(task)].detach().double()]
    if fusion.language_embedding is not None and index is not None:
        parts.append(fusion.language_embedding(index)[0].detach().double())
    given = torch.cat([*parts, zeros[0, 0]])
    constant = fusion.projection.weight.detach().double() @ given
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
    if fusion.mode != "none" and fusion.position != "post_encoder":
        raise ValueError(
            "task fusion before the encoder cannot be expressed in Hugging Face's "
            "SpeechT5"
        )
    if fusion.mode != "none" and task not in fusion.tasks:
        raise ValueError(f"the model has no task '{task}', only {fusion.tasks}")


def _settings(config: ModelConfig, task: str, symbols: int) -> dict[str, Any]:
    masks, losses = config.span_mask, config.loss
    return {
        "architectures": [CLASSES[task]],
        "model_type": "speecht5",
        "dtype": "float32",
        "is_encoder_decoder": True,
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": symbols,
        "bos_token_id": BOS,
        "pad_token_id": PAD,
        "eos_token_id": EOS,
        "decoder_start_token_id": EOS,
        "hidden_size": config.d_model,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "scale_embedding": False,
        "initializer_range": 0.02,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.ffn,
        "decoder_ffn_dim": config.ffn,
        "encoder_max_relative_position": config.max_relative_position,
        "hidden_dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.activation_dropout,
        "positional_dropout": config.positional_dropout,
        "encoder_layerdrop": config.encoder_layerdrop,
        "decoder_layerdrop": config.decoder_layerdrop,
        "feat_extract_norm": "group",
        "feat_extract_activation": "gelu",
        "feat_proj_dropout": config.dropout,
        "conv_bias": False,
        "conv_dim": [config.front_end.channels] * len(WAVEFORM_KERNELS),
        "conv_kernel": list(WAVEFORM_KERNELS),
        "conv_stride": list(WAVEFORM_STRIDES),
        "num_feat_extract_layers": len(WAVEFORM_KERNELS),
        "num_conv_pos_embeddings": config.pos_conv_kernel,
        "num_conv_pos_embedding_groups": config.pos_conv_groups,
        "apply_spec_augment": True,
        "mask_time_prob": masks.time_prob,
        "mask_time_length": masks.time_length,
        "mask_time_min_masks": masks.time_min_spans,
        "mask_feature_prob": masks.channel_prob,
        "mask_feature_length": masks.channel_length,
        "mask_feature_min_masks": 0,
        "num_mel_bins": config.audio.n_mels,
        "reduction_factor": config.reduction_factor,
        "speaker_embedding_dim": config.speaker_dim,
        "speech_decoder_prenet_layers": config.prenet_layers,
        "speech_decoder_prenet_units": config.prenet_units,
        "speech_decoder_prenet_dropout": config.prenet_dropout,
        "speech_decoder_postnet_layers": config.postnet_layers,
        "speech_decoder_postnet_units": config.postnet_channels,
        "speech_decoder_postnet_kernel": config.postnet_kernel,
        "speech_decoder_postnet_dropout": config.postnet_dropout,
        "max_speech_positions": _MAX_FRAMES,
        "max_text_positions": MAX_TEXT,
        "use_guided_attention_loss": losses.guided_attention > 0,
        "guided_attention_loss_num_heads": losses.guided_attention_heads,
        "guided_attention_loss_sigma": losses.guided_attention_sigma,
        "guided_attention_loss_scale": losses.guided_attention,
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


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
