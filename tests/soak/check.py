"""The final check: exactly the acknowledged writes are present, once each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from effective_embeddings import Client
from tests.model.rebuild import rebuild
from tests.soak.tenants import Tenant
from tests.support.folders import quick_folder

__all__ = ["check_all", "check_reopened"]


def check_all(client: Client, tenants: Sequence[Tenant]) -> dict[str, bytes]:
    """Compare each tenant with its journal; return the digests.

    Raises:
        AssertionError: A write is lost, applied twice, or wrong.
    """
    names = [each.name for each in client.list_namespaces()]
    assert sorted(names) == sorted(tenant.name for tenant in tenants)
    digests = {}
    with quick_folder() as folder, Client.embedded(folder / "data") as other:
        for tenant in tenants:
            found = client.get_namespace(tenant.name)
            model = tenant.journal.catch_up(found.revision)
            # Each revision is an answered write, or an unanswered one that was applied.
            assert tenant.journal.unanswered == tenant.turned_out_done, tenant.name
            items = {
                item.key: (frozenset(each.category for each in item.memberships), item.weight)
                for item in client.list_items(tenant.name)
            }
            expected = {
                key: (frozenset(model.categories_of(key)), float(np.float32(item.weight)))
                for key, item in model.items.items()
            }
            assert items == expected, tenant.name
            report = client.verify(tenant.name)
            assert report.findings == ()
            assert report.digest == found.digest
            rebuild(other, tenant.name, model, random.Random(tenant.name))
            assert other.get_namespace(tenant.name).digest == found.digest, tenant.name
            digests[tenant.name] = found.digest
    return digests


def check_reopened(data: Path, digests: dict[str, bytes]) -> None:
    """Open the directory after the stop, and compare again."""
    with Client.embedded(data) as client:
        assert {each.name: each.digest for each in client.list_namespaces()} == digests
        for name, digest in digests.items():
            report = client.verify(name)
            assert report.findings == ()
            assert report.digest == digest
