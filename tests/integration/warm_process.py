"""A process that has imported the libraries already and forks for each command of a clone.

Most of the time of a short `zenml`, `dermai` or `dvc` goes to importing torch, ZenML, MLflow, Evidently and Great
Expectations, and the tests start hundreds of them. Here the libraries are imported once. A command then is a fork of
this process with the arguments, folder, environment, streams and exit status of the one that asked for it:
`warm_command.py`, which stands under the names of the commands in a folder that comes first in the clone's PATH.

It shows nearly what the commands themselves would show:

- No module of the product is in this process: each command imports the clone's own files, by its own PYTHONPATH.
- From there on it is a process like any other: what it changes in memory no other command sees, what was to be done at
  its end is done, and it is killed when the one that asked for it is gone.
- What the libraries read from the environment while they were imported is the same: where one variable differs, the
  command runs without this process. The home folder and the PATH are excepted, where they look for caches only.

It does not show the start itself, the order of imports, another seed of the hashes for each command, nor the death of a
whole process group. `Clone.start` and `Clone.run(..., warm=False)` run the true commands.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import marshal
import os
import re
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Two processes, the second forked from the first: ZenML changes how every program logs and dies that imports it.
# Not onnxruntime: it starts a thread, and a fork has only one.
LIBRARIES = {
    "any": (
        "great_expectations", "evidently", "evidently.presets", "evidently.ui.workspace", "matplotlib.pyplot", "mlflow",
        "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store",
        "torch", "timm", "sklearn.linear_model", "pyarrow.parquet", "dvc.cli.parser", "dvc.repo", "dvc.data_cloud",
        "scmrepo.git", "networkx", "jinja2.ext", "typer.rich_utils",
    ),
    "zenml": ("zenml_cli", "zenml.zen_stores.sql_zen_store", "zenml.orchestrators.local.local_orchestrator"),
}  # fmt: skip
PRODUCT = {"benchmarks", "dermai", "monitoring", "pipelines", "steps", "web"}
COMMANDS = ("dermai", "dvc", "python", "zenml")
OF_EACH_COMMAND = {"HOME", "PATH", "OLDPWD", "PWD", "SHLVL", "_"}
READ_BY_THE_INTERPRETER = re.compile(r"PYTHON(?!PATH$)|LC_|LANG|TZ$|LD_|OMP_|MKL_|OPENBLAS_|MALLOC_")
NUMBER = struct.Struct("!q")
HOLD, ASK = b"h", b"a"
REFUSED = -1000


def start(folder: Path, environment: Mapping[str, str]) -> None:
    """Start both processes, and write the commands that ask them into the folder; who needs them holds them then."""
    client = Path(__file__).with_name("warm_command.py").read_text(encoding="utf-8")
    for name in COMMANDS:
        (folder / name).write_text(f"#!{sys.executable} -IS\n{client}", encoding="utf-8")
        (folder / name).chmod(0o755)
    listeners = [socket.socket(socket.AF_UNIX) for _ in LIBRARIES]
    for listener, name in zip(listeners, LIBRARIES, strict=True):
        listener.bind(str(folder / f"{name}.socket"))
        listener.listen(100)
    numbers = [listener.fileno() for listener in listeners]
    with (folder / "log").open("w") as log:
        subprocess.Popen(
            [sys.executable, __file__, *map(str, numbers)], pass_fds=numbers, stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, cwd=folder, env={**environment, "HOME": str(folder)},
        )  # fmt: skip


def hold(folder: Path) -> list[socket.socket]:
    """Connections for as long as which the processes run: they end with the last of them."""
    held = [socket.socket(socket.AF_UNIX) for _ in LIBRARIES]
    for connection, name in zip(held, LIBRARIES, strict=True):
        connection.connect(str(folder / f"{name}.socket"))
        connection.sendall(HOLD)
    return held


def serve(listeners: Sequence[socket.socket]) -> None:
    """Import what is to be imported and fork for each command until nobody holds this process.

    Returns in the forks, each of which is a command by then. A connection sends one byte. With HOLD it says that it
    needs this process for as long as it stands; with ASK, three streams and a description of a command, it gets the
    number that the command ends with, or REFUSED.
    """
    started_with = dict(os.environb)
    looked_at: set[str] = set()
    for libraries, listener in zip(LIBRARIES.values(), listeners, strict=True):
        looked_at |= import_libraries(libraries)
        if listener is listeners[-1] or os.fork():
            break
    for other in listeners:
        if other is not listener:
            other.close()
    gc.collect()
    gc.freeze()  # what is there now is never looked through again, and its memory stays shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    holders: list[socket.socket] = []
    while True:
        ready, _, _ = select.select([listener, *holders], [], [], None if holders else 60)
        if listener in ready:
            connection, _ = listener.accept()
            kind, streams, _, _ = socket.recv_fds(connection, 1, 3)
            if kind == HOLD:
                holders.append(connection)
                continue
            if kind == ASK and os.fork() == 0:
                for inherited in (listener, *holders):
                    inherited.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return watch(connection, streams, started_with, looked_at)
            for descriptor in streams:
                os.close(descriptor)
            connection.close()
        else:
            holders = [holder for holder in holders if holder not in ready]
            if not holders:
                os._exit(0)


def import_libraries(libraries: Sequence[str]) -> set[str]:
    """Import them; the names of the variables that they looked at."""
    importlib.import_module("fsspec.config")  # looks at all variables, for those whose names begin with FSSPEC_
    kind: Any = type(os.environ)
    read, names = kind.__getitem__, set[str]()

    def noted(environment: Any, name: Any) -> Any:
        names.add(os.fsdecode(name))
        return read(environment, name)

    kind.__getitem__ = noted
    try:
        for library in libraries:
            importlib.import_module(library)
    finally:
        kind.__getitem__ = read
    assert not PRODUCT & {name.partition(".")[0] for name in sys.modules}
    return names - OF_EACH_COMMAND


def watch(
    connection: socket.socket, streams: list[int], started_with: Mapping[bytes, bytes], looked_at: Iterable[str]
) -> None:
    """Fork once more: this process waits for the command or for its asker's end, and the fork returns."""
    (size,) = NUMBER.unpack(connection.recv(NUMBER.size, socket.MSG_WAITALL))
    arguments, folder, mask, environment = marshal.loads(connection.recv(size, socket.MSG_WAITALL))
    names = {*map(os.fsencode, looked_at)}
    names |= {name for name in {*started_with, *environment} if READ_BY_THE_INTERPRETER.match(os.fsdecode(name))}
    # What libraries set while they were imported, a command that another of these forks starts has already
    differs = sorted(
        name for name in names if environment.get(name) not in (started_with.get(name), os.environb.get(name))
    )
    if differs:
        print(*arguments, "is left to itself: it has another", *differs, file=sys.stderr, flush=True)
        connection.sendall(NUMBER.pack(REFUSED))
        os._exit(0)
    made = {name: value for name, value in os.environb.items() if name not in started_with}  # by libraries, for others
    command = os.fork()
    if command == 0:
        connection.close()
        become(folder, mask, made | environment, streams)
        sys.argv[:] = arguments
        return
    for descriptor in streams:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        os.setpgid(command, command)  # whichever of the two is first
    ended = os.pidfd_open(command)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command, signal.SIGKILL)
    _, status = os.waitpid(command, 0)
    with contextlib.suppress(OSError):
        connection.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def become(folder: bytes, mask: int, environment: dict[bytes, bytes], streams: list[int]) -> None:
    """Take over what a process is given by the one that starts it."""
    os.setpgid(0, 0)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.umask(mask)
    os.chdir(folder)
    os.environ.clear()
    os.environb.update(environment)
    importlib.import_module("numpy").random.seed()
    importlib.invalidate_caches()


def run() -> None:
    """What Python does with the arguments that it is given: `-m`, `-c` or a file."""
    kind = sys.argv[0]
    folder = {"-m": str(Path.cwd()), "-c": ""}.get(kind, str(Path(kind).resolve().parent))
    sys.path[:0] = [folder, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    if kind == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if kind == "-c":
        code, file = sys.argv.pop(1), "<string>"
    else:
        code, file = Path(kind).read_text(encoding="utf-8"), kind
        main.__file__ = str(Path(file).absolute())
    exec(compile(code, file, "exec"), main.__dict__)


def end(error: BaseException | None) -> None:
    """Python's end but for its last act: it frees all objects one by one, here those of all libraries."""
    status: Any = 0
    if isinstance(error, SystemExit):
        status = error.code
        if not isinstance(status, int | None):
            print(status, file=sys.stderr)
            status = 1
    elif error is not None:
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.flush()
    os._exit((status or 0) & 0xFF)


if __name__ == "__main__":
    del sys.path[0]  # this file's own folder
    serve([socket.socket(fileno=int(number)) for number in sys.argv[1:]])
    try:
        run()
    except BaseException as error:
        end(error)
    end(None)
