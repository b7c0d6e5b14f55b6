#!/usr/bin/env bash
# Makes sure that shellcheck can be run; as root on Debian, installs it.
set -euo pipefail

if command -v shellcheck >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "shellcheck not found: installing it with apt-get" >&2
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends shellcheck >&2 </dev/null
fi
if ! command -v shellcheck >/dev/null; then
    echo "error: shellcheck not found; install the package 'shellcheck'" \
        "(for example: sudo apt-get install shellcheck)" >&2
    exit 1
fi
