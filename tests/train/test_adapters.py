"""Small parts that are trained beside frozen ones: LoRA, adapters."""

import pytest
import torch

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.inference.loading import load_model, read_config, without_low_rank
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.train.trainer import UNTRAINED
from tests.corpora import training_arguments

BACKBONE = [
    *("encoder", "decoder", "speech_encoder_prenet", "text_encoder_prenet"),
    *("token_embedding", "ctc_head", "task_fusion"),
    *("speech_decoder_prenet", "speech_decoder_postnet"),
]
LORA = [
    *("--use_adapter=true", "--adapter=lora", "--adapter_conf=rank=2"),
    *("--adapter_conf=alpha=4", "--adapter_conf=target_modules=[attn.q_proj]"),
]


@pytest.mark.parametrize(
    ("options", "learn"),
    [(["--model_conf=adapter_dim=4"], "adapters."), (LORA, ".lora_")],
    ids=["adapters", "LoRA"],
)
def test_only_the_new_parts_learn(options, learn, tmp_path):
    """Weights and batch statistics of all others stay; the model loads without them."""
    folder = tmp_path / "exp"
    main(
        [
            *training_arguments(tmp_path / "data", train=4, valid=2, letters=4),
            *options,
            *("--max_epoch=1", "--num_iters_per_epoch=8", "--accum_grad=2"),
            *("--batch_bins=20000", "--scheduler=none", "--optim_conf=lr=0.01"),
            *("--keep_untrained=true", f"--output_dir={folder}"),
            *("--freeze_param", *BACKBONE),
        ]
    )
    before = torch.load(folder / UNTRAINED, weights_only=True)
    after = torch.load(folder / "latest.pth", weights_only=True)
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    new = {name for name in after if learn in name}
    assert moved & new
    for name in moved - new:  # LoRA's product is in the weights that are saved
        stem = name.removesuffix("weight")
        product = 2 * after[f"{stem}lora_B"] @ after[f"{stem}lora_A"]
        torch.testing.assert_close(
            after[name] - product, before[name], atol=1e-6, rtol=0
        )
    config = folder / "config.yaml"
    files = ModelFiles(config, folder / "latest.pth")
    loaded = load_model(files, read_config(config), "cpu").state_dict()
    assert loaded.keys() == without_low_rank(after).keys()
