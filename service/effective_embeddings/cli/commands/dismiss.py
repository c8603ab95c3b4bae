"""`effemb dismiss`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.commands.assign import ItemArgument
from effective_embeddings.cli.shared.command import Run, writes
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import print_json, say

__all__ = ["dismiss"]


@writes()
def dismiss(
    run: Run,
    namespace: NamespaceArgument,
    item: ItemArgument,
    categories: Annotated[
        list[str], typer.Argument(metavar="CATEGORY", help="Where it does not belong.")
    ],
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw this: it may belong there.")
    ] = False,
) -> None:
    """Say that an item does not belong to categories; no score changes.

    It ends when the item is assigned to the category, or with --withdraw.

    Example:  effemb dismiss notes gym work --reason "private"
    """
    reply = run.client.dismiss(namespace, item, categories, withdraw=withdraw, **run.change)
    if run.as_json:
        print_json(reply)
        return
    done = "withdrawn" if withdraw else "dismissed"
    for each in reply.results:
        outcome = done if each.changed else "unchanged"
        say(
            f"{outcome}: {each.item!r} from {each.category!r} (revision {reply.revision})",
            dry_run=run.dry_run,
        )
