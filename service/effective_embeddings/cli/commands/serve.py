"""`effemb serve`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from effective_embeddings import _core, server
from effective_embeddings.cli.shared.banner import banner
from effective_embeddings.cli.shared.failures import fail
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import print_json
from effective_embeddings.cli.shared.settings import with_settings

__all__ = ["serve"]

_log = logging.getLogger("effective_embeddings.server")


@with_settings
def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Settings in TOML. Flags and EFFEMB_* variables override it."
        ),
    ] = None,
    as_json: JsonOption = False,
    **flags: Any,
) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Each setting has a flag, an environment variable (EFFEMB_ and its name in capitals) and a key in
    the TOML file. `effemb config show` lists the values and their sources.

    Example:  effemb serve --listen 127.0.0.1:50051 --data ./effemb-data
    """
    try:
        resolved = server.resolve(flags, config)
    except server.SettingsError as error:
        raise typer.BadParameter(str(error)) from error
    settings = resolved.settings
    server.setup_logging(settings.log_level, settings.log_format)
    for hint in resolved.hints():
        _log.warning("ignored variable=%s", hint)

    def report(handle: server.ServerHandle) -> None:
        if as_json:
            facts = {"listening": handle.target, "data": settings.data.resolve().as_posix()}
            if handle.metrics_target is not None:
                facts["metrics"] = handle.metrics_target
            print_json(facts)
        else:
            banner(settings, handle)

    try:
        server.serve(settings, on_ready=report)
    except (server.ListenError, server.SettingsError, _core.StatusError) as error:
        raise fail(getattr(error, "message", str(error)), as_json=as_json) from error
