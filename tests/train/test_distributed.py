"""Two processes and one process give the same weights."""

import json
import socket
import subprocess
import sys

import pytest

from tests.corpora import training_arguments
from tests.train.test_training import assert_same_weights

WORKER = "tests.train.ddp_worker"


def torchrun_commands(nodes: int) -> list[list[str]]:
    """Two processes on one node, or one on each of two nodes of this machine."""
    base = ["-m", "torch.distributed.run", f"--nnodes={nodes}"]
    base.append(f"--nproc_per_node={2 // nodes}")
    if nodes == 1:
        return [[*base, "--standalone"]]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base += ["--master_addr=127.0.0.1", f"--master_port={port}"]
    return [[*base, f"--node_rank={rank}"] for rank in range(nodes)]


RANDOMNESS = (
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "positional_dropout",
    "prenet_dropout",
    "postnet_dropout",
)


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """Train alone: folder, arguments, and the task of each micro-batch."""
    folder = tmp_path_factory.mktemp("one")
    arguments = [
        *training_arguments(folder / "data", letters=5),
        *(f"--model_conf={name}=0" for name in RANDOMNESS),
        "--model_conf=freeze_batch_norm=true",
        "--scheduler=none",
        "--optim_conf=lr=0.001",
        "--batch_bins=40000",
        "--accum_grad=2",
        "--max_epoch=2",
        "--num_iters_per_epoch=20",
        "--ngpu=0",
    ]
    command = ["-m", WORKER, str(folder), *arguments, f"--output_dir={folder}"]
    subprocess.run([sys.executable, *command], check=True)
    return folder, arguments, json.loads((folder / "tasks.0.json").read_text())


PHASES = """
phases:
  - {name: a, tasks: [asr, tts], epochs: 1}
  - {name: b, tasks: [asr, tts], epochs: 1, continues: true}
"""


@pytest.mark.parametrize(("nodes", "phases"), [(1, None), (2, PHASES)])
def test_two_processes_equal_one(one_process, tmp_path, nodes, phases):
    """Equal lengths, no randomness, frozen batch norm: only the summing differs."""
    reference, arguments, order = one_process
    if phases:
        (tmp_path / "phases").write_text(phases)
        arguments = [*arguments, f"--phases={tmp_path / 'phases'}"]
    command = [
        *("-m", WORKER, str(tmp_path), *arguments),
        f"--output_dir={tmp_path}",
        "--dist_backend=gloo",
        "--multiprocessing_distributed=false",
    ]
    launchers = [
        subprocess.Popen([sys.executable, *launch, *command])
        for launch in torchrun_commands(nodes)
    ]
    assert [launcher.wait(timeout=280) for launcher in launchers] == [0] * nodes
    records = [tmp_path / f"tasks.{rank}.json" for rank in (0, 1)]
    assert [json.loads(path.read_text()) for path in records] == [order, order]
    assert len(order) == 40
    for update in range(20):
        assert set(order[2 * update : 2 * update + 2]) == {"asr", "tts"}
    assert_same_weights(reference, tmp_path, 1e-5)
