"""A call as data: its requests, and how its replies are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from effective_embeddings.client.limits import MAX_BATCH, MAX_CHUNK_BYTES

__all__ = ["Call", "Chunk", "Pages", "batch_size", "cut", "single"]

_R = TypeVar("_R")
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One request of a call.

    Attributes:
        request: The message.
        offset: Place of its first entry in the whole batch.
    """

    request: Message
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Call(Generic[_R]):
    """A call: its requests are sent one after the other, and its replies are read together.

    Attributes:
        method: Name of the RPC.
        chunks: The requests; built while they are sent.
        parse: Returns the result, given all replies.
        entries: Name of the request's repeated field that was cut into chunks; empty: none.
        halve: Cuts a chunk in two if its reply would be too large; None: it cannot be cut.
    """

    method: str
    chunks: Iterable[Chunk]
    parse: Callable[[list[Any]], _R]
    entries: str = ""
    halve: Callable[[Chunk], tuple[Chunk, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Pages(Generic[_R]):
    """A listing: requests are sent until a reply has no next_page_token.

    Attributes:
        method: Name of the RPC.
        request: Returns the request for a page, given its token; the first token is empty.
        parse: Returns the entries of a reply.
    """

    method: str
    request: Callable[[str], Message]
    parse: Callable[[Any], Iterable[_R]]


def single(method: str, request: Message, parse: Callable[[Any], _R]) -> Call[_R]:
    """Return a call of one request."""
    return Call(method, (Chunk(request),), lambda replies: parse(replies[0]))


def batch_size() -> int:
    """Return the most entries of one write."""
    return MAX_BATCH


def cut(
    count: int,
    max_entries: Callable[[], int],
    new: Callable[[int], _M],
    add: Callable[[_M, int], int],
) -> Iterator[Chunk]:
    """Build requests of at most ``max_entries`` entries and about MAX_CHUNK_BYTES each.

    Args:
        count: Number of entries; 0 makes one request without entries, which the service refuses.
        max_entries: Returns the most entries of one request; asked again for each entry.
        new: Returns the request of the chunk with a number, from 0.
        add: Adds the entry with an index to a request, and returns its size in bytes.
    """
    number, offset, size, last = 0, 0, 0, 0
    request = new(0)
    for index in range(count):
        if index - offset >= max_entries() or (size and size + last > MAX_CHUNK_BYTES):
            # Made first: where a second request is refused here, the first is not sent either.
            following = new(number + 1)
            yield Chunk(request, offset)
            number, offset, size = number + 1, index, 0
            request = following
        last = add(request, index)
        size += last
    yield Chunk(request, offset)
