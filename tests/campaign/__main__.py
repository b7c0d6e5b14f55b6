"""Run the campaign: python -m tests.campaign --help."""

import argparse
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path

PARTS = ("fuzzing", "hostile", "liars", "commands", "kills")
FIRST_SHARE = 0.6
"""Of the time: what of it the parts before the kills do not need is the kills'."""


def main() -> int:
    """Run the parts; 0 if nothing was found."""
    parser = argparse.ArgumentParser("campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=120, help="at most, in all")
    parser.add_argument("--cases", type=int, default=10_000, help="random inputs")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--output", type=Path, default=Path("campaign"))
    args = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["STTATTS_CACHE"] = str(args.output.resolve() / "cache")

    from tests.campaign import commands, fuzzing, hostile, kills, liars
    from tests.campaign.findings import Campaign

    begun, seconds = time.monotonic(), args.minutes * 60
    with tempfile.TemporaryDirectory(prefix="campaign.") as folder:
        campaign = Campaign(args.seed, begun + FIRST_SHARE * seconds, Path(folder))
        runs = {
            "fuzzing": lambda: fuzzing.run(campaign, args.cases),
            "hostile": lambda: hostile.run(campaign),
            "liars": lambda: liars.run(campaign),
            "commands": lambda: commands.run(campaign),
            "kills": lambda: kills.run_all(campaign, args.kills),
        }
        for part in args.parts:
            if part == "kills" or len(args.parts) == 1:
                campaign.ends = begun + seconds
            if campaign.is_over():
                campaign.notes.append(f"no time for: {part}")
                continue
            print(f"{part} ...", file=sys.stderr, flush=True)
            runs[part]()
            campaign.write(args.output, shlex.join(["campaign", *sys.argv[1:]]))
    print((args.output / "report.md").read_text())
    return 1 if campaign.findings else 0


if __name__ == "__main__":
    sys.exit(main())
