"""The options of `effemb serve`, made of the definitions of a server's settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from effective_embeddings.server import DEFINITIONS, Definition

__all__ = ["with_settings"]


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each setting that has a flag; an option left out is None.

    Args:
        function: The command: it takes the settings as ``**flags``.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())
    only = inspect.Parameter.KEYWORD_ONLY
    parameters = [each for each in own if each.kind is only]
    parameters += [
        inspect.Parameter(name, only, annotation=_option(each), default=None)
        for name, each in DEFINITIONS.items()
        if each.flag
    ]
    # Typer reads the options from the signature.
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {each.name: each.annotation for each in parameters}
    return function


def _option(definition: Definition) -> Any:
    flag = "--" + definition.name.replace("_", "-")
    if definition.kind is bool and definition.default is None:
        flag += "/--no-" + flag.removeprefix("--")
    option = typer.Option(
        flag,
        metavar=definition.metavar,
        help=definition.described,
        rich_help_panel=definition.panel,
    )
    return Annotated[definition.kind | None, option]
