"""`effemb explain`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated

import typer

from effective_embeddings.cli.shared.bars import bar
from effective_embeddings.cli.shared.command import Run, asks
from effective_embeddings.cli.shared.options import AtRevisionOption, NamespaceArgument
from effective_embeddings.cli.shared.output import (
    counted,
    moment,
    print_json,
    print_table,
    say,
    table,
)
from effective_embeddings.cli.shared.vectors import EmbeddingOption, one_vector
from effective_embeddings.client import (
    ExplainReply,
    Explanation,
    Query,
    RankingMode,
    WhatIf,
    WhatIfResult,
)

__all__ = ["explain"]

_BAR = 24


@asks
def explain(
    run: Run,
    namespace: NamespaceArgument,
    *,
    embedding: EmbeddingOption = None,
    item: Annotated[
        str | None, typer.Option(metavar="KEY", help="A stored item as the query.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Explain this category; can be repeated."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="Categories explained if none is named.")
    ] = 3,
    members: Annotated[
        int, typer.Option(min=0, max=1000, help="Most members listed per category.")
    ] = 10,
    ranking: Annotated[
        RankingMode | None, typer.Option(help="How to order; default: as the namespace does.")
    ] = None,
    fairness: Annotated[
        float | None, typer.Option(min=0, max=1, help="Default: as in the namespace.")
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--if",
            metavar="CHANGE",
            help="What the scores would be after 'ITEM leaves CATEGORY', 'ITEM joins CATEGORY' "
            "or 'ITEM weighs NUMBER'; nothing is changed; can be repeated.",
        ),
    ] = None,
    at_revision: AtRevisionOption = 0,
) -> None:
    """Explain a ranking: what the name and each member of a category add to its score.

    Example:  effemb explain notes --item gym

    Example:  effemb explain notes --embedding @swim.npy --category health --members 50

    Example:  effemb explain notes --item gym --if "swim leaves health" --if "run weighs 3"
    """
    if (embedding is None) == (item is None):
        msg = "give --embedding or --item"
        raise typer.BadParameter(msg)
    query = Query(embedding=one_vector(embedding), item=item)
    changes = what_if or []
    reply = run.client.explain(
        namespace,
        query,
        category or (),
        limit=limit,
        members=members,
        ranking=ranking,
        fairness=fairness,
        what_if=[_change(each) for each in changes],
        at_revision=at_revision,
    )
    if run.as_json:
        print_json(reply)
        return
    if not reply.explanations:
        say("no categories")
    for each in reply.explanations:
        _show(each, item)
    _show_lead(reply)
    for change, result in zip(changes, reply.what_if, strict=True):
        _show_what_if(change, result, reply)


def _change(words: str) -> WhatIf:
    """Return the change that an option names: an item, a verb, and a category or a weight."""
    for verb in ("leaves", "joins", "weighs"):
        item, found, value = words.partition(f" {verb} ")
        if not found:
            continue
        if verb == "leaves":
            return WhatIf(item, leaves=value)
        if verb == "joins":
            return WhatIf(item, joins=value)
        with contextlib.suppress(ValueError):
            return WhatIf(item, weight=float(value))
    msg = (
        f"{words!r} is none of 'ITEM leaves CATEGORY', 'ITEM joins CATEGORY' and "
        "'ITEM weighs NUMBER'"
    )
    raise typer.BadParameter(msg, param_hint="--if")


def _show(explanation: Explanation, own: str | None) -> None:
    place = f"{explanation.rank}. " if explanation.rank else ""
    score = explanation.score
    figures = ["no embedding" if score is None else f"score {score:.6f}"]
    if explanation.rank_score is not None and explanation.rank_score != explanation.score:
        figures.append(f"rank score {explanation.rank_score:.6f}")
    if not explanation.rank:
        figures.append("left out of the ranking")
    say(f"{place}{explanation.category}: {', '.join(figures)}")
    parts = list(_parts(explanation, own))
    largest = max((abs(part) for _, part, _ in parts), default=0.0)
    rows = table(
        "part of the score", "adds", "", "note", numbers=("adds",), whole=("part of the score", "")
    )
    for name, part, note in parts:
        rows.add_row(name, f"{part:+.6f}", bar(part, largest, _BAR), note)
    print_table(rows, empty="")
    for actor in explanation.capped_actors:
        say(f"capped: the members of {actor.actor or '(nobody)'} weigh {actor.share:.1%}")
    if explanation.capped_actors:
        say("")
    dismissal = explanation.dismissal
    if dismissal is not None:
        reason = f" ({dismissal.reason})" if dismissal.reason else ""
        say(f"dismissed by {dismissal.actor}, {moment(dismissal.dismiss_time)}{reason}\n")
    one_out = explanation.leave_one_out
    if one_out is not None:
        left = "no embedding" if one_out.score is None else f"a score of {one_out.score:.6f}"
        say(f"without the item itself: {left}\n")


def _parts(explanation: Explanation, own: str | None) -> Iterator[tuple[str, float, str]]:
    """Yield the parts of the rank score: name, figure, note.

    Args:
        explanation: The category's.
        own: Key of the item that is the query; None: the query is a vector.
    """
    base = explanation.base
    if base is not None:
        note = f"weight {base.weight:g}, similarity {base.similarity:.4f}"
        yield "the category's name", base.part, note
    for each in explanation.members:
        without = each.score_without
        left = "" if without is None else f"; score without this member {without:.6f}"
        author = f"by {each.actor}, {moment(each.assign_time)}"
        if each.scale < 1:
            author += f"; capped, weighs {each.scale * each.weight:.3g} of {each.weight:g}"
        reason = f": {each.reason}" if each.reason else ""
        yield _named(each.item, own), each.part, f"{author}{reason}{left}"
    if explanation.other_member_count:
        others = counted(explanation.other_member_count, "other member")
        yield others, explanation.other_members, ""
    if abs(explanation.rounding) >= 0.5e-6:  # noqa: PLR2004 - half a unit of the last digit shown
        yield "rounding", explanation.rounding, ""
    if explanation.fairness:
        size = (
            counted(explanation.count, "counting member") if explanation.count else "a name alone"
        )
        yield "fairness", explanation.fairness, f"a share of the score expected with {size}"
    for pull in explanation.neighbours:
        name = "the category's name" if pull.item is None else _named(pull.item, own)
        yield f"near: {name}", pull.pull, f"similarity {pull.similarity:.4f}"
    if explanation.held_back:
        yield "held back", explanation.held_back, "behind the categories that were ranked again"


def _named(item: str, own: str | None) -> str:
    return f"{item} (the query itself)" if item == own else item


def _show_lead(reply: ExplainReply) -> None:
    if reply.margin is not None:
        say(f"margin of the first over the second: {reply.margin:.6f}")
    flip = reply.flip
    if flip is not None:
        leaving = f"{counted(len(flip.items), 'item')} left {flip.first_category}"
        items = ", ".join(flip.items)
        say(f"{flip.second_category} would have the higher score if {leaving}: {items}")
        if any(each.neighbours for each in reply.explanations):
            say("the order follows the rank score, which nearby members change too")


def _show_what_if(change: str, result: WhatIfResult, reply: ExplainReply) -> None:
    """Show the explained categories as they would be, beside what they are."""
    say(f"\nif {change}:" + ("" if result.changed else " nothing would change"))
    if not result.changed:
        return
    ranked = any(each.rank_score != each.score for each in result.categories)
    title = "rank score" if ranked else "score"
    rows = table(
        "",
        "category",
        title,
        "change",
        "was",
        numbers=("", title, "change", "was"),
        whole=("category",),
    )
    pairs = zip(result.categories, reply.explanations, strict=True)
    for then, now in sorted(pairs, key=lambda pair: pair[0].rank or float("inf")):
        before = now.rank_score if ranked else now.score
        after = then.rank_score if ranked else then.score
        cells = ["left out", ""] if after is None else [f"{after:.6f}", ""]
        if after is not None and before is not None:
            cells[1] = f"{after - before:+.6f}"
        rows.add_row(f"{then.rank or ''}", then.category, *cells, f"{now.rank or ''}")
    print_table(rows, empty="")
    if result.margin is not None:
        say(f"margin of the first over the second: {result.margin:.6f}")
