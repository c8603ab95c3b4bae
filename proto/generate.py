"""Generate the Python side of the contract, or check that the committed files are current.

    python proto/generate.py            # write service/effective_embeddings/v1/
    python proto/generate.py --check    # fail if they differ from what the protos say

Uses the compiler that comes with the locked grpcio-tools, so that everyone generates the same bytes
and no system protoc is needed. It is an old one on purpose: see the dependencies in
pyproject.toml. The protos' folder (effective_embeddings/v1) is the package's own, so the imports in
the generated code are right as they are. Links beside the modules lead to the protos: a wheel then
brings the contract along, and `site-packages` serves as an include path of protoc.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parent
SERVICE_ROOT = PROTO_ROOT.parent / "service"
PACKAGE = Path("effective_embeddings", "v1")
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py")


def generate(output: Path) -> None:
    """Write the modules below ``output``; raise RuntimeError if a proto is refused."""
    protos = sorted((PROTO_ROOT / PACKAGE).glob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={well_known}",
            f"--python_out={output}",
            f"--pyi_out={output}",
            *(str(proto) for proto in protos),
        ]
    ) or protoc.main(
        # Only the file that has a service: the others would give empty modules.
        [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--proto_path={well_known}",
            f"--grpc_python_out={output}",
            *(str(proto) for proto in protos if "\nservice " in proto.read_text("utf-8")),
        ]
    )
    if status:
        message = f"protoc refused the protos below {PROTO_ROOT} (exit status {status})"
        raise RuntimeError(message)


def read_files(root: Path) -> dict[str, bytes]:
    """Return the generated files below ``root``: file name to content."""
    folder = root / PACKAGE
    return {path.name: path.read_bytes() for pattern in GENERATED for path in folder.glob(pattern)}


def describe_differences(committed: dict[str, bytes], fresh: dict[str, bytes]) -> list[str]:
    """Return a line for each file that is missing, outdated, or without a proto."""
    lines = []
    for name in sorted(committed.keys() | fresh.keys()):
        if name not in committed:
            lines.append(f"missing: {name}")
        elif name not in fresh:
            lines.append(f"without a proto: {name}")
        elif committed[name] != fresh[name]:
            lines.append(f"differs: {name}")
    return lines


def main() -> int:
    """Generate or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on differences")
    check_only = parser.parse_args().check

    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh = read_files(Path(scratch))
    differences = describe_differences(read_files(SERVICE_ROOT), fresh)
    if check_only:
        if differences:
            sys.stderr.write(
                "The generated code is not what the protos say:\n  "
                + "\n  ".join(differences)
                + "\nRun `python proto/generate.py` with the locked grpcio-tools and commit it.\n"
            )
        return 1 if differences else 0

    target = SERVICE_ROOT / PACKAGE
    target.mkdir(parents=True, exist_ok=True)
    for name in read_files(SERVICE_ROOT).keys() - fresh.keys():
        (target / name).unlink()
    for name, content in fresh.items():
        (target / name).write_bytes(content)
    sys.stdout.write("\n".join(differences or ["nothing to change"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
