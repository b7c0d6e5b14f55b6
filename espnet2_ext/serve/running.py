"""The life of the server: its address, its signals, its log."""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.options import options_of
from espnet2_ext.serve.options import KEY_VARIABLE, ServeOptions

GRACE = 30
"""Seconds that answers under way get when the server ends."""

BACKLOG = 1024
"""Connections that may wait to be accepted."""


def serve(args: argparse.Namespace) -> int:
    """Run ``sttatts serve`` until it is told to end.

    Raises:
        ValueError, OSError, ImportError: the address, an option, or the model is of no
            use.
    """
    limits = options_of(args, ServeOptions)
    key = os.environ.get(KEY_VARIABLE) or None
    if key is None and not limits.is_local:
        raise ValueError(
            f"everybody who reaches {limits.host} could use the server: put a key into "
            f"the variable {KEY_VARIABLE}, or leave --host away"
        )
    try:
        import uvicorn

        from espnet2_ext.serve.app import build_app
        from espnet2_ext.serve.service import Service
    except ModuleNotFoundError as error:
        raise ImportError(f"{error}: {how_to_install('serve')}") from None
    level = logging.WARNING if args.quiet else logging.INFO
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=level, format=form, force=True)
    listening = _listen(limits.host, limits.port)
    _allow_many_connections()
    service = Service(args)
    name = Path(args.model).stem if args.model else "sttatts"
    config = uvicorn.Config(
        build_app(service, name, key),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )
    # uvicorn raises its signals again when all has ended: their work is done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    host, port = listening.getsockname()[:2]
    where = f"[{host}]" if ":" in host else host
    print(f"listening at http://{where}:{port}", file=sys.stderr, flush=True)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """Take the address before the model is loaded.

    Raises:
        OSError: it is taken, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            f"cannot listen at {host}, port {port}: {reason}; choose another --port"
        ) from None


def _allow_many_connections() -> None:
    """Raise the number of files that may be open as far as the system lets."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
