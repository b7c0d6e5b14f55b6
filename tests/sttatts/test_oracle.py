"""The model against arrays of the official code, number by number."""

import pytest
import torch

from espnet2_ext.formats.fairseq import our_name
from espnet2_ext.sttatts.encoder import fixed_task_vector
from espnet2_ext.sttatts.front_ends import official_frame_lengths
from espnet2_ext.sttatts.losses import cross_entropy_sum
from espnet2_ext.sttatts.prenets import draw_span_mask
from espnet2_ext.train.tristage import OfficialTristageLR
from tests import oracle


def close(ours: torch.Tensor, name: str, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(ours, oracle.tensor(name), atol=tolerance, rtol=0)


@pytest.fixture(scope="module")
def model():
    return oracle.official_model()


@torch.no_grad()
def test_speech_to_text_activations(model):
    batch = oracle.asr_batch()
    memory, lengths = model.encode_speech(
        batch["asr_speech"], batch["asr_speech_lengths"], padding="official"
    )
    assert lengths.tolist() == [49, 32]
    close(memory.transpose(0, 1), "s2t.encoder_out_before_fusion")
    close(model.ctc_logits(memory).transpose(0, 1), "s2t.ctc_logits")
    fused = model.fuse(memory, "asr")
    close(fused.transpose(0, 1), "s2t.encoder_out_after_fusion")
    prev_tokens = oracle.tensor("in.asr.net_input.prev_output_tokens")
    close(model.decode_text(fused, lengths, prev_tokens), "s2t.decoder_logits")


@torch.no_grad()
def test_text_to_speech_activations(model):
    batch = oracle.tts_batch()
    memory, lengths = model.encode_text(batch["tts_text"], batch["tts_text_lengths"])
    close(memory.transpose(0, 1), "t2s.encoder_out_before_fusion")
    fused = model.fuse(memory, "tts")
    close(fused, "t2s.encoder_out_after_fusion")
    inputs = (
        fused,
        lengths,
        oracle.tensor("in.tts.net_input.prev_output_tokens"),
        batch["tts_spembs"],
        oracle.tensor("in.tts.net_input.tgt_lengths"),
    )
    output = model.decode_speech(*inputs, prenet_dropout=0.0)
    close(output.before, "t2s.before_postnet")
    close(output.after, "t2s.after_postnet")
    close(output.stop_logits, "t2s.stop_logits")
    for layer in (0, 1):
        close(output.attentions[layer], f"t2s.cross_attn.layer{layer}")
    torch.manual_seed(0)
    close(model.decode_speech(*inputs).after, "t2s_dropon_seed0.after")


@torch.no_grad()
def test_each_module_along_the_way(model):
    batch = oracle.asr_batch()
    frames, _ = model.speech_encoder_prenet(
        batch["asr_speech"], batch["asr_speech_lengths"], "official"
    )
    close(frames, "s2t.hook.speech_encoder_prenet#0")
    text = oracle.tts_batch()["tts_text"]
    embedded = model.text_encoder_prenet(model.token_embedding(text))
    close(embedded, "t2s.hook.text_encoder_prenet#0")


def test_log_mel(model):
    wave = oracle.tensor("mel.wav").unsqueeze(0)
    mel, _ = model.log_mel(wave, torch.tensor([wave.size(1)]))
    close(mel[0], "mel.logmel", 1e-4)


@pytest.mark.parametrize("task_id", [1, 2, 3])
def test_task_vectors(task_id):
    close(fixed_task_vector(task_id, 128), f"task_vector.{task_id}", 1e-7)


def test_span_masks():
    import numpy as np

    masks = oracle.arrays("activations")
    rng = np.random.RandomState(0)
    time = draw_span_mask(2, 49, 0.75, 10, 2, lengths=[49, 32], rng=rng)
    np.testing.assert_array_equal(time, masks["time_mask"])
    rng = np.random.RandomState(0)
    channel = draw_span_mask(4, 768, 0.5, 64, rng=rng)
    np.testing.assert_array_equal(channel, masks["channel_mask_768"])


def test_padding_frames_follow_the_sample_mask():
    lengths = official_frame_lengths(torch.tensor([16000, 10123]), 16000, 49)
    assert lengths.tolist() == [49, 32]  # the convolutions alone would give 31


def run_loss(model, task):
    batch = oracle.asr_batch() if task == "asr" else oracle.tts_batch()
    model.zero_grad()
    loss, stats, weight = model(**batch)
    loss.backward()
    return loss.item(), {k: v.item() for k, v in stats.items()}, weight.item()


@pytest.mark.parametrize(("task", "case"), [("asr", "loss_s2t"), ("tts", "loss_t2s")])
def test_losses_and_gradients(model, task, case):
    model.speech_decoder_prenet.prenet_dropout = 0.0
    loss, stats, weight = run_loss(model, task)
    official = oracle.cases()["losses"][case]
    logged, size = official["logging"], official["sample_size"]
    assert loss == pytest.approx(official["loss"] / size, rel=1e-4)
    if task == "asr":
        assert weight == size == 53
        assert stats["asr_ce"] == pytest.approx(logged["ce_loss"] / 53, rel=1e-4)
        assert stats["asr_ctc"] == pytest.approx(logged["ctc_loss"] / 53, rel=1e-4)
        assert stats["asr_acc"] == pytest.approx(6 / 55)
    else:
        assert weight == 74 + 50  # real frames, each row cut to an even number
        assert stats["tts_l1"] == pytest.approx(logged["l1_loss"], rel=1e-4)
        assert stats["tts_bce"] == pytest.approx(logged["bce_loss"], rel=1e-4)
        expected = logged["enc_dec_attn_loss"]
        assert stats["tts_attn"] == pytest.approx(expected, rel=1e-4)
    ours = dict(model.named_parameters())
    gradients = oracle.arrays("gradients")
    compared = 0
    for name, norm in official["grad_norm"].items():
        parameter = our_name(name)
        if parameter is None or norm is None:
            continue
        gradient = ours[parameter].grad
        if parameter == "token_embedding.weight":
            continue  # one tensor here, three names there: compared below
        if gradient is None:
            assert norm == 0
            continue
        floor = 1e-6  # keys' biases have no gradient but rounding noise
        assert float(gradient.norm()) == pytest.approx(norm, rel=1e-4, abs=floor)
        whole = gradients.get(f"{case}.grad.{name}")
        if whole is not None:
            scale = max(norm, floor)
            error = (gradient - torch.from_numpy(whole)).norm() / scale
            assert error < 1e-4 or (gradient - torch.from_numpy(whole)).norm() < floor
            compared += 1
    assert compared > 80
    embedding = gradients[f"{case}.grad.text_encoder_prenet.encoder_prenet.0.weight"]
    difference = ours["token_embedding.weight"].grad - torch.from_numpy(embedding)
    assert difference.norm() / torch.from_numpy(embedding).norm() < 1e-4


@torch.no_grad()
def test_label_smoothing(model):
    batch = oracle.asr_batch()
    logits = oracle.tensor("s2t.decoder_logits")
    targets = oracle.tensor("in.asr.target")
    loss = cross_entropy_sum(logits, targets, 0.1)
    logged = oracle.cases()["losses"]["loss_s2t_ls0.1"]["logging"]
    assert float(loss) == pytest.approx(logged["ce_loss"], rel=1e-5)
    assert batch["asr_text_lengths"].sum() == 53


def test_three_official_updates():
    """Optimizer, schedule, clipping, accumulation and train mode, all at once."""
    model = oracle.official_model(oracle.NO_RANDOMNESS).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.02, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.1
    )
    scheduler = OfficialTristageLR(
        optimizer,
        max_steps=40,
        warmup_ratio=0.25,
        hold_ratio=0.4,
        decay_ratio=0.35,
        final_lr_scale=0.05,
    )
    batches = (oracle.asr_batch(), oracle.tts_batch())
    for step, official in enumerate(oracle.cases()["train"]["updates"], 1):
        # fairseq adds epsilon before the bias correction, torch after it.
        optimizer.param_groups[0]["eps"] = 1e-8 / (1 - 0.98**step) ** 0.5
        rate = optimizer.param_groups[0]["lr"]
        assert rate == pytest.approx(official["lr_used"], rel=1e-6)
        losses = []
        for batch in batches:
            loss, _, _ = model(**batch)
            (loss / 2).backward()
            losses.append(loss.item())
        metrics = official["metrics"]
        assert sum(losses) / 2 == pytest.approx(metrics["loss"], rel=1e-4)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 25.0)
        assert float(norm) == pytest.approx(metrics["gnorm"], rel=2e-3)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    ours = model.state_dict()
    errors = []
    for name, value in oracle.arrays("updates").items():
        parameter = our_name(name.removeprefix("after_update3."))
        if parameter is not None and value.dtype == "float32":
            official = torch.from_numpy(value)
            error = (ours[parameter] - official).norm() / official.norm()
            errors.append(float(error))
    assert len(errors) > 130
    # One flipped sign in the L1 gradient, by rounding, moves a tensor by about 1e-3.
    assert max(errors) < 2e-3
    assert sorted(errors)[len(errors) // 2] < 1e-4


def test_tri_stage_values():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1e-4)
    scheduler = OfficialTristageLR(
        optimizer,
        max_steps=150000,
        warmup_ratio=0.25,
        hold_ratio=0.4,
        decay_ratio=0.35,
        final_lr_scale=0.05,
    )
    for step, rate in oracle.cases()["train"]["tri_stage_150k"].items():
        scheduler.last_epoch = int(step)
        assert scheduler.get_lr()[0] == pytest.approx(rate, rel=1e-9)
