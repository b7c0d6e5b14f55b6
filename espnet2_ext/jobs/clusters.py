"""Dask clusters: this machine, or a queueing system through dask-jobqueue."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.options import option
from espnet2_ext.io.settings import mapping, read_yaml

QUEUE_CLUSTERS = {"slurm": "SLURMCluster", "sge": "SGECluster", "pbs": "PBSCluster"}
"""Classes of dask-jobqueue."""

SUBMITTERS = {"slurm": "sbatch", "sge": "qsub", "pbs": "qsub"}
"""Programs that give a job to a queueing system."""

TRAINING = "training"
"""Part of the settings that is for :mod:`tools.recipe.batch_job`."""

BACKENDS = ("local", *QUEUE_CLUSTERS)
ALLOWED_DEATHS = 2
"""Times that the worker of a job may die before the job is given up."""

THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
"""Every worker is one thread; more of them would compete."""

CHECK_SECONDS = 2.0
"""Time between two looks at whether a worker has gone for good."""

LOST_AFTER = "60s"
"""Time that Dask gives a dead worker to come back before it gives it up. Its own 15
seconds are too few where starting one takes half of that."""


@dataclass(frozen=True)
class JobOptions:
    """How much runs at once, and where."""

    nj: int = option(1, "jobs at once", int)
    cmd_backend: str = option(
        "local", "where they run, local: on this machine", choices=BACKENDS
    )
    cluster_config: Path | None = option(
        None, "settings of the queueing system, such as conf/slurm.yaml", Path
    )

    def __post_init__(self):
        """Check the values.

        Raises:
            ValueError: says which is wrong.
        """
        backend = self.cmd_backend
        if self.nj < 1:
            raise ValueError(f"--nj {self.nj}: at least one job is needed")
        if backend not in BACKENDS:
            raise ValueError(
                f"unknown cmd_backend '{backend}'; use {', '.join(BACKENDS)}"
            )
        if backend == "local":
            return
        if self.cluster_config is None:
            raise ValueError(
                f"cmd_backend '{backend}' needs --cluster_config FILE, such as "
                f"conf/{backend}.yaml"
            )
        if shutil.which(SUBMITTERS[backend]) is None:
            raise ValueError(
                f"cmd_backend '{backend}': there is no program '{SUBMITTERS[backend]}' "
                "here; give the command on a machine that has it, or use cmd_backend "
                "'local'"
            )

    @property
    def needs_cluster(self) -> bool:
        """False for one job here, which needs no further process."""
        return self.nj > 1 or self.cmd_backend != "local"


class Workers:
    """The processes that a command spreads its work over, started when needed.

    >>> with Workers(JobOptions(4)) as workers:          # doctest: +SKIP
    ...     fan_out(function, items, workers)
    """

    def __init__(self, options: JobOptions):
        """Remember how many are wanted, and where."""
        self.options = options
        self._client: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> "Workers":
        """Begin; nothing is started yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the processes."""
        self._stack.close()
        self._client = None

    @property
    def client(self) -> Any:
        """``distributed.Client`` of a cluster of ``options.nj`` workers.

        Raises:
            ModuleNotFoundError: Dask is not installed.
        """
        if self._client is None:
            self._client = self._start()
        return self._client

    def _start(self) -> Any:
        try:
            import dask
            from distributed import Client
        except ImportError:
            raise ModuleNotFoundError(
                "more than one job needs Dask; use one job, or "
                + how_to_install("cluster")
            ) from None
        # What becomes of workers is told by the results, not by Dask's own log.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        enter = self._stack.enter_context
        scratch = enter(TemporaryDirectory(prefix="sttatts-dask-"))
        settings = {
            "temporary-directory": scratch,
            "distributed.scheduler.allowed-failures": ALLOWED_DEATHS,
            "distributed.nanny.pre-spawn-environ": THREADS,
            "distributed.comm.timeouts.connect": "60s",
            "distributed.deploy.lost-worker-timeout": LOST_AFTER,
        }
        enter(dask.config.set(settings))
        cluster = enter(start_cluster(self.options, scratch))
        enter(_replaced_workers(cluster, self.options))
        return enter(Client(cluster))


@contextmanager
def _replaced_workers(cluster: Any, options: JobOptions) -> Iterator[None]:
    """Have workers that were given up started anew; without them, jobs wait forever."""
    done = Event()

    def ask() -> None:
        while not done.wait(CHECK_SECONDS):
            _ask_for_workers(cluster, options)

    thread = Thread(target=ask, name="replace lost workers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def start_cluster(options: JobOptions, scratch: str) -> Any:
    """Start the workers.

    Args:
        options: how many and where.
        scratch: folder for the workers' files on this machine.
    """
    if options.cmd_backend == "local":
        from distributed import LocalCluster

        return LocalCluster(
            n_workers=options.nj,
            threads_per_worker=1,
            processes=True,
            memory_limit=0,
            dashboard_address=None,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
        )
    import dask_jobqueue

    cluster_class = getattr(dask_jobqueue, QUEUE_CLUSTERS[options.cmd_backend])
    cluster = cluster_class(
        **read_settings(options),
        scheduler_options={"dashboard": False, "dashboard_address": ":0"},
    )
    _ask_for_workers(cluster, options)
    logging.info("%d %s jobs asked for", options.nj, options.cmd_backend)
    return cluster


def _ask_for_workers(cluster: Any, options: JobOptions) -> None:
    """Have those started that are missing; a queue's job may hold several workers."""
    what = "n" if options.cmd_backend == "local" else "jobs"
    cluster.scale(**{what: options.nj})


def read_settings(options: JobOptions) -> dict[str, Any]:
    """Arguments of the queue's cluster class, with one thread per worker.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a mapping.
    """
    settings = _read(options.cluster_config)
    settings.pop(TRAINING, None)
    exports = [f"export {name}={value}" for name, value in THREADS.items()]
    prologue = [*exports, *settings.pop("job_script_prologue", [])]
    return {"cores": 1, "processes": 1, **settings, "job_script_prologue": prologue}


def read_training_settings(options: JobOptions) -> dict[str, Any]:
    """Settings of a job that is not one of many: the part ``training`` over the rest.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a mapping.
    """
    settings = _read(options.cluster_config)
    own = settings.pop(TRAINING, None) or {}
    mapping(own, f"{options.cluster_config}: {TRAINING}")
    # Those are for workers on GPUs: --ngpu says what training wants.
    settings.pop("job_extra_directives", None)
    settings.pop("resource_spec", None)
    return {**settings, **own}


def _read(path: Path | None) -> dict[str, Any]:
    if path is None or not path.is_file():
        raise FileNotFoundError(f"{path}: no such cluster settings (--cluster_config)")
    return read_yaml(path)
