"""Options whose names are commands, and two runs of one stage; only the shell runs."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.recipes.recipe_runs import ROOT, run

TEMPLATE = ROOT / "egs2" / "TEMPLATE" / "sttatts1"
RECIPE = ROOT / "egs2" / "mini_prompts" / "sttatts1" / "run.sh"

STAGE = f"""\
set -euo pipefail
log() {{ echo "$*" >&2; }}
die() {{ log "$*" && exit 2; }}
stage=1 stop_stage=15 skip_stages= skip_data_prep=false named_speakers=false
download_model= stage_given=false num_nodes=1 user_command=./run.sh
source {TEMPLATE}/stages.sh
if begin 1 "work" "$1" "options"; then
    sleep 1
    echo once >>"$1/work"
    finish
fi
"""


@pytest.mark.parametrize("name", ["stag[e$(touch${IFS}executed)0]", "stage*", "a b"])
def test_a_name_is_never_evaluated(name, tmp_path):
    code, log = run([str(RECIPE), f"--{name}", "1"], cwd=tmp_path)
    assert code == 2
    assert "no option is called so" in log
    assert not list(tmp_path.iterdir())


def test_two_runs_do_a_stage_once(tmp_path):
    def start(_):
        words = ["bash", "-c", STAGE, "bash", str(tmp_path)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(start, range(2)))
    assert [one.returncode for one in done] == [0, 0], done
    assert (tmp_path / "work").read_text() == "once\n"
    assert "another run has just done it" in done[0].stderr + done[1].stderr
    assert "done before" in start(0).stderr
