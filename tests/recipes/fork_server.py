r"""An interpreter for recipes that has loaded the software already.

A recipe starts a dozen processes, some of which import ESPnet for seconds. Here one
process imports it, and a fork of it runs each command::

    with forking_python(folder) as python:
        subprocess.run([python, "-m", "tools.recipe.datadir", "--help"])
"""

import json
import os
import runpy
import signal
import socket
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

LOADED = (
    "espnet2_ext.tasks.sttatts",
    "espnet2_ext.inference.decode.decode_set",
    "espnet2_ext.bin.decoding_jobs",
    "espnet2_ext.scoring.speech",
    "lhotse.recipes",
)

_CLIENT = """\
#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(request)
    sys.exit(int(server.recv(3) or b"70"))
"""


@contextmanager
def forking_python(folder: Path) -> Iterator[str]:
    """Start the process; gives what stands for ``python``.

    Args:
        folder: gets the client and the socket.
    """
    address, client = folder / "socket", folder / "python"
    client.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-X", "utf8", "-m", "tests.recipes.fork_server"]
    with subprocess.Popen(
        [*words, str(address)], env=environment, cwd=root, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield str(client)
        finally:
            server.kill()


def serve(address: str) -> None:
    """Load the software; run each command that a client sends."""
    for name in LOADED:
        import_module(name)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for the forks.
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _answer(connection)
            connection.close()


def _answer(connection: socket.socket) -> None:
    """Run one command in this fork, and end it."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as request:
        words, folder, environment = json.loads(
            request.read(int.from_bytes(size, "big"))
        )
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    code = 1
    try:
        assert words[0] == "-m", words
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
