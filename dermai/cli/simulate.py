"""`dermai simulate`: photographs of patients who do not exist."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dermai.simulate.scenario import Scenario


def simulate(
    folder: Annotated[Path, typer.Argument(help="New or empty folder that receives the photographs.")],
    source: Annotated[
        Literal["dermai", "edra", "dermofit"], typer.Option(help="Whose photographs to imitate, layout included.")
    ] = "dermai",
    scale: Annotated[float, typer.Option(help="Share of the paper's counts; at least two of each diagnosis.")] = 0.25,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    arrival: Annotated[int, typer.Option(help="Arrivals of one seed have different patients.")] = 1,
    size: Annotated[int, typer.Option(help="Side of the square photographs, pixels.")] = 160,
    start: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%d"], show_default="2026-01-05", help="First day of the first arrival; one each 90 days."
        ),
    ] = datetime(2026, 1, 5),
    prevalence: Annotated[
        list[str] | None, typer.Option(help="Multiplier of a class or label, such as MM=2; may be repeated.")
    ] = None,
    site: Annotated[str, typer.Option(help="One new site, with its own phone, for all patients.")] = "",
    age_shift: Annotated[float, typer.Option(help="Years added to every age.")] = 0.0,
    spread: Annotated[float, typer.Option(help="How far the lesions of a class differ; 0.1 makes them easy.")] = 0.3,
    atypical: Annotated[
        float, typer.Option(help="Share of lesions that lean towards a class they are mistaken for.")
    ] = 0.25,
    darkness: Annotated[float, typer.Option(help="Share of the light taken away, 0 to 1.")] = 0.0,
    blur: Annotated[float, typer.Option(help="Further blur: standard deviation in pixels at a side of 160.")] = 0.0,
    colour_cast: Annotated[str, typer.Option(help="Gains of red, green and blue, such as 1.1,1,0.9.")] = "1,1,1",
    new_class: Annotated[str, typer.Option(help="Label of a further diagnosis that no label map knows.")] = "",
    new_class_share: Annotated[float, typer.Option(help="Its share beside the other photographs.")] = 0.05,
    workers: Annotated[int | None, typer.Option(help="Processes; all cores where not given.")] = None,
) -> None:
    """Draw SIMULATED photographs with the paper's class frequencies, in the publisher's own layout.

    Example: `dermai simulate incoming/autumn --arrival 2 --prevalence MM=4 --darkness 0.1`, then
    `dermai ingest incoming/autumn`. EDRA and Dermofit go through `dermai import derm7pt` and `dermai import dermofit`.
    """
    from dermai.cli.progress import progress_bar
    from dermai.simulate.publishers import simulate as write_arrival

    scenario = _scenario(
        source=source, scale=scale, seed=seed, arrival=arrival, size=size, start=start.date(),
        prevalence=dict(_multiplier(text) for text in prevalence or []), site=site, age_shift=age_shift,
        spread=spread, atypical=atypical, darkness=darkness, blur=blur, colour_cast=_gains(colour_cast),
        new_class=new_class, new_class_share=new_class_share,
    )  # fmt: skip
    with progress_bar("photograph") as show:
        photographs = write_arrival(folder, scenario, workers, show)
    patients = len({photograph.patient for photograph in photographs})
    print(f"{len(photographs)} simulated photographs of {patients} patients who do not exist in {folder}")


def _scenario(**values: object) -> Scenario:
    from pydantic import ValidationError

    from dermai.simulate.scenario import Scenario

    try:
        return Scenario.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + "-".join(str(part) for part in first["loc"][:1]).replace("_", "-")
        raise typer.BadParameter(first["msg"], param_hint=option) from None


def _multiplier(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not like MM=2", param_hint="--prevalence") from None


def _gains(text: str) -> tuple[float, ...]:
    try:
        gains = tuple(float(part) for part in text.split(","))
    except ValueError:
        gains = ()
    if len(gains) != 3:
        raise typer.BadParameter(f"{text!r} is not like 1.1,1,0.9", param_hint="--colour-cast")
    return gains


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(simulate)
