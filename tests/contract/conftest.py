"""The contract holds on each transport, and in process."""

from __future__ import annotations

import pytest

from tests.conftest import Way


@pytest.fixture(params=["remote", "grpcio", "embedded"])
def way(request: pytest.FixtureRequest) -> Way:
    """Over the native listener, over the grpcio server, and in process."""
    chosen: Way = request.param
    return chosen
