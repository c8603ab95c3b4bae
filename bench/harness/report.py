"""REPORT.md, generated from the results alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.catalog import CATALOG
from bench.harness.plots import draw

__all__ = ["write_report"]


def write_report(results: Path) -> Path:
    """Write REPORT.md beside the folder of results, and the plots into the folder."""
    found = {
        name: json.loads((results / f"{name}.json").read_text("utf-8"))
        for name in CATALOG
        if (results / f"{name}.json").exists()
    }
    plots = draw(found, results)
    lines = ["# Report", "", *_summary(found)]
    for name, result in found.items():
        pictures = [f"![{each.title}]({results.name}/{each.file})" for each in plots.get(name, ())]
        lines += _section(result, pictures)
    lines += _instructions(results / "instructions.json")
    lines += _soak(results / "soak.json")
    path = results.parent / "REPORT.md"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _section(result: dict[str, Any], pictures: list[str]) -> list[str]:
    lines = ["", f"## {result['title']}", ""]
    for picture in pictures:
        lines += [picture, ""]
    lines += _table(result)
    for table in result.get("tables", ()):
        lines += _markdown(table)
    lines += [f"- {note}" for note in result["notes"]]
    return [*lines, "", _origin(result)]


def _soak(file: Path) -> list[str]:
    """The section of the soak, whose bounds are not speed targets and not in the summary."""
    if not file.exists():
        return []
    picture = f"![Resources and latencies of the server]({file.parent.name}/{file.stem}.png)"
    return _section(json.loads(file.read_text("utf-8")), [picture])


def _summary(found: dict[str, Any]) -> list[str]:
    figures = [figure for result in found.values() for figure in result["figures"]]
    aimed = [figure for figure in figures if figure["met"] is not None]
    met = sum(figure["met"] for figure in aimed)
    return [
        "Made by `python -m bench`; [README.md](README.md) says how to read it and what is not",
        "fair. Ratios are of things measured in turn in one run, since no two runs meet the same",
        "machine.",
        "",
        f"**{met} of {len(aimed)} targets are met.** The ones that are not:",
        "",
        *(
            f"- {result['title']}: {figure['what']}: {_number(figure['value'])} {figure['unit']},"
            f" target {figure['bound']} {_number(figure['target'])}"
            for result in found.values()
            for figure in result["figures"]
            if figure["met"] is False
        ),
    ]


def _table(result: dict[str, Any]) -> list[str]:
    lines = ["| what | measured | quartiles | target | |", "|---|--:|---|---|---|"]
    for figure in result["figures"]:
        spread = figure["spread"]
        quartiles = f"{_number(spread[0])} – {_number(spread[1])}" if spread else ""
        aimed = figure["met"] is not None
        target = f"{figure['bound']} {_number(figure['target'])}" if aimed else ""
        verdict = {True: "met", False: "**missed**", None: ""}[figure["met"]]
        value = f"{_number(figure['value'])} {figure['unit']}"
        lines.append(f"| {figure['what']} | {value} | {quartiles} | {target} | {verdict} |")
    lines += ["", "<details><summary>Measurements</summary>", ""]
    for figure in result["figures"]:
        if figure["parts"]:
            parts = "; ".join(f"{key}: {_number(value)}" for key, value in figure["parts"].items())
            lines.append(f"- {figure['what']}: {parts}")
    return [*lines, "", "</details>", ""]


def _markdown(table: dict[str, Any]) -> list[str]:
    columns = table["columns"]
    return [
        f"**{table['title']}**",
        "",
        f"| {' | '.join(columns)} |",
        f"|---|{'--:|' * (len(columns) - 1)}",
        *(f"| {' | '.join(row)} |" for row in table["rows"]),
        "",
    ]


def _origin(result: dict[str, Any]) -> str:
    facts = result["facts"]
    dirty = " and changes" if facts["changed_since_commit"] else ""
    return (
        f"`{result['command']}`, {facts['time']}, commit {facts['commit']}{dirty}, "
        f"{facts['cpu']}, {facts['cores']} cores, load {facts['load_before']} before, kernel "
        f"{facts['kernel']}, {facts['build']} build, numpy's kernel {facts['numpy_kernel']}."
    )


def _instructions(file: Path) -> list[str]:
    if not file.exists():
        return []
    kept = json.loads(file.read_text("utf-8"))
    lines = ["", "## Instructions", "", kept["about"], "", "| path | instructions |", "|---|--:|"]
    lines += [f"| {name} | {count:,} |" for name, count in kept["instructions"].items()]
    return [*lines, "", f"`{kept['command']}`, commit {kept['commit']}."]


def _number(value: float | str) -> str:
    if isinstance(value, str):
        return value
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"
