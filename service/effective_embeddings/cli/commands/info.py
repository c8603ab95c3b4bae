"""`effemb info` and `effemb verify`: what the service is, and whether its data agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from effective_embeddings.cli.shared.options import DataOption, JsonOption, ServerOption
from effective_embeddings.cli.shared.output import counted, details, errors, plain, print_json, say
from effective_embeddings.cli.shared.progress import bar
from effective_embeddings.cli.shared.session import server_of, session
from effective_embeddings.client import Client, VerifyReport
from effective_embeddings.client.errors import DataLoss, PermissionDenied

__all__ = ["info", "verify"]


def info(
    *,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the service is: version, kernel, memory, limits.

    Example:  effemb info --server 127.0.0.1:50051
    """
    with session(server, data, as_json=as_json) as client:
        found = client.service_info()
        if as_json:
            print_json(found)
            return
        facts: dict[str, Any] = plain(found)
        limits = facts.pop("limits")
        details(f"effective-embeddings at {data or server_of(server)}", facts)
        details("limits", {name: f"{limits[name]:,}" for name in sorted(limits)})


def verify(
    *,
    namespaces: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAMESPACE...", help="Default: all, and the files below them."),
    ] = None,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild everything from the items and compare it, bit by bit, with what is served.

    Without a name the files are verified before: the checksum of every page, and indexes against
    tables. Exits with 1, and lists what it found, if something does not agree.

    Example:  effemb verify --data ./effemb-data
    """
    agree = True
    with session(server, data, as_json=as_json) as client, bar() as progress:
        task = progress.add_task("verify", total=None)
        if not namespaces:
            agree = _verify_files(client, as_json=as_json)
        names = namespaces or [each.name for each in client.list_namespaces()]
        progress.update(task, total=len(names))
        for name in names:
            progress.update(task, description=f"verify {name}", advance=0)
            try:
                report = client.verify(name)
            except DataLoss as error:
                # What cannot even be read does not agree, and the others are looked at too.
                agree = False
                _tell(name, [error.message], "cannot be read", as_json=as_json)
            else:
                agree = agree and report.ok
                told = (
                    f"{counted(report.category_count, 'category', 'categories')},"
                    f" {counted(report.item_count, 'item')},"
                    f" {counted(report.membership_count, 'membership')};"
                    f" revision {report.revision}, digest {report.digest.hex()[:16]}"
                )
                _tell(name, report.findings, told, report, as_json=as_json)
            progress.advance(task)
        if not names and not as_json:
            say("no namespaces")
    if not agree:
        raise typer.Exit(1)


def _verify_files(client: Client, *, as_json: bool) -> bool:
    try:
        report = client.verify_files()
    except PermissionDenied:
        if not as_json:
            say("files: left out, they are for callers who may read all namespaces")
        return True
    _tell("", report.findings, counted(report.page_count, "page"), report, as_json=as_json)
    return report.ok


def _tell(
    name: str,
    findings: Sequence[str],
    told: str,
    report: VerifyReport | None = None,
    *,
    as_json: bool,
) -> None:
    """Tells of one namespace, or, without a name, of the files."""
    if as_json:
        facts = {"findings": list(findings)} if report is None else plain(report)
        print_json({"namespace": name, **facts} if name else {"files": facts})
        return
    verdict = "DOES NOT AGREE" if findings else "agrees" if name else "agree"
    say(f"{name or 'files'}: {verdict} ({told})")
    for finding in findings:
        errors.print(f"  {finding}", markup=False, soft_wrap=True)
