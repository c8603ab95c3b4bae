"""The whole demo on a console: the scenario, then results, plots and commands to try."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from effective_embeddings.client import DEFAULT_TARGET, Client
from effective_embeddings.demo.demo_server import DemoServer
from effective_embeddings.demo.png_plot import save_png
from effective_embeddings.demo.results import Results
from effective_embeddings.demo.scenario import run_scenario
from effective_embeddings.demo.tables import print_lists, print_story
from effective_embeddings.demo.terminal import TerminalObserver, results_table
from effective_embeddings.demo.terminal_plot import terminal_plot
from effective_embeddings.evaluation.dataset import Dataset

__all__ = ["present"]


def present(
    server: DemoServer,
    dataset: Dataset,
    *,
    out: Path,
    seed: int,
    keep_serving: bool,
    console: Console,
) -> Results:
    """Run the demo on a server; write `results.json` and `accuracy.png` to `out`."""
    console.print(f"[bold]{dataset.attribution()}[/bold]", soft_wrap=True)
    console.print(
        f"{len(dataset.categories)} categories, {len(dataset.train):,} messages to sort,"
        f" {len(dataset.test):,} to test on; server at {server.target}",
        soft_wrap=True,
    )
    with Client(server.target, actor="demo") as client:
        results = run_scenario(client, dataset.name, dataset, seed, TerminalObserver(console))
        version = client.service_info()
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.to_json(), indent=1, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    console.print()
    console.print(results_table(results))
    _print_stream(results, console)
    _print_checks(results, console)
    print_lists(results.lists, console)
    if results.story is not None:
        print_story(results.story, console)
    _plots(results, out, console)
    console.print(
        f"[dim]{results.seconds:.1f} s, kernel {version.kernel},"
        f" {'release' if version.release_build else 'DEBUG'} build[/dim]"
    )
    if keep_serving:
        console.print("\n[bold]To try next[/bold]")
        _print_commands(server.target, dataset, console)
    else:
        again = f"effemb demo --keep-serving --listen {DEFAULT_TARGET}"
        console.print(f"\n[bold]To try next[/bold], after `{again}`")
        _print_commands(DEFAULT_TARGET, dataset, console)
    return results


def _print_stream(results: Results, console: Console) -> None:
    stream = results.stream
    if stream is None:
        return
    saved = stream.corrections_by_names_alone - stream.corrections_local
    console.print(
        f"Corrections while sorting {stream.messages:,}: [bold]{stream.corrections_local:,}[/bold]"
        f" by LOCAL, {stream.corrections:,} by COSINE, {stream.corrections_by_names_alone:,} by"
        f" names alone: [bold]{saved:,} saved[/bold].",
        f"\nOne call at a time: Match {stream.match.p50_ms:.2f} ms (p99 {stream.match.p99_ms:.2f}),"
        f" Assign {stream.assign.p50_ms:.2f} ms (p99 {stream.assign.p99_ms:.2f}).",
        sep="",
    )


def _print_checks(results: Results, console: Console) -> None:
    if results.problems:
        for problem in results.problems:
            console.print(f"[bold red]wrong:[/bold red] {escape(problem)}", soft_wrap=True)
        return
    console.print(
        f"{results.moved_wrongly:,} wrong assignments and their corrections left no trace: matches"
        " and state digest are the same, bit for bit, and so are the restored copy's."
    )


def _plots(results: Results, out: Path, console: Console) -> None:
    try:
        console.print()
        console.print(terminal_plot(results), markup=False)
    except ImportError:
        console.print("[dim]No plot: plotext 6 is not installed (the demo extra has it).[/dim]")
    try:
        save_png(results, out / "accuracy.png")
        console.print(f"\nPicture: {out / 'accuracy.png'}    Results: {out / 'results.json'}")
    except ImportError:
        console.print(
            f"\nResults: {out / 'results.json'}"
            "    [dim]No picture: matplotlib is not installed (the demo extra has it).[/dim]",
            soft_wrap=True,
        )


def _print_commands(target: str, dataset: Dataset, console: Console) -> None:
    name = dataset.name
    sample = dataset.categories[0]
    service = "effective_embeddings.v1.EffectiveEmbeddingsService"
    query = f'{{"namespace": "{name}", "queries": [{{"item": "message-00000"}}], "limit": 3}}'
    program = (
        "from effective_embeddings import Client;"
        f" print(Client('{target}').match('{name}', 'message-00000', limit=3))"
    )
    for line in (
        f"grpcurl -plaintext -d '{query}' {target} {service}/Match",
        f"effemb match {name} --item message-00000 --limit 3 --server {target}",
        f"effemb category get {name} {sample} --server {target}",
        f'python -c "{program}"',
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)
