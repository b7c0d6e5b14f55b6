"""The systems of the paper's tables: what each is built of, and that it decodes."""

from dataclasses import replace

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.sttatts.config import PRESETS, FusionConfig, LossConfig
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import EOS, build_token_list
from tests.corpora import speak
from tests.factories import make_batch, tiny_model
from tests.model_dirs import write_model

JOINT = ("asr", "tts", "vc")


def fusion(*tasks, mode="none", **settings):
    return FusionConfig(mode=mode, tasks=tasks or JOINT, task_dim=8, **settings)


VARIANTS = {
    "asr twin": {"fusion": fusion("asr")},
    "tts twin": {"fusion": fusion("tts")},
    "vc twin": {"fusion": fusion("vc")},
    "no fusion": {"fusion": fusion()},
    "learned": {"fusion": fusion(mode="learned")},
    "before the encoder": {"fusion": fusion(mode="fixed", position="pre_encoder")},
    "token": {"fusion": fusion(mode="fixed", position="decoder_start")},
    "four tasks": {"fusion": fusion(*JOINT, "se", mode="learned")},
    "y-decoder": {"fusion": fusion(), "decoders": "separate"},
    "adapters": {"fusion": fusion(mode="fixed"), "adapter_dim": 4},
    "token, adapters, window": {
        "fusion": fusion(mode="learned", position="decoder_start"),
        "adapter_dim": 4,
        "attention_window": (1, 2),
        "loss": LossConfig(aligned_attention=1.0, aligned_attention_trust=-1e9),
    },
}
both = pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)


def with_opinions(changes):
    """A variant whose every weight matters."""
    model = tiny_model(**changes, prenet_dropout=0.0)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 or name.endswith("scale"):
            torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def own_tasks(model):
    return [task for task in JOINT if task in model.config.fusion.tasks]


DEAD = 22_784
"""Parameters that the released code makes and never reads: ``norm_k`` of every layer
and the decoder's table of positions.  Here they do not exist."""


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({"fusion": FusionConfig()}, 154_547_494),
        # The released model for recognition still has the scale of the positions of
        # texts that it never reads: one parameter.
        ({"fusion": FusionConfig(mode="none", tasks=("asr",))}, 151_276_259 - 1),
        ({"fusion": FusionConfig(mode="none", tasks=("tts",))}, 144_542_886),
        (
            {"fusion": fusion("asr", "tts"), "decoders": "separate"},
            210_569_254,  # the paper: 211 M
        ),
    ],
    ids=["joint", "asr twin", "tts twin", "y-decoder"],
)
def test_sizes_are_those_of_the_paper(changes, parameters):
    tokens = build_token_list([f"{i}" for i in range(92)])  # ArTST's 98
    with torch.device("meta"):
        model = ESPnetSTTATTSModel(replace(PRESETS["base"], **changes), tokens)
    assert sum(p.numel() for p in model.parameters()) + DEAD == parameters


@both
def test_nothing_is_built_that_no_task_uses(changes):
    model = tiny_model(**changes).train()
    loss, stats, _ = model(**make_batch(2, tuple(own_tasks(model))))
    loss.backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None}
    unused = {"ctc_head.weight", "ctc_head.bias"} if "asr_ce" not in stats else set()
    if own_tasks(model) == ["vc"]:
        unused.add("token_embedding.weight")
    assert {n for n in idle if "mask_embedding" not in n and ".se." not in n} == unused


