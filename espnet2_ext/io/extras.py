"""What to type where a package is missing."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def how_to_install(extra: str) -> str:
    """Name the commands that install an extra of ``setup.cfg``.

    The project is on no package index, so they are run in its checkout.

    Args:
        extra: name of the group of packages.
    """
    here = (CHECKOUT / "scripts" / "setup_env.sh").is_file()
    place = str(CHECKOUT) if here else "the project's checkout"
    return (
        f"in {place} type 'EXTRAS={extra} make env', or, in an environment of your "
        f"own, pip install -e '.[{extra}]'"
    )
