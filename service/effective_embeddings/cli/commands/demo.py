"""`effemb demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings.cli.shared.failures import fail, telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import console, errors, print_json
from effective_embeddings.client.errors import AlreadyExists
from effective_embeddings.demo.demo_server import DemoServerError, demo_server
from effective_embeddings.demo.presentation import present
from effective_embeddings.demo.sample import sample_path
from effective_embeddings.evaluation.dataset import DatasetError, load_dataset

__all__ = ["demo"]


def demo(
    *,
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A full data set; default: the sample in the package."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder for the results and the picture.")
    ] = Path("demo-out"),
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The server's data; default: temporary, then deleted."),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Address of the server.")
    ] = "127.0.0.1:0",
    seed: Annotated[int, typer.Option(help="Seed of the order of the stream.")] = 7,
    keep_serving: Annotated[
        bool, typer.Option("--keep-serving", help="Leave the server running until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """See categories learn: a simulated user sorts real messages on a real server.

    Starts a server, creates 77 categories by their names, sorts a stream of customers' messages
    (Match, then Assign to the right category), makes mistakes, corrects them, and shows that the
    state is the same as before, to the last bit.

    Example:  effemb demo

    Example:  effemb demo --dataset ./banking77 --keep-serving
    """
    with telling_failures(as_json=as_json):
        try:
            chosen = load_dataset(dataset or sample_path())
            with demo_server(listen, data) as server:
                results = present(
                    server,
                    chosen,
                    out=out,
                    seed=seed,
                    keep_serving=keep_serving,
                    console=errors if as_json else console,
                )
                if as_json:
                    print_json(results.to_json())
                if results.problems:
                    raise fail("; ".join(results.problems), as_json=as_json)
                if keep_serving:
                    status = f"serving at {server.target} until Ctrl-C, data in {server.data}"
                    (errors if as_json else console).print(f"\n[bold]{status}[/bold]")
                    server.wait()
        except AlreadyExists as error:
            message = f"{error.message}: the demo needs an empty --data"
            raise fail(message, as_json=as_json) from error
        except (DatasetError, DemoServerError) as error:
            raise fail(str(error), as_json=as_json) from error
