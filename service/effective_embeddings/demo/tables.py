"""The list of suggestions and the message of the demo, on a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from effective_embeddings.demo.results import Candidate, ListResults, Reasons, Row, Story

__all__ = ["print_lists", "print_story"]

_TEXT = 34
_CATEGORY = 27


def print_lists(lists: list[ListResults], console: Console) -> None:
    """Print what each list cost, and its first rows half-way and its last rows."""
    if not lists:
        return
    console.print(
        f"\n[bold]One list of {lists[0].projects} projects of up to five messages, worked from the"
        " top[/bold]",
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("ranked by", no_wrap=True)
    for name in ("corrections", "half-way right", "same rows by names"):
        table.add_column(name, justify="right")
    for each in lists:
        table.add_row(
            each.ranking,
            f"{each.corrections}",
            f"{each.half_way:.0f} %",
            f"{each.half_way_by_names:.0f} %",
        )
    console.print(table)
    for each in lists:
        _print_rows(f"{each.ranking}: the top of the list half-way", each.first_rows, console)
        _print_rows(f"{each.ranking}: the last rows", each.last_rows, console)


def _print_rows(title: str, rows: list[Row], console: Console) -> None:
    console.print(f"[dim]{title}[/dim]", highlight=False)
    for row in rows:
        right = row.suggested == row.category
        mark = "[green]✓[/green]" if right else "[red]✗[/red]"
        instead = "" if right else f" [dim]is {escape(_cut(row.category, _CATEGORY))}[/dim]"
        console.print(
            f"  {mark} {row.confidence:6.3f}  {escape(_cut(row.text, _TEXT)):<{_TEXT}}"
            f"  {escape(_cut(row.suggested, _CATEGORY))}{instead}",
            highlight=False,
            soft_wrap=True,
        )


def print_story(story: Story, console: Console) -> None:
    """Print the best categories of one message before and after, and what the scores rest on."""
    console.print("\n[bold]One message that was never assigned[/bold]")
    console.print(f"  “{escape(story.text)}”  → {escape(story.category)}", soft_wrap=True)
    for title, candidates in (
        ("by names alone", story.before),
        ("after the sorting, by LOCAL", story.after),
    ):
        console.print(f"[dim]{title}[/dim]")
        for each in candidates:
            _print_candidate(each, story.category, console)
    _print_reasons(story.reasons, console)


def _print_reasons(reasons: Reasons, console: Console) -> None:
    """Print the parts that add up to the first rank score."""
    console.print("[dim]why: its rank score is the sum of[/dim]")
    lines = [
        (reasons.cosine, "cosine with the mean of its name and members"),
        (reasons.fairness, "fairness: less what it expects of an item of its own"),
        *(
            (each.pull, f"neighbour, cosine {each.similarity:.3f}: {_cut(each.text, 44)}")
            for each in reasons.neighbours
        ),
    ]
    if reasons.other_neighbour_count:
        lines.append((reasons.other_neighbours, f"{reasons.other_neighbour_count} more neighbours"))
    for value, text in lines:
        console.print(f"    {value:+.3f}  {escape(text)}", highlight=False, soft_wrap=True)


def _print_candidate(each: Candidate, category: str, console: Console) -> None:
    mark = "[green]✓[/green]" if each.category == category else " "
    pull = f"{each.rank_score - each.score:+.3f} by fairness and neighbours"
    why = "the name alone" if not each.count else f"{each.count} members, {pull}"
    console.print(
        f"  {mark} {each.rank_score:6.3f}  {escape(_cut(each.category, _CATEGORY)):<{_CATEGORY}}"
        f"  cosine {each.score:.3f}, {why}",
        highlight=False,
        soft_wrap=True,
    )


def _cut(text: str, width: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"
