"""`effemb serve`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from effective_embeddings import _core
from effective_embeddings import server as room
from effective_embeddings.cli.failures import fail
from effective_embeddings.cli.options import JsonOption
from effective_embeddings.cli.output import console, print_json

__all__ = ["serve"]


def serve(
    *,
    listen: Annotated[
        str,
        typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one."),
    ] = "127.0.0.1:50051",
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The data directory; made if it is missing.")
    ] = Path("effemb-data"),
    workers: Annotated[int, typer.Option(help="Calls served at the same time.")] = 16,
    max_message_bytes: Annotated[
        int, typer.Option(help="Largest message taken and sent, in bytes.")
    ] = 16 * 1024 * 1024,
    drain_seconds: Annotated[
        float, typer.Option(help="How long calls may still take once it is told to stop.")
    ] = 10.0,
    reflection: Annotated[
        bool, typer.Option(help="Let tools such as grpcurl ask for the contract.")
    ] = True,
    memory_budget: Annotated[
        int | None, typer.Option(metavar="BYTES", help="Memory for the categories of namespaces.")
    ] = None,
    kernel: Annotated[
        str | None, typer.Option(help="Ranking kernel, instead of the best for this CPU.")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Threads for one large ranking.")] = None,
    allow_insecure_listen: Annotated[
        bool,
        typer.Option(
            "--allow-insecure-listen",
            help="Listen where other machines can reach it, though calls are neither encrypted"
            " nor authenticated.",
        ),
    ] = False,
    log_level: Annotated[
        str, typer.Option(help="What is logged to the standard error: debug, info, warning.")
    ] = "info",
    as_json: JsonOption = False,
) -> None:
    """Run the service until it is told to stop (Ctrl-C or SIGTERM).

    Example:  effemb serve --listen 127.0.0.1:50051 --data ./effemb-data
    """
    level = logging.getLevelNamesMapping().get(log_level.upper())
    if level is None:
        msg = f"{log_level!r} is no log level"
        raise typer.BadParameter(msg, param_hint="--log-level")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = room.Settings(
            listen=listen,
            data=data,
            workers=workers,
            max_message_bytes=max_message_bytes,
            drain_seconds=drain_seconds,
            reflection=reflection,
            memory_budget=memory_budget,
            kernel=kernel,
            threads=threads,
            allow_insecure=allow_insecure_listen,
        )
    except room.SettingsError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        room.serve(settings, on_ready=lambda target: _tell(settings, target, as_json=as_json))
    except (room.ListenError, _core.StatusError) as error:
        raise fail(getattr(error, "message", str(error)), as_json=as_json) from error


def _tell(settings: room.Settings, target: str, *, as_json: bool) -> None:
    where = settings.data.resolve()
    if as_json:
        print_json({"listening": target, "data": where.as_posix()})
        return
    console.print(f"[bold]listening[/bold]  {target}", soft_wrap=True)
    console.print(f"[bold]data[/bold]       {escape(str(where))}", soft_wrap=True)
    console.print(
        "[bold]protected[/bold]  every acknowledged write is on the disk; one process owns the"
        " directory; messages and batches are limited",
        soft_wrap=True,
    )
    reach = (
        "whoever reaches this address" if settings.allow_insecure else "every user of this machine"
    )
    console.print(
        f"[bold]open[/bold]       no encryption and no authentication: {reach} can read and"
        " change everything",
        soft_wrap=True,
    )
    console.print(f"[dim]Try: effemb info --server {target}     Stop: Ctrl-C[/dim]")
