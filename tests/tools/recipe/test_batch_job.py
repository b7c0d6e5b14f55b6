"""A training as one job of a queueing system, against a stand-in of Slurm."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from espnet2_ext.jobs.clusters import JobOptions
from tests.tools.recipe.slurm_stand_in import install
from tools.recipe.batch_job import JobSize, job_script
from tools.recipe.submit import main

CONF = Path(__file__).parents[3] / "conf"


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """The programs' folder, where they leave notes."""
    monkeypatch.setenv("PATH", install(tmp_path / "bin"))
    return tmp_path / "bin"


def words(folder, *command, size=()):
    return [
        "--cmd_backend=slurm",
        f"--cluster_config={CONF / 'slurm.yaml'}",
        f"--folder={folder}",
        *size,
        "--",
        *command,
    ]


def test_output_and_exit_code(slurm, tmp_path, capfd):
    exp = tmp_path / "my exp"
    command = (
        "bash",
        "-c",
        'echo "$STAND_IN_CPUS threads of $OMP_NUM_THREADS"; exit 3',
    )
    assert main(words(exp, *command)) == 3
    shown = capfd.readouterr()
    assert shown.out == "8 threads of 8\n"
    assert "slurm job 4711" in shown.err
    assert main(words(exp, "echo", "a  b", size=["--num_threads=2", "--ngpu=4"])) == 0
    assert capfd.readouterr().out == "a  b\n"  # Without what the first one printed.
    assert "#SBATCH --gres=gpu:4\n" in (exp / "train_job.sh").read_text()
    assert not (exp / "train_job.id").exists()


def test_several_machines(slurm, tmp_path, capfd):
    command = ("bash", "-c", 'echo "$SLURM_PROCID of $SLURM_STEP_NUM_NODES"')
    assert main(words(tmp_path / "exp", *command, size=["--num_nodes=2"])) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == ["0 of 2", "1 of 2"]


def test_the_job_of_an_earlier_run(slurm, tmp_path, capfd):
    exp = tmp_path / "exp"
    exp.mkdir()
    (exp / "train_job.id").write_text("12\n")
    (slurm / "alive").touch()
    assert main(words(exp, "true")) == 1
    assert "job 12 of an earlier run is still there" in capfd.readouterr().err
    (slurm / "alive").unlink()
    assert main(words(exp, "true")) == 0


def test_an_interrupted_run_ends_its_job(slurm, tmp_path):
    command = [sys.executable, "-m", "tools.recipe.submit"]
    command += words(tmp_path / "exp", "sleep", "100")
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 60
        while not (slurm / "process").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
    assert (slurm / "cancelled").read_text() == "4711\n"


@pytest.mark.parametrize(
    ("backend", "lines"),
    {
        "slurm": [
            "#SBATCH --time=2-00:00:00",
            "#SBATCH --mem=64G",
            "#SBATCH --gres=gpu:2",
        ],
        "sge": ["#$ -l h_rt=48:00:00", "#$ -pe smp 8", "#$ -l gpu=2", "#$ -N exp"],
        "pbs": [
            "#PBS -l walltime=48:00:00",
            "#PBS -l select=1:ncpus=8:ngpus=2:mem=64GB",
        ],
    }.items(),
)
def test_scripts(backend, lines, slurm, tmp_path):
    (slurm / "qsub").touch(0o755)
    options = JobOptions(1, backend, CONF / f"{backend}.yaml")
    script = job_script(["train", "a b"], options, JobSize(ngpu=2), tmp_path / "exp")
    assert set(lines) <= set(script.splitlines())
    assert script.endswith("exec train 'a b'\n")
    if backend != "slurm":
        with pytest.raises(ValueError, match="only slurm starts a training on several"):
            job_script(["train"], options, JobSize(num_nodes=2), tmp_path)
