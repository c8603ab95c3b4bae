"""`effemb repair`: copies everything readable of a damaged directory into a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.failures import telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import counted, errors, print_json, say
from effective_embeddings.cli.shared.paths import require_data_directory
from effective_embeddings.client.transport.embedded import repair as repair_directory

__all__ = ["repair"]


def repair(
    damaged: Annotated[Path, typer.Argument(metavar="DAMAGED", help="The directory to read.")],
    into: Annotated[Path, typer.Argument(metavar="NEW", help="The directory to create.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Copy everything readable of a damaged directory into a new one, and list the losses.

    DAMAGED is only read; no server may have it open. Namespaces begin at revision 1 in NEW, as
    after a restore. The exit status is 1 if anything is lost.

    Example:  effemb repair ./effemb-data ./effemb-repaired
    """
    require_data_directory(damaged, "DAMAGED")
    with telling_failures(as_json=as_json):
        report = repair_directory(damaged, into)
    if as_json:
        print_json(report)
    else:
        _tell(report)
    if not report["whole"]:
        raise typer.Exit(1)


def _tell(report: Mapping[str, Any]) -> None:
    for namespace in report["namespaces"]:
        lost = _lost(namespace["lost"])
        verdict = "lost"
        if namespace["recovered"]:
            verdict = (
                f"{'recovered in part' if lost else 'recovered'}"
                f" ({counted(namespace['category_count'], 'category', 'categories')},"
                f" {counted(namespace['item_count'], 'item')},"
                f" {counted(namespace['membership_count'], 'membership')})"
            )
        say(f"{namespace['name']}: {verdict}")
        for line in lost:
            errors.print(f"  lost: {line}", markup=False, soft_wrap=True)
    for line in report["lost"]:
        errors.print(f"lost: {line}", markup=False, soft_wrap=True)
    if report["whole"]:
        say("nothing is lost")


def _lost(lost: Mapping[str, Any]) -> list[str]:
    """Return the losses of a namespace, one per line."""
    lines = [f"category {key!r}" for key in lost["categories"]]
    lines += [f"item {key!r}" for key in lost["items"]]
    lines += [f"a membership of item {key!r}, which is recovered" for key in lost["memberships"]]
    lines += [f"parts of item {key!r}, which is recovered as a plain item" for key in lost["parts"]]
    for one, many, count in (
        ("category", "categories", lost["unnamed_categories"]),
        ("item", "items", lost["unnamed_items"]),
        ("membership", "memberships", lost["unnamed_memberships"]),
    ):
        if count:
            lines.append(f"{counted(count, one, many)} more, not known by key")
    return lines + list(lost["others"])
