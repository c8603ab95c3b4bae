"""Write the tables of docs/reference.md from the code, or check that they are current.

    python scripts/reference.py            # write them
    python scripts/reference.py --check    # fail if they differ from what the code says

Methods and error reasons have the comments of the protos; settings, limits, metrics and commands
their own help; failpoints their doc comments.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc
from typer.core import TyperGroup

from effective_embeddings._core import ENGINE_METRICS
from effective_embeddings.cli import app
from effective_embeddings.server import DEFINITIONS, Settings, all_limits
from effective_embeddings.server.observability.metric_table import SERVER_METRICS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "reference.md"
_SECTION = re.compile(r"(<!-- begin (\w+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _settings() -> str:
    return _table(
        ("setting", "what it sets", "allowed", "default"),
        (
            (f"`{name}`", each.help, each.range_text, each.default_text)
            for name, each in DEFINITIONS.items()
        ),
    )


def _limits() -> str:
    return _table(
        ("limit", "value", "beyond it"),
        (
            (
                f"`{each.name}`",
                f"{each.value:,.12g} {each.unit}".rstrip() if each.value else "none",
                each.beyond,
            )
            for each in all_limits(Settings(data=Path("effemb-data")))
        ),
    )


def _metrics() -> str:
    rows = [(each.name, each.kind, each.labels, each.help) for each in SERVER_METRICS.values()]
    rows += [(f"effemb_{name}", kind, (), text) for name, kind, text in ENGINE_METRICS]
    return _table(
        ("metric", "kind", "labels", "meaning"),
        (
            (
                f"`{name}{'_total' if kind == 'counter' else ''}`",
                kind,
                ", ".join(f"`{label}`" for label in labels),
                text,
            )
            for name, kind, labels, text in rows
        ),
    )


# The field numbers of SourceCodeInfo's paths, by descriptor.proto.
_ENUM, _SERVICE, _MEMBER = 5, 6, 2
_REASON = "ERROR_REASON_"


def _protos() -> Iterator[tuple[FileDescriptorProto, dict[tuple[int, ...], str]]]:
    """Yield each proto with its comments by path."""
    folder = ROOT / "proto"
    with tempfile.NamedTemporaryFile() as out:
        status = protoc.main(
            [
                "protoc",
                f"--proto_path={folder}",
                f"--proto_path={Path(protoc.__file__).parent / '_proto'}",
                "--include_source_info",
                f"--descriptor_set_out={out.name}",
                *map(str, sorted(folder.rglob("*.proto"))),
            ]
        )
        if status:
            sys.exit("protoc refused the protos")
        files = FileDescriptorSet.FromString(Path(out.name).read_bytes()).file
    for file in files:
        comments = file.source_code_info.location
        yield file, {tuple(each.path): each.leading_comments.strip() for each in comments}


def _methods() -> str:
    return _table(
        ("method", "what it does"),
        (
            (f"`{method.name}`", comments[_SERVICE, s, _MEMBER, m].split("\n\n")[0])
            for file, comments in _protos()
            for s, service in enumerate(file.service)
            for m, method in enumerate(service.method)
        ),
    )


def _reasons() -> str:
    found = {
        value.name: comments[_ENUM, e, _MEMBER, v]
        for file, comments in _protos()
        for e, enum in enumerate(file.enum_type)
        for v, value in enumerate(enum.value)
        if enum.name == "ErrorReason" and value.number
    }
    rows = []
    for name, comment in found.items():
        status, _, text = " ".join(comment.split()).partition(". ")
        text, _, example = text.partition(" Example: ")
        metadata = f"`{example.removesuffix('.')}`" if example else ""
        rows.append((f"`{name.removeprefix(_REASON)}`", status, text, metadata))
    return _table(("reason", "status", "meaning", "metadata, for example"), rows)


def _commands() -> str:
    return _table(("command", "what it does"), _commands_of(typer.main.get_command(app), "effemb"))


def _commands_of(command: Any, name: str) -> Iterator[tuple[str, str]]:
    if not isinstance(command, TyperGroup):
        yield f"`{name}`", (command.help or "").strip().split("\n\n", maxsplit=1)[0]
        return
    context: Any = None  # no list of commands depends on it
    for word in command.list_commands(context):
        each: Any = command.get_command(context, word)
        if not each.hidden:
            yield from _commands_of(each, f"{name} {word}")


def _failpoints() -> str:
    (file,) = (ROOT / "rust_core").glob("*/src/**/failpoints.rs")
    (body,) = re.findall(r"^\w+! \{\n(.*?)^\}", file.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    found = re.findall(r"((?: *///.*\n)+) *(\w+),", body)
    return _table(
        ("failpoint", "position"),
        ((f"`{name}`", re.sub(r"\s*///", "", doc).strip()) for doc, name in found),
    )


SECTIONS: dict[str, Callable[[], str]] = {
    "methods": _methods,
    "reasons": _reasons,
    "settings": _settings,
    "limits": _limits,
    "metrics": _metrics,
    "commands": _commands,
    "failpoints": _failpoints,
}


def rendered(text: str) -> str:
    """Return the document with current tables.

    Raises:
        KeyError: The document has a section that this script does not know.
    """
    return _SECTION.sub(lambda found: found[1] + SECTIONS[found[2]]() + found[3], text)


def main() -> int:
    """Write the document, or check it."""
    before = DOCUMENT.read_text("utf-8")
    after = rendered(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            sys.stderr.write("docs/reference.md is not current: make reference\n")
        return int(before != after)
    DOCUMENT.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
