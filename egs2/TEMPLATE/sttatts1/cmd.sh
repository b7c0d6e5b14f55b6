# Where jobs run.
#
# local          this machine, --nj processes
# slurm sge pbs  a queueing system; its settings (memory, time, queue, account) are in
#                conf/<name>.yaml
#
# cmd_backend    dump, speaker embeddings and decoding: ESPnet's train_cmd, decode_cmd
# cuda_backend   training: ESPnet's cuda_cmd
# shellcheck shell=bash disable=SC2034
cmd_backend=${cmd_backend:-local}
cuda_backend=${cuda_backend:-$cmd_backend}
