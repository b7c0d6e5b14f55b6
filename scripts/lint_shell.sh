#!/usr/bin/env bash
# Runs shellcheck on every tracked shell script, or, outside a git checkout, on
# every one found. Links are left out: their targets are checked themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

list_scripts() {
    # Only where this folder itself is the checkout, not a folder inside one.
    if [ "$(git rev-parse --show-prefix 2>/dev/null || echo none)" = "" ] &&
        [ -n "$(git ls-files '*.sh' .ci/run)" ]; then
        git ls-files -z '*.sh' .ci/run
    else
        find . -name '.?*' ! -name .ci -prune \
            -o -type f \( -name '*.sh' -o -path ./.ci/run \) -print0
    fi
}

scripts/ensure_shellcheck.sh
files=()
while IFS= read -r -d '' file; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        files+=("$file")
    fi
done < <(list_scripts)
shellcheck -x -P SCRIPTDIR -- "${files[@]}"
echo "shellcheck: ${#files[@]} files checked"
