"""Photographs decoded in another process, so that a decoder that crashes, hangs or swells takes nothing down with it.

The processes are started when they are needed, kept for the next photograph, and end by themselves when nobody has
asked for a while. What passes between is one line of JSON each way, and the bytes of a JPEG.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock, Timer
from typing import BinaryIO

from dermai.files import sha256_bytes
from dermai.ingest.formats import kind_decoded_apart
from dermai.ingest.sanitising import Photograph, sanitised
from dermai.ingest.unusable import UnusablePhotograph
from dermai.language.messages import message

LONGEST = 60.0  # seconds for one photograph; one of 12 million pixels takes about one
MOST_MEMORY = 4 * 2**30  # bytes of addresses; 80 million pixels take about half
IDLE = 60.0  # seconds until a process ends that nobody asks


class _Decoder:
    """One such process. `owner` is the process that speaks with it: what is forked from that does not."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        root = str(Path(__file__).parents[2])
        paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what decoders say of a file may quote it
            env={**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def ask(self, request: bytes) -> tuple[dict[str, str], bytes] | None:
        """The answer and the bytes that follow it; None where the process ended before."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        too_long = Timer(LONGEST, self.process.kill)
        too_long.start()
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
            content = self.process.stdout.read(int(answer.get("bytes", 0)))
            return (answer, content) if len(content) == int(answer.get("bytes", 0)) else None
        except (OSError, ValueError):
            return None
        finally:
            too_long.cancel()

    def end(self) -> None:
        """Stop the process and forget it."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # bytes that it never took
                    pipe.close()


_idle: list[_Decoder] = []
_taking = Lock()


def sanitised_apart(path: Path, shorter_side: int, quality: int, smallest_side: int = 1) -> Photograph:
    """What `sanitised` makes of a file, in another process.

    Raises:
        UnusablePhotograph: as `sanitised` does, or the process died of it twice.
    """
    request = json.dumps([str(path.absolute()), shorter_side, quality, smallest_side]).encode() + b"\n"
    for decoder in (_idle_decoder() or _Decoder(), None):
        decoder = decoder or _Decoder()
        found = decoder.ask(request)
        if found is None:  # an idle one may have ended just now: a new one is asked the same
            decoder.end()
            continue
        with _taking:
            _idle.append(decoder)
        answer, content = found
        if "reason" in answer:
            raise UnusablePhotograph(answer["reason"], answer["fix"])
        return Photograph(content, sha256_bytes(content))
    kind = kind_decoded_apart(path) or "photograph"
    said = message("the %(kind)s is damaged: its decoder crashed or did not come to an end", kind=kind)
    raise UnusablePhotograph(said, message("export the photograph again, as JPEG"))


def _idle_decoder() -> _Decoder | None:
    with _taking:
        while _idle:
            decoder = _idle.pop()
            if decoder.owner == os.getpid():
                if decoder.process.poll() is None:
                    return decoder
                decoder.end()
    return None


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the other side is gone, or silent for `IDLE` seconds."""
    while select.select([requests], [], [], IDLE)[0]:
        line = requests.readline()
        if not line:
            return
        path, *settings = json.loads(line)
        try:
            content = sanitised(Path(path), *settings).content
            answer: dict[str, object] = {"bytes": len(content)}
        except UnusablePhotograph as problem:
            content, answer = b"", {"reason": problem.reason, "fix": problem.fix}
        answers.write(json.dumps(answer).encode() + b"\n" + content)
        answers.flush()


def main() -> None:
    """Serve the process that started this one, within bounds."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the photograph
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a library prints is no answer
    serve(os.fdopen(0, "rb", closefd=False), answers)


if __name__ == "__main__":
    main()
