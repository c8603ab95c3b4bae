"""`effemb review-rate`."""

from __future__ import annotations

from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import NamespaceArgument
from effective_embeddings.cli.shared.output import (
    counted,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.client import RankingMode, ReviewRates

__all__ = ["review_rate"]

_BAR = 20


@asks
def review_rate(
    run: Run,
    namespace: NamespaceArgument,
    *,
    level: Annotated[
        list[float] | None,
        typer.Option(metavar="LEVEL", help="A level of confidence, 0 to 1; can be repeated."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=1, max=10_000, help="Most members that are matched.")
    ] = 1000,
    ranking: Annotated[
        RankingMode | None, typer.Option(help="How to order; default: as the namespace does.")
    ] = None,
    fairness: Annotated[
        float | None, typer.Option(min=0, max=1, help="Default: as in the namespace.")
    ] = None,
) -> None:
    """Estimate how many matches a person would have to look at, at some levels of confidence.

    Each member of a sample is matched without itself, as if it were new. First matches that reach
    the level are accepted, the others looked at.

    Example:  effemb review-rate notes

    Example:  effemb review-rate notes --level 0.1 --level 0.25 --ranking local
    """
    found = run.client.estimate_review_rate(
        namespace, level or (), sample=sample, ranking=ranking, fairness=fairness
    )
    if run.as_json:
        print_json(found)
        return
    if found.error_share is None:
        say("no member counts: there is nothing to estimate from")
        return
    _show(found)


def _show(found: ReviewRates) -> None:
    rows = table(
        *("level", "to look at", "", "wrong of the rest", ""),
        numbers=("level", "to look at", "wrong of the rest"),
    )
    for each in found.rates:
        rows.add_row(f"{each.level:g}", *_share(each.review_share), *_share(each.error_share))
    print_table(rows, empty="")
    say(f"if nobody looks, {found.error_share:.1%} are wrong")
    members = counted(found.member_count, "member")
    say(f"estimated from {found.sample_count:,} of {members}, at revision {found.revision:,}")


def _share(share: float | None) -> tuple[str, str]:
    return ("", "") if share is None else (f"{share:.1%}", bar(share, 1, _BAR))
