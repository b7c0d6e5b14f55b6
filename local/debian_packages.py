"""Data that Debian packages, taken without installing anything."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path


def unpack_packages(packages: Sequence[str], folder: Path) -> str | None:
    """Let apt fetch packages, and unpack them; all of it or nothing. Needs no root.

    Args:
        packages: names of binary packages.
        folder: comes into being with their files, ``usr/share/…`` below it.

    Returns:
        Why it was not possible, if so.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            return f"no {tool} here"
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", *packages]
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".apt-") as work:
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip() or "no message").splitlines()[-1]
            return f"'{' '.join(command)}' failed ({reason})"
        unpacked = Path(work) / folder.name
        for package in sorted(Path(work).glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(unpacked)], check=True)
        unpacked.rename(folder)
    return None
