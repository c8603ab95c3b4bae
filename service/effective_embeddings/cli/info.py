"""`effemb info` and `effemb verify`: what the service is, and whether its data agrees."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from effective_embeddings.cli.options import DataOption, JsonOption, ServerOption
from effective_embeddings.cli.output import counted, details, errors, plain, print_json, say
from effective_embeddings.cli.session import server_of, session

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
        list[str] | None, typer.Argument(metavar="NAMESPACE...", help="Default: all.")
    ] = None,
    server: ServerOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rebuild everything from the items and compare it, bit by bit, with what is served.

    Exits with 1, and lists what it found, if something does not agree.

    Example:  effemb verify --data ./effemb-data
    """
    agree = True
    with session(server, data, as_json=as_json) as client:
        names = namespaces or [each.name for each in client.list_namespaces()]
        for name in names:
            report = client.verify(name)
            agree = agree and not report.findings
            if as_json:
                print_json({"namespace": name, **plain(report)})
                continue
            told = "DOES NOT AGREE" if report.findings else "agrees"
            say(
                f"{name}: {told} ({counted(report.category_count, 'category', 'categories')},"
                f" {counted(report.item_count, 'item')},"
                f" {counted(report.membership_count, 'membership')};"
                f" revision {report.revision}, digest {report.digest.hex()[:16]})"
            )
            for finding in report.findings:
                errors.print(f"  {finding}", markup=False, soft_wrap=True)
        if not names and not as_json:
            say("no namespaces")
    if not agree:
        raise typer.Exit(1)
