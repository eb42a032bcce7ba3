"""Clients that send photographs to a server all at once, each the next as soon as it has an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 300.0  # seconds in which a server that was killed is there again


@dataclass
class Sent:
    """What the clients saw: seconds of each answer, its content by case, and the statuses that were no success."""

    seconds: list[float] = field(default_factory=list)
    answers: dict[str, dict] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    wall: float = 0.0

    @property
    def a_second(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.wall

    def within(self, share: float) -> float:
        """Seconds in which this share of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def form(role: str, photograph: bytes, fields: Mapping[str, str]) -> tuple[bytes, str]:
    """A multipart body with one photograph, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
        for name, text in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{role}"; filename="a.jpg"\r\n'
    parts.append(head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photograph + b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def send_all(
    port: int,
    path: str,
    photographs: Sequence[Path],
    cases: Sequence[str],
    clients: int,
    headers: Mapping[str, str],
    role: str,
    with_fields: bool,
    answered: Callable[[int], None] = lambda count: None,
) -> Sent:
    """Send a photograph a case, the same again where the server died or was busy, until each has its answer."""
    found, lock = Sent(), threading.Lock()
    waiting: Iterator[tuple[int, str]] = iter(enumerate(cases))

    def work() -> None:
        connection: http.client.HTTPConnection | None = None
        while True:
            with lock:
                place, case = next(waiting, (0, ""))
            if not case:
                return
            fields = {"case_id": case, "patient_id": f"P{case}", "age": "50"} if with_fields else {}
            body, kind = form(role, photographs[place % len(photographs)].read_bytes(), fields)
            started = time.monotonic()
            while True:
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                    connection.request("POST", path, body, {**headers, "Content-Type": kind})
                    answer = connection.getresponse()
                    content = answer.read()
                except (OSError, http.client.HTTPException):
                    connection = None
                    if time.monotonic() - started > PATIENCE:
                        raise
                    time.sleep(0.1)
                    continue
                if answer.status == 200:
                    break
                with lock:
                    found.refused.append(answer.status)
                if answer.status != 503:
                    raise RuntimeError(f"{answer.status}: {content[:300]!r}")
                time.sleep(0.1)
            with lock:
                found.seconds.append(time.monotonic() - started)
                found.answers[case] = json.loads(content)
                count = len(found.seconds)
            answered(count)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.wall = time.monotonic() - began
    return found
