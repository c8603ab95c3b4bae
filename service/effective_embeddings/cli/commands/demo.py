"""`effemb demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from effective_embeddings.cli.shared.failures import fail, telling_failures
from effective_embeddings.cli.shared.options import JsonOption
from effective_embeddings.cli.shared.output import console, errors, print_json
from effective_embeddings.client.errors import AlreadyExists
from effective_embeddings.demo.dataset import DatasetError, load_dataset, sample_path
from effective_embeddings.demo.hosting import HostingError, hosting
from effective_embeddings.demo.show import show

__all__ = ["demo"]


def demo(
    *,
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A full data set; default: the sample in the package."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the figures and the picture go.")
    ] = Path("demo-out"),
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The server's data; default: temporary, then deleted."),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the server listens.")
    ] = "127.0.0.1:0",
    seed: Annotated[int, typer.Option(help="Decides the order of the stream.")] = 7,
    keep_serving: Annotated[
        bool, typer.Option("--keep-serving", help="Leave the server running until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """See categories learn: a person sorts real messages through the real server.

    Starts a server, gives it 77 categories by their names, sorts a stream of customers'
    messages (first Match, then Assign what the person says), makes mistakes, takes them back,
    and shows that the state is then the very same, to the last bit.

    Example:  effemb demo

    Example:  effemb demo --dataset ./banking77 --keep-serving
    """
    with telling_failures(as_json=as_json):
        try:
            chosen = load_dataset(dataset or sample_path())
            with hosting(listen, data) as server:
                results = show(
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
                    told = f"serving at {server.target} until Ctrl-C, data in {server.data}"
                    (errors if as_json else console).print(f"\n[bold]{told}[/bold]")
                    server.wait()
        except AlreadyExists as error:
            told = f"{error.message}: the demo begins with nothing, so give it a fresh --data"
            raise fail(told, as_json=as_json) from error
        except (DatasetError, HostingError) as error:
            raise fail(str(error), as_json=as_json) from error
