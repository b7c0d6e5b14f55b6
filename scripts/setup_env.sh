#!/usr/bin/env bash
# Makes the environment .venv, or brings it up to date.
#
#   scripts/setup_env.sh
#   EXTRAS=test,demo scripts/setup_env.sh      # or: setup_env.sh test,demo
#
# EXTRAS  groups of setup.cfg to install, separated by commas (default: test).
#         Groups installed earlier are kept.
# PYTHON  an interpreter to try before all others.
#
# Cheap when nothing has changed: the stamp .venv/.installed is written last
# and holds a checksum of the files that decide what is installed. Where it is
# missing or differs, .venv is made anew, so an interrupted run is redone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

extras=${1:-${EXTRAS:-test}}
venv=.venv
stamp=$venv/.installed
min_python=3.12
inputs=(setup.cfg constraints.txt uv.toml)

say() { echo "setup_env: $*" >&2; }
die() {
    echo "setup_env: error: $1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# Prints the real path of the interpreter $1 if it runs, is of a version that
# the project supports and has what the installation needs. Only running it
# tells: the stand-in of a version manager may exist for a version that is off.
real_python() {
    "$1" -c '
import ctypes, ssl, sys
if not (3, 12) <= sys.version_info[:2] <= (3, 13):
    sys.exit(1)
# Inside a virtual environment: the interpreter that it was made from.
print(getattr(sys, "_base_executable", None) or sys.executable)' 2>/dev/null </dev/null
}

# Candidate interpreters, best first, one a line.
python_candidates() {
    local root=${PYENV_ROOT:-${HOME:-}/.pyenv} version path
    [ -z "${PYTHON:-}" ] || echo "$PYTHON"
    printf '%s\n' python3.12 python3.13 python3
    for version in 3.12 3.13; do
        for path in "$root/versions/$version"*/bin/python; do
            [ ! -x "$path" ] || echo "$path"
        done
    done
}

find_python() {
    local candidate
    while IFS= read -r candidate; do
        real_python "$candidate" && return 0
    done < <(python_candidates)
    return 1
}

# Does $1 run as a uv that accepts uv.toml (which names the oldest one)?
uv_works() { "$1" cache dir >/dev/null 2>&1; }

# Sets $uv: the one on PATH, else a copy in .uv, installed by Python's own
# tools. $1 is an interpreter to install it with; python3 is tried as well.
find_uv() {
    local python pythons=("$@" python3)
    for uv in uv "$PWD/.uv/bin/uv"; do
        uv_works "$uv" && return 0
    done
    uv=$PWD/.uv/bin/uv
    say "no usable uv found: installing it into .uv"
    for python in "${pythons[@]}"; do
        rm -rf .uv
        "$python" -m venv .uv >/dev/null 2>&1 &&
            .uv/bin/python -m pip install --quiet uv && uv_works "$uv" &&
            return 0
        rm -rf .uv
        "$python" -m pip install --quiet --target .uv uv && uv_works "$uv" &&
            return 0
    done
    rm -rf .uv
    die "uv could not be installed." \
        "Looked for: uv on PATH (as new as uv.toml asks for), and a Python 3" \
        "with the module venv or pip, to install it with (tried: ${pythons[*]})." \
        "Cure: install uv, or the packages python3-venv and python3-pip."
}

# What is in .venv is decided by the input files and by where the project is,
# for it is installed in place.
checksum() { { pwd && cat -- "${inputs[@]}"; } | cksum; }

# The groups of $1 and $2, each once, separated by commas.
join_extras() {
    printf '%s\n' "$1,$2" | tr ',' '\n' | sed '/^$/d' | sort -u | paste -sd, -
}

wanted=$(checksum)
old_sum='' old_extras=''
if [ -f "$stamp" ]; then
    { IFS= read -r old_sum && IFS= read -r old_extras; } <"$stamp" || true
fi
extras=$(join_extras "$extras" "$old_extras")

complete=no
if [ "$old_sum" = "$wanted" ] && real_python "$venv/bin/python" >/dev/null; then
    complete=yes
fi
if [ "$complete" = yes ] && [ "$extras" = "$old_extras" ]; then
    exit 0
fi
rm -f "$stamp"

python=$(find_python) || python=
find_uv ${python:+"$python"}
if [ -z "$python" ]; then
    say "no Python 3.12 or 3.13 found: asking uv for one"
    if ! "$uv" python install "$min_python" ||
        ! python=$("$uv" python find --managed-python "$min_python"); then
        die "no usable Python 3.12 or 3.13 (with ssl and ctypes)." \
            "Tried: $(python_candidates | paste -sd' ' -), the versions" \
            "of pyenv, and 'uv python install $min_python'." \
            "Cure: install Python 3.12 or 3.13, or name one:" \
            "PYTHON=/path/to/python3.12 make env"
    fi
fi

if [ "$complete" = no ]; then
    say "making $venv with $python"
    "$uv" venv --quiet --clear --python "$python" "$venv"
fi
say "installing the project with the groups $extras"
"$uv" pip install --quiet --python "$venv/bin/python" \
    --constraints constraints.txt --editable ".[$extras]" ||
    die "the installation failed (see above)." \
        "Cure: mend what it names, then run this again; it starts afresh."

printf '%s\n' "$wanted" "$extras" >"$stamp"
say "$venv is ready"
