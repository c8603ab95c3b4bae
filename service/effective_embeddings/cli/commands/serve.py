"""`effemb serve`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from effective_embeddings import _core
from effective_embeddings import server as room
from effective_embeddings.cli.shared.banner import banner
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import print_json

__all__ = ["serve"]

_WHO = "Who may call"
_LIMITS = "Limits"
_WATCH = "Figures and logs"
_ENGINE = "The engine"

_log = logging.getLogger("effective_embeddings.server")


def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings in TOML. Flags, then EFFEMB_*, go before it."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where to listen; port 0 takes a free one. Default: 127.0.0.1:50051.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The data directory; made if it is missing. Default: effemb-data."
        ),
    ] = None,
    drain_seconds: Annotated[
        float | None,
        typer.Option(help="How long calls may still take once it is told to stop. Default: 10."),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Hashes of tokens (`effemb token new`); with it every call needs one.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificate chain, PEM.", rich_help_panel=_WHO),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its private key, PEM.", rich_help_panel=_WHO),
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Clients need a certificate from one of these, PEM (mTLS).",
            rich_help_panel=_WHO,
        ),
    ] = None,
    allow_insecure_listen: Annotated[
        bool | None,
        typer.Option(
            "--allow-insecure-listen",
            help="Listen where other machines can reach it although calls are not encrypted, or"
            " callers not authenticated: whoever reaches the port can then read what passes, or"
            " read and change everything.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    reflection: Annotated[
        bool | None,
        typer.Option(
            help="Let tools such as grpcurl ask for the contract, without a token. Default: where"
            " there are no tokens.",
            rich_help_panel=_WHO,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Threads for calls that take longer than microseconds. Default: 16.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    max_concurrent_calls: Annotated[
        int | None,
        typer.Option(
            help="Calls served or waiting; more are turned away. Default: 64.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    max_message_bytes: Annotated[
        int | None,
        typer.Option(
            help="Largest message taken and sent, in bytes. Default: 16777216.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    calls_per_second: Annotated[
        float | None,
        typer.Option(help="Calls with one token. Default: no limit.", rich_help_panel=_LIMITS),
    ] = None,
    metrics_listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Serve figures for Prometheus there; off: nowhere. Default: 127.0.0.1:9464, unless"
            " another server has it.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    allow_remote_metrics: Annotated[
        bool | None,
        typer.Option(
            "--allow-remote-metrics",
            help="Let that be an address that other machines can reach.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            help="What is logged to the standard error: debug (a line a call), info, warning,"
            " error. Default: info.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(help="text or json. Default: text.", rich_help_panel=_WATCH),
    ] = None,
    audit_log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A JSON line for each write and each refusal.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    traces: Annotated[
        bool | None,
        typer.Option(
            "--traces",
            help="Send a span of each call to OpenTelemetry, as the OTEL_* variables say.",
            rich_help_panel=_WATCH,
        ),
    ] = None,
    memory_budget: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            help="Memory for the categories of namespaces.",
            rich_help_panel=_ENGINE,
        ),
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            help="Ranking kernel, instead of the best for this CPU.", rich_help_panel=_ENGINE
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads for one large ranking.", rich_help_panel=_ENGINE),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the service until it is told to stop (Ctrl-C or SIGTERM).

    These are the settings that are needed most; `effemb config show` lists all of them, and each
    can be in the file, or in the environment as EFFEMB_ and its name in capitals.

    Example:  effemb serve --listen 127.0.0.1:50051 --data ./effemb-data
    """
    given: dict[str, Any] = dict(locals())
    flags = {name: given.get(name) for name in room.FIELDS}
    flags["allow_insecure"] = allow_insecure_listen
    try:
        resolved = room.resolve(flags, config)
    except room.SettingsError as error:
        raise typer.BadParameter(str(error)) from error
    settings = resolved.settings
    room.setup_logging(settings.log_level, settings.log_format)
    for name in resolved.unknown:
        _log.warning("ignored variable=%s: there is no such setting", name)

    def tell(handle: room.ServerHandle) -> None:
        if as_json:
            told = {"listening": handle.target, "data": settings.data.resolve().as_posix()}
            if handle.metrics_target is not None:
                told["metrics"] = handle.metrics_target
            print_json(told)
        else:
            banner(settings, handle)

    try:
        room.serve(settings, on_ready=tell)
    except (room.ListenError, room.SettingsError, _core.StatusError) as error:
        raise fail(getattr(error, "message", str(error)), as_json=as_json) from error
