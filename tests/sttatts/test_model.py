"""The model's own promises: padding, fusion, sizes, precision, interfaces."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from espnet2_ext.sttatts.config import (
    PRESETS,
    FrontEndConfig,
    FusionConfig,
)
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.losses import teacher_forcing_tokens
from espnet2_ext.sttatts.symbols import build_token_list
from espnet2_ext.sttatts.task_losses import teacher_forced_speech
from tests.factories import (
    TINY,
    TOKENS,
    make_batch,
    tiny_model,
    without_randomness,
)

UNUSED_IN_THE_ORIGINAL = 22_784  # norm_k of 18 layers, decoder.pos_emb


def test_base_size_is_the_papers():
    tokens = build_token_list([chr(0x600 + i) for i in range(92)])
    assert len(tokens) == 98
    model = ESPnetSTTATTSModel(PRESETS["base"], tokens)
    count = sum(p.numel() for p in model.parameters())
    assert count + UNUSED_IN_THE_ORIGINAL == 154_547_494


@pytest.mark.parametrize(
    ("preset", "low", "high"), [("small", 12e6, 20e6), ("mini", 2e6, 8e6)]
)
def test_smaller_presets(preset, low, high):
    model = ESPnetSTTATTSModel(PRESETS[preset], TOKENS)
    assert low < sum(p.numel() for p in model.parameters()) < high


def test_model_package_is_light():
    code = (
        "import sys, espnet2_ext.sttatts.espnet_model\n"
        "heavy = {'espnet2.tasks', 'librosa', 'espnet2.tasks.abs_task'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", ["waveform", "log_mel"])
@torch.no_grad()
def test_exact_padding_does_not_depend_on_the_batch(kind):
    front_end = FrontEndConfig(kind=kind, channels=32)
    model = tiny_model(front_end=front_end).eval()
    torch.manual_seed(0)
    lengths = torch.tensor([16000, 12345, 9001, 8000, 7777, 5120, 3999, 1700])
    waves = [torch.randn(int(n)) * 0.1 for n in lengths]
    batch = torch.nn.utils.rnn.pad_sequence(
        waves, batch_first=True, padding_value=float("nan")
    )
    memory, frames = model.encode_speech(batch, lengths)
    for row, wave in enumerate(waves):
        alone, count = model.encode_speech(wave[None], lengths[row : row + 1])
        assert count.item() == frames[row]
        torch.testing.assert_close(
            memory[row, : frames[row]], alone[0], atol=1e-5, rtol=0
        )


@torch.no_grad()
def test_official_padding_does():
    model = tiny_model(front_end=FrontEndConfig("waveform", 32)).eval()
    torch.manual_seed(0)
    wave = torch.randn(2, 16000)
    lengths = torch.tensor([16000, 9000])
    memory, frames = model.encode_speech(wave, lengths, padding="official")
    alone, _ = model.encode_speech(wave[1:, :9000], lengths[1:], padding="official")
    count = min(int(frames[1]), alone.size(1))
    assert (memory[1, :count] - alone[0, :count]).abs().max() > 1e-4


@torch.no_grad()
def test_exact_padding_of_the_synthesis():
    model = tiny_model().eval()
    batch = make_batch(rows=3)
    whole = teacher_forced_speech(model, "tts", batch)
    for row in range(3):
        frames = int(whole.steps[row]) * 2
        samples = int(batch["tts_speech_lengths"][row])
        tokens = int(batch["tts_text_lengths"][row])
        alone = teacher_forced_speech(
            model,
            "tts",
            {
                "tts_text": batch["tts_text"][row : row + 1, :tokens],
                "tts_text_lengths": batch["tts_text_lengths"][row : row + 1],
                "tts_speech": batch["tts_speech"][row : row + 1, :samples],
                "tts_speech_lengths": batch["tts_speech_lengths"][row : row + 1],
                "tts_spembs": batch["tts_spembs"][row : row + 1],
            },
        )
        torch.testing.assert_close(
            whole.output.after[row, :frames], alone.output.after[0], atol=1e-5, rtol=0
        )


@torch.no_grad()
def test_padding_values_do_not_matter():
    model = tiny_model().eval()
    batch = make_batch(rows=3)
    losses = []
    for text_pad, wave_pad in ((1, 0.0), (7, 0.5), (-1, float("nan"))):
        changed = dict(batch)
        for name, value in batch.items():
            if f"{name}_lengths" in batch:
                pad = wave_pad if value.is_floating_point() else text_pad
                value = value.clone()
                for row, length in enumerate(batch[f"{name}_lengths"]):
                    value[row, length:] = pad
                changed[name] = value
        losses.append(model(**changed)[0].item())
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-6)


def test_statistics_and_weight():
    model = tiny_model()
    batch = make_batch(rows=2, tasks=("asr", "tts", "vc"))
    only = {k: v for k, v in batch.items() if k.startswith("asr_")}
    loss, stats, weight = model(**only)
    assert set(stats) == {"loss", "asr_loss", "asr_ce", "asr_ctc", "asr_acc"}
    assert weight.item() == batch["asr_text_lengths"].sum()
    assert loss.shape == weight.shape == (1,)
    only = {k: v for k, v in batch.items() if k.startswith("vc_")}
    _, stats, _ = model(**only)
    assert set(stats) == {"loss", "vc_loss", "vc_l1", "vc_bce", "vc_attn"}
    loss, stats, weight = model(**batch)
    assert weight.item() == 1
    parts = sum(stats[f"{task}_loss"].item() for task in ("asr", "tts", "vc"))
    assert loss.item() == pytest.approx(parts)


def test_layer_drop_of_everything_keeps_the_statistics():
    model = tiny_model(decoder_layerdrop=1.0, encoder_layerdrop=1.0).train()
    batch = make_batch(rows=2, tasks=("tts",))
    _, stats, _ = model(**batch)
    assert stats["tts_attn"].item() == 0


@torch.no_grad()
def test_task_fusion_modes():
    memory = torch.randn(2, 5, TINY.d_model)
    fixed = tiny_model()
    assert not torch.equal(fixed.fuse(memory, "asr"), fixed.fuse(memory, "tts"))
    assert not any("task_vectors" in name for name in fixed.state_dict())
    learned = tiny_model(fusion=FusionConfig(mode="learned", task_dim=8))
    assert "task_fusion.task_vectors" in dict(learned.named_parameters())
    none = tiny_model(fusion=FusionConfig(mode="none"))
    assert torch.equal(none.fuse(memory, "tts"), memory)
    assert none.task_fusion is None
    with pytest.raises(ValueError, match="unknown task 'st'"):
        fixed.fuse(memory, "st")


@torch.no_grad()
def test_fusion_before_the_encoder():
    fusion = FusionConfig(position="pre_encoder", task_dim=8)
    model = tiny_model(fusion=fusion).eval()
    text, lengths = torch.tensor([[5, 6, 7]]), torch.tensor([3])
    memory, _ = model.encode_text(text, lengths, "tts")
    other, _ = model.encode_text(text, lengths, "asr")
    assert not torch.equal(memory, other)
    assert torch.equal(model.fuse(memory, "tts"), memory)


@torch.no_grad()
def test_languages():
    fusion = FusionConfig(languages=("en", "ar"), language_dim=4, task_dim=8)
    model = tiny_model(fusion=fusion).eval()
    memory = torch.randn(2, 5, TINY.d_model)
    english, arabic = torch.tensor([0, 0]), torch.tensor([1, 1])
    assert not torch.equal(
        model.fuse(memory, "asr", english), model.fuse(memory, "asr", arabic)
    )
    with pytest.raises(ValueError, match="wants a language"):
        model.fuse(memory, "asr")
    batch = make_batch(rows=2, tasks=("asr",))
    loss, _, _ = model(**batch, asr_language=torch.tensor([[0], [1]]))
    assert torch.isfinite(loss).all()


def test_autocast_around_forward_counts_and_mel_and_losses_stay_fp32():
    model = tiny_model()
    seen = {}

    def remember(name):
        return lambda module, inputs, output: seen.update({name: output.dtype})

    model.encoder.layers[0].feed_forward.fc1.register_forward_hook(remember("fc1"))
    model.log_mel.register_forward_hook(
        lambda module, inputs, output: seen.update(mel=output[0].dtype)
    )
    for task in ("asr", "tts"):
        with torch.autocast("cpu", torch.bfloat16):
            loss, stats, _ = model(**make_batch(rows=2, tasks=(task,)))
        loss.backward()
        assert loss.dtype == torch.float32
        assert all(value.dtype == torch.float32 for value in stats.values())
    assert seen == {"fc1": torch.bfloat16, "mel": torch.float32}
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@torch.no_grad()
@pytest.mark.parametrize("norm_first", [False, True])
def test_decoding_step_by_step_equals_the_whole(norm_first):
    model = tiny_model(norm_first=norm_first).eval()
    memory, prev = torch.randn(2, 9, TINY.d_model), torch.randint(4, 10, (2, 12))
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[1, 6:] = False
    whole = model.decode_text(memory, mask.sum(1), prev)
    caches = model.decoder.start(memory)
    for i in range(prev.size(1)):
        token = prev[:, i : i + 1]
        x = model.token_embedding(token)
        x = model.text_decoder_prenet(x, torch.ones_like(token, dtype=torch.bool), i)
        x, caches, _ = model.decoder.step(x, caches, mask)
        torch.testing.assert_close(
            model.text_logits(x)[:, 0], whole[:, i], atol=1e-5, rtol=0
        )


def test_pre_norm_adds_one_norm_and_keeps_the_residual_stream():
    post, pre = tiny_model(), tiny_model(norm_first=True)
    names = set(pre.state_dict()) - set(post.state_dict())
    assert names == {"decoder.layer_norm.weight", "decoder.layer_norm.bias"}
    mask = torch.ones(1, 6, dtype=torch.bool)
    for layer in pre.encoder.layers:
        for block in (layer.self_attn.out_proj, layer.feed_forward.fc2):
            torch.nn.init.zeros_(block.weight)
            torch.nn.init.zeros_(block.bias)
    x = torch.randn(1, 6, TINY.d_model)
    expected = torch.nn.functional.layer_norm(x, x.shape[-1:])
    torch.testing.assert_close(pre.encoder(x, mask), expected)


def test_a_scaled_embedding_weighs_as_much_as_positions():
    scaled = tiny_model(scale_embedding=True, init="xavier").token_embedding
    tokens = torch.arange(4, len(TOKENS)).unsqueeze(0)
    assert scaled(tokens).std().item() == pytest.approx(1.0, abs=0.1)
    plain = tiny_model(init="xavier").token_embedding
    torch.testing.assert_close(scaled(tokens), plain(tokens) * TINY.d_model**0.5)


def test_xavier_keeps_the_size_of_activations_and_bert_does_not():
    sizes = {}
    for init in ("bert", "xavier"):
        linear = tiny_model(init=init).encoder.layers[0].self_attn.v_proj
        sizes[init] = linear(torch.randn(100, TINY.d_model)).std().item()
    assert sizes["xavier"] == pytest.approx(1.0, abs=0.15)
    assert sizes["bert"] == pytest.approx(0.02 * TINY.d_model**0.5, abs=0.02)


def test_frozen_batch_norm_stays_frozen():
    model = tiny_model(freeze_batch_norm=True).train()
    norm = model.speech_decoder_postnet.norms[0]
    before = norm.running_mean.clone()
    model(**make_batch(rows=2, tasks=("tts",)))
    assert model.training
    assert not norm.training
    assert torch.equal(norm.running_mean, before)


def test_teacher_forcing_tokens():
    text = torch.tensor([[5, 6, 7], [8, 99, 99]])
    prev, target = teacher_forcing_tokens(text, torch.tensor([3, 1]))
    assert prev.tolist() == [[2, 5, 6, 7], [2, 8, 1, 1]]
    assert target.tolist() == [[5, 6, 7, 2], [8, 2, 1, 1]]


def test_long_inputs_grow_the_position_tables():
    model = tiny_model().eval()
    text = torch.full((1, 1200), 5)
    memory, _ = model.encode_text(text, torch.tensor([1200]))
    assert memory.isfinite().all()


def test_too_short_speech_is_refused():
    with pytest.raises(ValueError, match="at least 257"):
        tiny_model().encode_speech(torch.zeros(1, 200), torch.tensor([200]))


def test_unknown_batch_is_refused():
    with pytest.raises(ValueError, match=r"no task of .* found"):
        tiny_model()(speech=torch.zeros(1, 10))


def test_without_randomness_switches_everything_off():
    config = without_randomness(replace(PRESETS["base"]))
    model = ESPnetSTTATTSModel(replace(config, **vars_of_tiny()), TOKENS).train()
    batch = make_batch(rows=2, speaker_dim=config.speaker_dim)
    assert model(**batch)[0].item() == model(**batch)[0].item()


def vars_of_tiny():
    names = ("d_model", "ffn", "heads", "encoder_layers", "decoder_layers")
    return {name: getattr(TINY, name) for name in names}


def test_no_buffer_grows_with_what_a_process_has_met():
    """Processes that train together broadcast their buffers, which must be alike."""
    model = tiny_model().eval()
    before = {name: value.shape for name, value in model.named_buffers()}
    long = torch.full((1, 700), 5)
    model.encode_text(long, torch.tensor([700]))
    memory, lengths = model.encode_text(long[:, :4], torch.tensor([4]))
    model.decode_text(memory, lengths, long)
    assert {name: value.shape for name, value in model.named_buffers()} == before
