"""A command as a program that forks a process which has imported everything: seconds less for each run."""

import json
import os
import pkgutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.environment import inherited

ROOT = Path(__file__).parents[1]
_LONGEST = 2**18
_CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [asked], [0, 1, 2])
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(8) or 70))
"""


@contextmanager
def warm_command(folder, name="data-science", home="data_science.cli.command:main"):
    """Put the program into the folder; give the folder. A signal to it does not reach the fork."""
    address, program = folder / "socket", folder / name
    program.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
    program.chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-P", __file__, address, home],
        # Arrow's allocator would start a thread, beside which nothing should fork.
        env={**inherited(), "PYTHONPATH": str(ROOT), "JE_ARROW_MALLOC_CONF": "background_thread:false"},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as server:
        try:
            assert server.stdout.readline() == b"ready\n"
            yield folder
        finally:
            server.kill()


def serve(address, home):
    """Answer each connection by a process of its own, until killed."""
    import bambi  # noqa: F401
    import sklearn.ensemble  # noqa: F401

    from data_science import pipeline  # noqa: F401
    from data_science.cli import console, train  # noqa: F401

    main = pkgutil.resolve_name(home)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            asking, _ = listening.accept()
            if os.fork() == 0:
                _answer(asking, main)
            asking.close()
            _bury()


def _bury():
    """Wait for those that have ended, so that their CPU time is counted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _answer(asking, main):
    message, descriptors, _, _ = socket.recv_fds(asking, _LONGEST, 3)
    while part := asking.recv(_LONGEST):
        message += part
    arguments, folder, environment = json.loads(message)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    asking.send(str(code).encode())
    os._exit(0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
