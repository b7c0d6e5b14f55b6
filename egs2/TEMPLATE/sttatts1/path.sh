# The environment of every stage. Sourced by sttatts.sh, which sets recipe_dir.
# shellcheck shell=bash disable=SC2154,SC2034
root_dir=$(cd "$recipe_dir/../../.." && pwd)
export PYTHONPATH="$root_dir${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUTF8=1 PYTHONUNBUFFERED=1
export LC_ALL=C
# Jobs are processes of one thread each; training sets its own number of threads.
export OMP_NUM_THREADS=1
# Kernels for the many shapes of batches stay compiled.
export ONEDNN_PRIMITIVE_CACHE_CAPACITY=20000
default_python=python3
if [ -x "$root_dir/.venv/bin/python" ]; then
    default_python=$root_dir/.venv/bin/python
fi
