"""`dermai replay`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dermai.cli.named_persons import opened, say
from dermai.cli.options import AsJson, Profile, Settings


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command()(replay)


def replay(
    version: Annotated[str, typer.Argument(help="Number in the registry.", show_default=False)],
    profile: Profile = "",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Say what a version would have sorted otherwise of the logged referrals of the last months, with photographs.

    It is no evidence, decides nothing and is not recorded. The page shows patients' photographs: it stays here.
    Example: `dermai replay 4 --set triage.replay.months=6`
    """
    from dermai.models.package import ModelPackage
    from dermai.records.referral_replay import PAGE
    from dermai.registry.registry import Registry
    from dermai.triage.referral_replay_page import publish_replay

    workspace, params = opened(profile, settings)
    registry = Registry(workspace, params)
    known = registry.get(version)
    folder = workspace.reports / "replay" / f"version-{known.version}"
    found = publish_replay(
        workspace, params, ModelPackage.load(registry.download(known.version)), f"version {known.version}", folder, True
    )
    if as_json:
        print(json.dumps(found.model_dump(mode="json"), indent=2))
        return
    say(found.sentence)
    if found.has_page:
        say(f"page: {folder / PAGE}")
