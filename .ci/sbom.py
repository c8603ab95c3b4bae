"""Write a CycloneDX bill of materials of everything that is shipped: crates and wheels.

    python .ci/sbom.py dist/sbom.json      # from the environment that requirements.lock made

Offline and deterministic for given locks. The hashes of wheels are in requirements.lock.
"""

from __future__ import annotations

import json
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from licences import SHIPPED, crates, wheels

__all__: list[str] = []

ROOT = Path(__file__).parents[1]
PURLS = {"crate": "pkg:cargo", "wheel": "pkg:pypi"}


def component(
    kind: str, name: str, release: str, licence: str, digest: str | None
) -> dict[str, Any]:
    """A component of the bill."""
    purl = f"{PURLS[kind]}/{name}@{release}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": release,
        "purl": purl,
        "licenses": [{"expression": licence.replace("/", " OR ")}],
    }
    if digest is not None:
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return found


def bill() -> dict[str, Any]:
    """The whole bill."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    digests = {(each["name"], each["version"]): each.get("checksum") for each in lock}
    parts = [component("crate", *each, digests[each[:2]]) for each in crates()]
    parts += [component("wheel", *each, None) for each in wheels()]
    own = {"type": "application", "name": SHIPPED, "version": version(SHIPPED)}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**own, "licenses": [{"expression": "Apache-2.0"}]}},
        "components": parts,
    }


def main() -> int:
    """Write the bill to the given file."""
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    found = bill()
    path.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(f"{path}: {len(found['components'])} components\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
