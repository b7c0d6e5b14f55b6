"""How a training is started: processes, machines, threads."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.recipe.train import LAUNCHER, launch

BY_ESPNET = ["--multiprocessing_distributed", "true"]


def started(**changes):
    values = {"folder": Path("exp"), "ngpu": 0, "num_nodes": 1, "processes": 1}
    values |= {"cmd_backend": "local", **changes}
    return launch(argparse.Namespace(**values))


def test_one_machine():
    assert started() == ([], ["--ngpu", "0"])
    assert started(ngpu=1) == ([], ["--ngpu", "1"])
    assert started(ngpu=4) == ([], ["--ngpu", "4", *BY_ESPNET])
    launcher, own = started(processes=2)
    assert launcher == [*LAUNCHER, "--standalone", "--nproc_per_node", "2"]
    assert own == ["--ngpu", "0", "--dist_backend", "gloo"]
    assert started(processes=2, ngpu=1)[0] == []


def test_several_machines(monkeypatch):
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ValueError, match="MASTER_ADDR"):
        started(num_nodes=2)
    monkeypatch.setenv("MASTER_ADDR", "first")
    monkeypatch.setenv("MASTER_PORT", "77")
    launcher, own = started(num_nodes=2, ngpu=4)
    assert "--nproc_per_node 4 --rdzv_endpoint first:77" in " ".join(launcher)
    assert own == ["--ngpu", "1"]
    assert started(num_nodes=2)[1] == ["--ngpu", "0", "--dist_backend", "gloo"]


def test_a_queue_of_several_machines():
    launcher, own = started(num_nodes=2, ngpu=2, cmd_backend="slurm")
    assert launcher == []
    assert own[:6] == ["--ngpu", "2", *BY_ESPNET, "--dist_launcher", "slurm"]
    assert own[6] == "--dist_init_method"
    assert own[7].startswith(f"file://{Path('exp').absolute()}/.dist_init_")
    assert started(num_nodes=2, cmd_backend="slurm")[1][-2:] == [
        "--dist_backend",
        "gloo",
    ]


def test_the_module_gets_its_options_and_threads(tmp_path):
    code = "import os, sys; print(os.environ['OMP_NUM_THREADS'], sys.argv[1:])"
    (tmp_path / "probe.py").write_text(code)
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{tmp_path}"}
    words = ["--folder", "exp", "--num_threads", "3", "--", "probe", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "tools.recipe.train", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "3 ['--ngpu', '0', '--seed', '1']\n"
