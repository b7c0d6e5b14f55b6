"""Options of ``sttatts serve``.  Nothing here imports torch."""

import ipaddress
from dataclasses import dataclass

from espnet2_ext.io.options import count, option

KEY_VARIABLE = "STTATTS_API_KEY"
"""Holds the key that requests have to bring; it is never shown."""


@dataclass(frozen=True)
class ServeOptions:
    """Where the server listens, and how much it takes."""

    host: str = option(
        "127.0.0.1",
        "address to listen at; others than the loopback's "
        f"need a key in {KEY_VARIABLE}",
        metavar="ADDRESS",
    )
    port: int = option(8000, "port to listen at; 0: any that is free", int)
    queue: int = option(64, "requests at once; more are answered 429", count)
    max_upload_mb: float = option(25.0, "largest request (MB)", float)
    max_characters: int = option(4096, "longest text", count)
    longest: float = option(3600.0, "longest recording (s)", float)
    timeout: float = option(600.0, "longest time for an answer (s)", float)
    batch_speech: bool = option(
        False,
        "also speak and convert several requests at once: three times as many, but "
        "the last bits of a mel, and so Griffin-Lim's phases, depend on the others",
        bool,
    )

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: says which.
        """
        if not 0 <= self.port < 65536:
            raise ValueError(f"--port {self.port} is not in 0..65535")
        for name in ("max_upload_mb", "longest", "timeout"):
            if getattr(self, name) <= 0:
                flag = name.replace("_", "-")
                raise ValueError(f"--{flag} {getattr(self, name):g} is not positive")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can ask."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def max_bytes(self) -> int:
        """Largest request."""
        return int(self.max_upload_mb * 1e6)