@both
@torch.no_grad()
def test_steps_equal_teacher_forcing(changes):
    """Text and speech, with caches and without."""
    model = with_opinions(changes)
    lengths = torch.tensor([7, 12])
    memory = torch.randn(2, 12, 32, generator=torch.Generator().manual_seed(0))
    for task in own_tasks(model):
        fused = model.fuse(memory, task)
        if task == "asr":
            draft = [[EOS, 5, 6], [EOS, 7, 8]]
            scores = CachedTextDecoder(model, fused, lengths).read(draft, [0, 0])
            logits = model.decode_text(fused, lengths, torch.tensor(draft))
            assert torch.allclose(scores, logits.log_softmax(2), atol=1e-4)
            decoder = CachedTextDecoder(model, fused, lengths)
            tokens, parents = torch.full((2, 1, 1), EOS), None
            for newest in ([[5, 6], [7, 8]], [[9, 4], [6, 6]], [[8, 8], [5, 9]]):
                scores = decoder.step(tokens[:, :, -1], parents)
                rows = tokens.shape[1]
                expected = model.decode_text(
                    fused.repeat_interleave(rows, 0),
                    lengths.repeat_interleave(rows),
                    tokens.flatten(0, 1),
                )[:, -1].log_softmax(1)
                assert torch.allclose(scores.flatten(0, 1), expected, atol=1e-4)
                parents = torch.tensor([[rows - 1, 0]] * 2)
                past = tokens[torch.arange(2).unsqueeze(1), parents]
                tokens = torch.cat([past, torch.tensor(newest).unsqueeze(2)], dim=2)
            continue
        if any(model.config.window_of(task)):
            continue  # generation follows its own place, not the recording's
        speakers = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
        limits = GenerationOptions(threshold=2, minlenratio=1, maxlenratio=1)
        made = generate(model, fused, lengths, speakers, ["a", "b"], limits, task)
        previous = torch.zeros(2, 6, 80)
        for step in range(6):
            output = model.decode_speech(
                fused, lengths, previous, speakers, torch.tensor([3, 6]), task=task
            )
            if step < 5:
                previous[:, step + 1] = output.before[:, 2 * step + 1]
        for row, one in enumerate(made):
            assert torch.allclose(one.mel, output.after[row, : len(one.mel)], atol=1e-3)


@both
def test_variants_pack_load_and_decode(changes, tmp_path):
    model = with_opinions(changes)
    folder = write_model(tmp_path / "m", model, trained_tasks=own_tasks(model))
    config, weights, speakers = (
        folder / name for name in ("config.yaml", "model.pth", "speakers.npz")
    )
    pack_model(ModelFiles(config, weights, speakers=speakers), tmp_path / "m.zip")
    found = STTATTS.from_pretrained(tmp_path / "m.zip")
    assert list(found.tasks) == own_tasks(model)
    limits = {"maxlenratio": 2, "vocoder": "griffin_lim"}
    if "asr" in found.tasks:
        assert found.transcribe(speak("abc"), beam_size=2)[0].token_ids is not None
    if "tts" in found.tasks:
        assert found.synthesize("abc", "anna", **limits).mel.shape[1] == 80
    if "vc" in found.tasks:
        assert found.convert(speak("abc"), "omar", **limits).mel.shape[1] == 80


def test_the_token_tells_the_task():
    model = with_opinions(VARIANTS["token"])
    speakers, lengths = torch.randn(1, 16), torch.tensor([5])
    given = (torch.randn(1, 5, 32), lengths, torch.randn(1, 3, 80), speakers)
    with torch.no_grad():
        tts, vc = (model.decode_speech(*given, task=task) for task in ("tts", "vc"))
    assert not torch.allclose(tts.before, vc.before)
    assert torch.equal(model.fuse(given[0], "tts"), given[0])


def test_adapters_change_nothing_at_first_and_are_each_a_tasks_own():
    plain, adapted = tiny_model(), tiny_model(adapter_dim=4)
    adapted.load_state_dict(plain.state_dict(), strict=False)
    batch = make_batch(2, JOINT)
    assert torch.equal(plain.eval()(**batch)[0], adapted.eval()(**batch)[0])
    adapted(**make_batch(2, ("vc",)))[0].backward()
    weights = adapted.adapters.named_parameters()
    moved = {name.split(".")[0] for name, p in weights if p.grad is not None}
    assert moved == {"vc"}


def test_a_model_without_ears_cannot_follow_what_it_hears():
    with pytest.raises(ValueError, match="hear nothing"):
        tiny_model(fusion=fusion("tts"), attention_window=(1, 2))
    with pytest.raises(ValueError, match=r"no task of .*'asr'.* in a batch"):
        tiny_model(fusion=fusion("asr"))(**make_batch(2, ("tts",)))
