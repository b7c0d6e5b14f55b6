"""How the threads of the arithmetic wait for one another."""

import os


def wait_asleep() -> None:
    """Let threads sleep between operations; to be called before torch is imported.

    Decoding is thousands of small operations. Threads that spin in between, as OpenMP
    has them do, keep every core busy and on a busy machine wait for each other: four
    recordings with the preset ``small`` took 30 s (26 s of CPU time) on two cores
    under load, and 12 s (8 s) when threads sleep, as much as with one thread, which
    cannot use a second core where one is free.  The user's own choice stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
