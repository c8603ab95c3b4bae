# The Rust core: bytes and numpy arrays in and out. Every method releases the GIL.

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ENGINE_METRICS",
    "LIMITS",
    "METHODS",
    "RELEASE_BUILD",
    "VERSION",
    "CategoryMatrix",
    "Engine",
    "Grant",
    "Restore",
    "SnapshotIterator",
    "StatusError",
    "backup",
    "kernels",
    "namespace_of",
    "repair",
]

ENGINE_METRICS: Final[tuple[tuple[str, str, str], ...]]
LIMITS: Final[tuple[tuple[str, int], ...]]
METHODS: Final[tuple[tuple[str, str], ...]]
VERSION: Final[str]
RELEASE_BUILD: Final[bool]

def backup(
    path: str | os.PathLike[str], to: str | os.PathLike[str]
) -> list[tuple[str, int, bytes]]: ...
def kernels() -> list[str]: ...
def namespace_of(method: str, request: bytes) -> str | None: ...
def repair(path: str | os.PathLike[str], into: str | os.PathLike[str]) -> dict[str, Any]: ...

class StatusError(Exception):
    code: int
    message: str
    details: bytes
    internal_detail: str | None

@final
class Grant:
    def __new__(cls, principal: str, rules: Sequence[tuple[str, str]]) -> Grant: ...
    @staticmethod
    def unrestricted(principal: str) -> Grant: ...

@final
class Engine:
    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        memory_budget: int | None = None,
        kernel: str | None = None,
        threads: int | None = None,
        max_namespaces: int | None = None,
        max_message_bytes: int | None = None,
    ) -> Engine: ...
    def call(
        self, method: str, request: bytes, grant: Grant, timeout: float | None = None
    ) -> bytes: ...
    def try_call(self, method: str, request: bytes, grant: Grant) -> bytes | None: ...
    def snapshot(
        self, request: bytes, grant: Grant, timeout: float | None = None
    ) -> SnapshotIterator: ...
    def restore(self, grant: Grant) -> Restore: ...
    def health(self) -> tuple[bool, str]: ...
    def stats(self) -> dict[str, Any]: ...
    def stop_writes(self) -> None: ...
    def close(self) -> None: ...

@final
class SnapshotIterator(Iterator[bytes]):
    def __iter__(self) -> SnapshotIterator: ...
    def __next__(self) -> bytes: ...

@final
class Restore:
    def push(self, request: bytes) -> None: ...
    def finish(self) -> bytes: ...
    def abort(self) -> None: ...

@final
class CategoryMatrix:
    def __new__(
        cls, dimension: int, *, kernel: str | None = None, threads: int = 1
    ) -> CategoryMatrix: ...
    def __len__(self) -> int: ...
    def add_rows(self, bases: NDArray[np.float32]) -> int: ...
    def add(
        self,
        rows: NDArray[np.int64],
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32] | None = None,
    ) -> None: ...
    def remove(
        self,
        rows: NDArray[np.int64],
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32] | None = None,
    ) -> None: ...
    def sums(self, row: int) -> NDArray[np.int64]: ...
    def effective(self, row: int) -> NDArray[np.float32]: ...
    def top_k(
        self, queries: NDArray[np.float32], k: int = 10
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
