"""The two servers that are compared: the product over a workspace, and a plain endpoint with the same networks."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image
from scipy.special import softmax

from benchmarks.folders import REPOSITORY
from dermai.config import load_params
from dermai.models.package import ModelPackage
from dermai.models.package_network import model_pixels, ready_to_predict
from dermai.workspace import Workspace

PRODUCT, PLAIN = "dermai", "plain endpoint"


def command(what: str, folder: Path, port: int) -> list[str]:
    """How a server is started as a process of its own."""
    return [sys.executable, "-m", "benchmarks.speed.service_servers", what, str(folder), str(port)]


def free_port() -> int:
    """A port that nobody uses, below those from which clients speak: while a server is away none may take it."""
    for port in range(18600, 18700):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def serve_product(root: Path, port: int) -> None:
    """The service over a workspace, as `dermai serve` runs it."""
    from web.server import Exposure, serve

    serve(Workspace(root), Exposure(port=port))


def serve_plain(package: Path, port: int) -> None:
    """Networks and views, and nothing else."""
    network = ready_to_predict(ModelPackage.load(package))
    views = model_pixels(network.package, Path(tempfile.mkdtemp())).caches
    application = FastAPI()

    @application.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @application.post("/classify")
    def classify(photograph: UploadFile) -> dict[str, float]:
        picture = Image.open(photograph.file).convert("RGB")
        pixels = np.stack([view.resized(picture) for view in views])[np.newaxis]
        found = softmax(network.logits(pixels), axis=1)[0]
        return dict(zip(network.package.classes, map(float, found), strict=True))

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")


@contextmanager
def server(what: str, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    """One of the two servers as a process of its own, once it answers; gives the process and its port."""
    port = free_port()
    process = psutil.Popen(command(what, folder, port))
    try:
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{what} did not start") from None
                time.sleep(0.1)
        yield process, port
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(240)


def workspace_with(package: Path, root: Path) -> Workspace:
    """A workspace with the parameters as shipped, whose champion is this package."""
    from dermai.promotion.transaction import rollback
    from dermai.registry.mlflow_store import make_store
    from dermai.registry.registry import Registry

    root.mkdir(parents=True)
    shutil.copy(REPOSITORY / "params.yaml", root)
    workspace, params = Workspace(root), load_params(root / "params.yaml")
    make_store(root / "mlflow.db")
    version = Registry(workspace, params).register(package, {}, "benchmark", {}, {})
    named = {"approver": "nobody", "role": "benchmark", "reason": "a model to answer with"}
    rollback(workspace, params, to=version.version, **named)
    return workspace


def token_of(workspace: Workspace) -> dict[str, str]:
    """The header of a practice."""
    from web.api.tokens import add_token
    from web.database import migrate, open_database

    database = open_database(workspace)
    migrate(database)
    with database.writing() as session:
        secret = add_token(session, "one", 30)[1]
    database.close()
    return {"Authorization": f"Bearer {secret}"}


if __name__ == "__main__":
    serve = serve_product if sys.argv[1] == PRODUCT else serve_plain
    serve(Path(sys.argv[2]), int(sys.argv[3]))
