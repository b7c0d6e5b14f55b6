"""Options of ``sttatts demo``.  Nothing here imports torch."""

from dataclasses import dataclass

from espnet2_ext.io.options import option


@dataclass(frozen=True)
class PageOptions:
    """Where the page is."""

    host: str = option(
        "127.0.0.1",
        "address to listen at; everybody who reaches another than the loopback's can "
        "use the page",
        metavar="ADDRESS",
    )
    port: int = option(7860, "port to listen at", int)
