"""Which software, at which state, made a number."""

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("espnet", "torch", "jiwer", "faster-whisper")


def environment() -> dict[str, str]:
    """Describe date, versions and the state of the source code."""
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return {**found, "git": git_hash(Path(__file__).parent)}


def git_hash(folder: Path) -> str:
    """Commit of a checkout, marked where files differ from it; else 'unknown'."""

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout.strip()

    try:
        # An installed copy may lie inside a checkout of something else.
        ask("ls-files", "--error-unmatch", "__init__.py")
        changed = ask("status", "--porcelain", "--untracked-files=no")
        return ask("rev-parse", "HEAD") + (" with local changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def command_line(module: str, words: Sequence[str]) -> str:
    """Write a command as it would be typed."""
    return shlex.join(["python", "-m", module, *words])
