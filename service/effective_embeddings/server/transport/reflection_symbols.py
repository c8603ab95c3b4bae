"""The descriptors that reflection serves, with methods by their names."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor

__all__ = ["Symbols"]


class Symbols:
    """The default descriptor pool, in which the methods of a service are symbols too.

    The pool itself finds a service by its name and none of its methods, so that `grpcurl describe`
    would not find them either.
    """

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - the pool's
        """Return the file of a message, an enum, a service or a method; raise KeyError."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            descriptor = self._pool.FindServiceByName(service)
            file: FileDescriptor = descriptor.methods_by_name[method].containing_service.file
            return file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
