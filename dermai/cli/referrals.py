"""Who a case is, sheets of photographs to take again, and a case's structured report for a hospital's archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import AsJson, Profile, Settings, read_parameters

if TYPE_CHECKING:
    from dermai.data.pseudonyms import Pseudonyms
    from dermai.workspace import Workspace

Folders = Annotated[
    list[Path] | None,
    typer.Option("--in", help="A sender's folder with cases.csv, or several; else those that were triaged."),
]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.command()(find)
    application.command()(retakes)
    application.command(name="report-dicom")(report_dicom)


def find(
    name: Annotated[
        str, typer.Argument(help="A pseudonym of a case, patient or lesion, or the sender's number of it.")
    ],
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Say whose case a pseudonym is, or which pseudonym a number has, and where the case is; writes nothing.

    It needs the pseudonym key. Example: `dermai find c0f3a91be27d4416c8a05`
    """
    from dermai.config import load_params, read_overrides
    from dermai.triage.lookup import find as look_up
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    hidden = load_params(workspace.params_file, read_overrides(workspace.root)).triage.hidden
    found = look_up(workspace, _pseudonyms(workspace), name, folders or (), hidden)
    if as_json:
        print(json.dumps(found.as_record(), indent=2, ensure_ascii=False))
        return
    for row in found.rows:
        print(f"case {row.case} ({row.case_id}), patient {row.patient} ({row.patient_id}), "
              f"lesion {row.lesion} ({row.lesion_id})")  # fmt: skip
        print(f"  {row.table}, line {row.line}: {row.photograph}, site {row.site or 'unknown'}")
    if not found.rows:
        print(
            f"{', '.join(found.pseudonyms)}: the sender's table is not among those searched; name its folder with --in"
        )
    for place in found.places:
        print(place)


def retakes(
    output: Annotated[Path, typer.Option(help="The folder that receives one sheet a site.")] = Path("retakes"),
    site: Annotated[str, typer.Option(help="Only this site.")] = "",
    run: Annotated[str, typer.Option(help="The triage run.")] = "latest",
    numbers: Annotated[bool, typer.Option("--numbers", help="With the sender's numbers; needs the key.")] = False,
    folders: Folders = None,
) -> None:
    """Write a sheet for each site: which cases to photograph again, which to clear up, and why.

    What readers asked for in the browser is on it until another photograph comes in.

    Example: `dermai retakes --numbers --output ~/retakes`
    """
    from dermai.config import load_params, read_overrides
    from dermai.data.pseudonyms import Pseudonyms
    from dermai.language.current import speaking
    from dermai.prediction_log.log import PredictionLog
    from dermai.triage.lookup import sender_rows, triaged_folders
    from dermai.triage.reading_list import ReadingLists
    from dermai.triage.retake_sheets import waiting_wishes, write_retake_sheets
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    log = PredictionLog(workspace.prediction_log)
    senders = sender_rows(folders or triaged_folders(workspace), _pseudonyms(workspace), log) if numbers else None
    params = load_params(workspace.params_file, read_overrides(workspace.root))
    in_any_order = Pseudonyms(b"")  # the key draws places on the worklist, and is not needed here
    wishes = waiting_wishes(ReadingLists(workspace, in_any_order).now(params))
    place = workspace.reports / "triage_cases" / run
    with speaking(params.locale.spoken):
        written = write_retake_sheets(workspace, place, output, site, senders, wishes)
    for path in written:
        print(path)


def report_dicom(
    case: Annotated[str, typer.Argument(help="The case's pseudonym, or the sender's number of it.")],
    output: Annotated[Path, typer.Option(help="The folder that receives the files.")] = Path("dicom"),
    originals: Annotated[
        list[Path] | None,
        typer.Option("--original", help="The DICOM files as they were sent, or their folder; may be repeated."),
    ] = None,
    profile: Profile = "",
    settings: Settings = None,
) -> None:
    """Write what the model answered to a case as a DICOM structured report (TID 1500), with what it refers to.

    It refers to the originals where they are given, and takes the patient and the study over from them; else
    photographs are made from what is stored, under the patient's pseudonym. It is preliminary and not verified.

    Example: `dermai report-dicom c0f3a91be27d4416c8a05 --output ~/dicom`
    """
    from dermai.exchange.dicom_export import export_report
    from dermai.workspace import find_workspace

    workspace = find_workspace()
    _pseudonyms(workspace)
    done = export_report(workspace, read_parameters(workspace, profile, settings), case, output, originals or ())
    for path in done.files:
        print(path)


def _pseudonyms(workspace: Workspace) -> Pseudonyms:
    """The key that is there: a search makes none."""
    from dermai.data.pseudonyms import KEY_VARIABLE, key_file, load_pseudonyms
    from dermai.errors import DermaiError

    if not key_file().is_file():
        raise DermaiError(f"there is no pseudonym key at {key_file()}: set {KEY_VARIABLE}")
    return load_pseudonyms(workspace, record=False)
