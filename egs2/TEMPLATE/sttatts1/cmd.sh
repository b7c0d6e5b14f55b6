# Where the jobs of dump, speaker embeddings and decoding run.
#
# local          this machine, --nj processes
# slurm sge pbs  a queueing system through dask-jobqueue; its settings (memory, time,
#                queue, account) are in conf/<cmd_backend>.yaml
# shellcheck shell=bash disable=SC2034
cmd_backend=${cmd_backend:-local}
