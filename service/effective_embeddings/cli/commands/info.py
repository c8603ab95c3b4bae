"""`effemb info` and `effemb verify`: facts about a service, and the check of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.output import counted, details, errors, plain, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.client import Client, DamagedNamespace, StorageReport, VerifyReport
from effective_embeddings.client.errors import DataLoss, PermissionDenied

__all__ = ["info", "verify"]


@asks
def info(run: Run) -> None:
    """Show version, kernel, memory and limits of a service.

    Example:  effemb info --server 127.0.0.1:50051
    """
    found = run.client.service_info()
    if run.as_json:
        print_json(found)
        return
    facts: dict[str, Any] = plain(found)
    limits = facts.pop("limits")
    # Only LOCAL keeps members in memory: beside items, a count of 0 would look like a loss.
    facts["members_in_memory"] = facts.pop("member_count")
    facts["member_bytes"] = facts.pop("member_bytes")
    details(f"effective-embeddings at {run.where.name}", facts)
    details("limits", {name: f"{limits[name]:,}" for name in sorted(limits)})


@asks
def verify(
    run: Run,
    namespaces: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMESPACE...", help="Default: all, and the storage below them."),
    ] = None,
) -> None:
    """Rebuild everything from the items and compare it, bit by bit, with the served state.

    Without a name the storage is verified first: the checksum of every page, and indexes against
    tables. Differences are listed, and the exit status is 1.

    Example:  effemb verify --data ./effemb-data
    """
    agree = True
    with bar() as progress:
        task = progress.add_task("verify", total=None)
        if not namespaces:
            agree = _verify_storage(run.client, as_json=run.as_json)
        damaged: list[DamagedNamespace] = []
        listed = () if namespaces else run.client.list_namespaces(damaged=damaged)
        names = namespaces or [each.name for each in listed]
        for bad in damaged:
            _print(bad.name, [bad.message], "cannot be read", as_json=run.as_json)
        agree = agree and not damaged
        progress.update(task, total=len(names))
        for name in names:
            progress.update(task, description=f"verify {name}", advance=0)
            agree = _verify(run.client, name, as_json=run.as_json) and agree
            progress.advance(task)
    if not names and not run.as_json:
        say("no namespaces")
    if not agree:
        raise typer.Exit(1)


def _verify(client: Client, name: str, *, as_json: bool) -> bool:
    try:
        report = client.verify(name)
    except DataLoss as error:
        # An unreadable namespace is a finding, and the next one is verified all the same.
        _print(name, [error.message], "cannot be read", as_json=as_json)
        return False
    facts = (
        f"{counted(report.category_count, 'category', 'categories')},"
        f" {counted(report.item_count, 'item')},"
        f" {counted(report.membership_count, 'membership')};"
        f" revision {report.revision}, digest {report.digest.hex()[:16]}"
    )
    _print(name, report.findings, facts, report, as_json=as_json)
    return report.ok


def _verify_storage(client: Client, *, as_json: bool) -> bool:
    try:
        report = client.verify_storage()
    except PermissionDenied:
        if not as_json:
            say("storage: left out, only callers who may read all namespaces can verify it")
        return True
    _print("", report.findings, counted(report.page_count, "page"), report, as_json=as_json)
    return report.ok


def _print(
    name: str,
    findings: Sequence[str],
    facts: str,
    report: VerifyReport | StorageReport | None = None,
    *,
    as_json: bool,
) -> None:
    """Print the report on a namespace, or, without a name, on the storage."""
    if as_json:
        values = {"findings": list(findings)} if report is None else plain(report)
        print_json({"namespace": name, **values} if name else {"storage": values})
        return
    verdict = "DOES NOT AGREE" if findings else "agrees"
    say(f"{name or 'storage'}: {verdict} ({facts})")
    for finding in findings:
        errors.print(f"  {finding}", markup=False, soft_wrap=True)
