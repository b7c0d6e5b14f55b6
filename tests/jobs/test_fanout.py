"""Failing items, dying workers, one process and several."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from espnet2_ext.jobs import clusters
from espnet2_ext.jobs.clusters import (
    JobOptions,
    Workers,
    read_settings,
    start_cluster,
)
from espnet2_ext.jobs.fanout import fan_out

pytest.importorskip("distributed")

CONF = Path(__file__).parents[2] / "conf"


def halve(value):
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value // 2


def die_once(path):
    """Kill the worker at the first call, work at the second."""
    flag = Path(path)
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "lived"


def die_if_poison(value):
    if value == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def threads(_):
    return os.environ["OMP_NUM_THREADS"]


@pytest.fixture(scope="module")
def two():
    """Two workers, started once."""
    with Workers(JobOptions(2)) as workers:
        yield workers


@pytest.mark.parametrize("nj", [1, 2])
def test_results_and_failures_by_name(nj, two, caplog):
    seen = {}
    outcome = fan_out(
        halve,
        {f"u{i}": i for i in range(100)},
        two if nj == 2 else None,
        on_result=seen.__setitem__,
    )
    assert outcome.results == {f"u{i}": i // 2 for i in range(0, 100, 2)}
    assert list(outcome.failures)[:2] == ["u1", "u3"]
    assert outcome.failures["u3"] == "3 is odd"
    assert seen == outcome.results
    outcome.report()
    assert "utterance 'u3': 3 is odd" in caplog.text
    assert "50 of 100 utterances failed" in caplog.text


def test_a_lost_worker_and_a_poisonous_item(tmp_path, two):
    items = {f"u{i}": f"value {i}" for i in range(8)} | {"bad": "poison"}
    outcome = fan_out(die_if_poison, items, two)
    assert list(outcome.failures) == ["bad"]
    assert "worker died" in outcome.failures["bad"]
    assert len(outcome.results) == 8
    outcome = fan_out(die_once, {"u0": str(tmp_path / "flag")}, two)
    assert outcome.results == {"u0": "lived"}


def test_workers_that_dask_gives_up_are_replaced(two):
    """Dask does this to a dead worker that takes long to come back."""
    cluster = two.client.cluster
    for name, worker in list(cluster.workers.items()):
        cluster.sync(worker.close)
        cluster.workers.pop(name, None)
    outcome = fan_out(halve, {"u0": 2, "u1": 4}, two)
    assert outcome.results == {"u0": 1, "u1": 2}


def test_workers_have_one_thread(two):
    outcome = fan_out(threads, {"a": 0, "b": 0}, two)
    assert outcome.results == {"a": "1", "b": "1"}


def test_nothing_is_started_for_nothing():
    with Workers(JobOptions(2)) as workers:
        assert fan_out(halve, {}, workers).results == {}
        assert workers._client is None


@pytest.fixture
def submitters(tmp_path, monkeypatch):
    """Stand-ins of the queueing systems' programs."""
    for name in ("sbatch", "qsub"):
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize("backend", ["slurm", "sge", "pbs"])
def test_a_queue_that_is_not_there(backend, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    program = "sbatch" if backend == "slurm" else "qsub"
    with pytest.raises(ValueError, match=f"there is no program '{program}' here"):
        JobOptions(2, backend, CONF / f"{backend}.yaml")


@pytest.mark.usefixtures("submitters")
@pytest.mark.parametrize("backend", ["slurm", "sge", "pbs"])
def test_queueing_systems(backend, tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue")
    options = JobOptions(2, backend, CONF / f"{backend}.yaml")
    asked = []
    import dask_jobqueue

    name = {"slurm": "SLURMCluster", "sge": "SGECluster", "pbs": "PBSCluster"}[backend]
    kind = getattr(dask_jobqueue, name)
    monkeypatch.setattr(
        kind, "scale", lambda self, n=None, *, jobs=None: asked.append(jobs)
    )
    monkeypatch.setattr(clusters, "CHECK_SECONDS", 0.01)
    with start_cluster(options, str(tmp_path)) as cluster:
        script = cluster.job_script()
        with clusters._replaced_workers(cluster, options):
            time.sleep(0.2)
        again = list(asked)
    # Whole jobs are asked for, first and again: one may hold several workers.
    assert asked[0] == 2
    assert len(again) > 1
    assert set(again) == {2}
    assert "export OMP_NUM_THREADS=1" in script
    assert "--nthreads 1" in script
    assert sys.executable in script


@pytest.mark.usefixtures("submitters")
def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="unknown cmd_backend 'lsf'"):
        JobOptions(1, "lsf")
    with pytest.raises(ValueError, match="at least one"):
        JobOptions(0)
    with pytest.raises(ValueError, match=r"conf/slurm\.yaml"):
        JobOptions(1, "slurm")
    path = tmp_path / "x.yaml"
    with pytest.raises(FileNotFoundError, match=r"x\.yaml"):
        read_settings(JobOptions(1, "slurm", path))
    path.write_text("- a list\n")
    with pytest.raises(ValueError, match="names with values"):
        read_settings(JobOptions(1, "slurm", path))
