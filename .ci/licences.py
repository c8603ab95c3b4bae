"""List the licences of everything that is shipped, and fail on one that is not allowed.

    python .ci/licences.py            # from the environment that requirements.lock made

Offline: it reads the metadata that cargo and pip have on the disk.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution

__all__: list[str] = []

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "PSF-2.0",
    "Python-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "blessing",  # SQLite's
}
# Names in the older metadata fields of wheels.
NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
}
SHIPPED = "effective-embeddings"


def crates() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of each crate in the extension."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603
    packages = {each["id"]: each for each in found["packages"]}
    nodes = {each["id"]: each for each in found["resolve"]["nodes"]}
    todo = list(found["workspace_members"])
    seen = set(todo)
    while todo:
        for dep in nodes[todo.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dep["dep_kinds"])
            if normal and dep["pkg"] not in seen:
                seen.add(dep["pkg"])
                todo.append(dep["pkg"])
    for package in sorted(seen - set(found["workspace_members"])):
        each = packages[package]
        yield each["name"], each["version"], each["license"] or "unknown"


def wheels() -> Iterator[tuple[str, str, str]]:
    """Name, version and licence of each distribution that the package needs."""
    todo, seen = [SHIPPED], {SHIPPED}
    while todo:
        found = distribution(todo.pop())
        for requirement in found.requires or []:
            name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
            if "extra ==" not in requirement and name not in seen and _installed(name):
                seen.add(name)
                todo.append(name)
    for name in sorted(seen - {SHIPPED}):
        each = distribution(name)
        yield name, each.version, _licence(each)


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except ImportError:
        # A wheel of another platform.
        return False
    return True


def _licence(found: Distribution) -> str:
    metadata = found.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    for classifier in metadata.get_all("Classifier") or []:
        if classifier.startswith("License :: OSI Approved :: "):
            last = classifier.rpartition(" :: ")[2]
            return NAMES.get(last, last)
    text = (metadata.get("License") or "unknown").splitlines()[0]
    return NAMES.get(text, text)


def allowed(licence: str) -> bool:
    """Whether a licence expression is allowed: all terms of one of its alternatives."""
    choices = re.split(r"\s+OR\s+|/", licence.replace("(", "").replace(")", ""))
    return any(
        all(part.strip() in ALLOWED for part in re.split(r"\s+AND\s+", choice))
        for choice in choices
    )


def main() -> int:
    """List all licences; return 1 if one is not allowed."""
    wrong = 0
    for kind, found in (("crate", crates()), ("wheel", wheels())):
        for name, version, licence in found:
            right = allowed(licence)
            wrong += not right
            sys.stdout.write(f"{'' if right else 'NOT KNOWN TO BE RIGHT: '}{kind} {name} ")
            sys.stdout.write(f"{version}: {licence}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
