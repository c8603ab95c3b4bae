# The Rust core: bytes and numpy arrays in and out. Every method releases the GIL.

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACCESS_LIMITS",
    "ENGINE_METRICS",
    "LIMITS",
    "MAX_QUEUED_CALLS",
    "METHODS",
    "RELEASE_BUILD",
    "VERSION",
    "Admission",
    "Caller",
    "CategoryMatrix",
    "Engine",
    "Grant",
    "LoadShedder",
    "Permit",
    "Refusals",
    "Restore",
    "SnapshotIterator",
    "StatusError",
    "StreamPace",
    "TokenBucket",
    "TokenTable",
    "backup",
    "kernels",
    "namespace_of",
    "repair",
    "token_hash",
]

ACCESS_LIMITS: Final[tuple[tuple[str, int], ...]]
"""The limits of token files and tokens, by name."""
MAX_QUEUED_CALLS: Final[int]
"""Calls of one method that may wait to be looked at; with more, the queue stands."""
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
    """A refused call.

    Attributes:
        code: The gRPC status code, as a number.
        reason: The ErrorReason, without the prefix ``ERROR_REASON_``.
        message: The message, for people.
        details: A serialized ``google.rpc.Status``, for programs; at most 4096 bytes.
        retry_delay: Seconds after which a retry may succeed; None: a retry does not help.
        trailing_metadata: ``details`` and ``retry_delay`` as the trailing metadata of a gRPC call.
        internal_detail: Text for the service's log, which callers must not see; None: no text.
    """

    code: int
    reason: str
    message: str
    details: bytes
    retry_delay: float | None
    trailing_metadata: tuple[tuple[str, str | bytes], ...]
    internal_detail: str | None

@final
class Grant:
    def __new__(cls, principal: str, rules: Sequence[tuple[str, str]]) -> Grant: ...
    @staticmethod
    def unrestricted(principal: str) -> Grant: ...

def token_hash(token: str) -> str:
    """Return a token as a token file keeps it: ``sha256:`` and 64 hexadecimal digits."""

@final
class Caller:
    """A known caller: one token of a principal, or a principal without tokens. Immutable."""

    def __new__(cls, grant: Grant) -> Caller:
        """Make a caller without a token, whose principal is the grant's."""

    @property
    def principal(self) -> str:
        """The principal's name."""

    @property
    def grant(self) -> Grant:
        """The principal's permissions with this token."""

@final
class TokenTable:
    """The tokens of one token file. Immutable.

    The file has one entry per line, and comments after ``#``: a principal (1 to 64 letters, digits,
    ``.``, ``_``, ``@`` or ``-``), the token's hash (see ``token_hash``), and permissions. A
    permission is a scope (``read``, ``write`` or ``admin``, each of which includes the scopes
    before it), a colon, and a namespace pattern (a name, a prefix and ``*``, or ``*``). What no
    permission allows is denied. ``rate=N`` among the permissions is the token's own number of calls
    per second, 0 to 1,000,000, instead of the service's; 0: without a limit.
    """

    def __new__(cls, text: str, key: bytes) -> TokenTable:
        """Parse the text of a token file.

        Args:
            text: The text; at most 1024 entries, of which at most 2 belong to one principal.
            key: 32 random, secret bytes. Hashes are looked up by their MAC under the key, so the
                time of a look-up reveals nothing about a token that is nearly right.

        Raises:
            ValueError: The text is not a token file. The error names the line and never repeats
                it, since the line may hold a token by mistake.
        """

    def __len__(self) -> int: ...
    @property
    def principals(self) -> list[str]:
        """The principals that have a token, sorted."""

    def identify(self, token: str) -> Caller | None:
        """Return the caller that a token belongs to; None: the token is unknown."""

@final
class Admission:
    """Decides which calls run: identity, load shedding, rates and concurrency.

    Safe to use from any thread. Every method takes microseconds and keeps the GIL.
    """

    def __new__(
        cls,
        tokens: TokenTable | None,
        *,
        seed: int,
        calls_per_second: float,
        burst_calls: float,
        calls: int,
        calls_share: int,
        arriving: int,
        arriving_share: int,
        streams: int,
        streams_share: int,
        reply_bytes: int,
        reply_bytes_share: int,
        max_reply_bytes: int,
    ) -> Admission:
        """Configure an admission.

        A share is what one principal may hold of the whole.

        Args:
            tokens: The tokens of the callers; None: every call comes from the caller "local",
                which may do everything.
            seed: Spreads the delays before retries; any number from 0 to 2**64 - 1.
            calls_per_second: Calls of a token without a rate of its own; 0: without a limit.
            burst_calls: Calls at once within a rate; 0: the calls of one second.
            calls: Calls that are executed or wait for a worker, streams included.
            calls_share: Such calls of one principal.
            arriving: Calls whose request is still awaited.
            arriving_share: Such calls of one principal.
            streams: Streaming calls; each also counts as a call.
            streams_share: Such calls of one principal.
            reply_bytes: Bytes of replies that clients have not taken yet.
            reply_bytes_share: Such bytes of one principal.
            max_reply_bytes: Bytes of the largest reply that is sent.
        """

    def replace_tokens(self, table: TokenTable) -> None:
        """Replace the tokens at once; callers that stay keep what they have left of their rates."""

    def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> Caller:
        """Return the caller of a call, from the call's metadata.

        Raises:
            StatusError: UNAUTHENTICATED.
        """

    def admit(self, caller: Caller) -> None:
        """Count a call of a caller.

        Raises:
            StatusError: SHUTTING_DOWN or RATE_LIMITED.
        """

    def arrive(self, caller: Caller, shedder: LoadShedder, *, queued: bool) -> Permit:
        """Count a unary call of a caller, and let the call wait for its request.

        Args:
            caller: The caller.
            shedder: The load shedder of the call's method.
            queued: Whether more than ``MAX_QUEUED_CALLS`` calls of the method waited when the call
                came.

        Raises:
            StatusError: SHUTTING_DOWN, RATE_LIMITED or OVERLOADED.
        """

    def begin_stream(self, caller: Caller) -> Permit:
        """Return the permit of a streaming call.

        Raises:
            StatusError: OVERLOADED.
        """

    def check_reply(self, reply_bytes: int) -> None:
        """Refuse a message that is larger than what is sent.

        Raises:
            StatusError: REPLY_TOO_LARGE.
        """

    def close(self) -> None:
        """Refuse new calls from now on; admitted calls go on."""

    @property
    def in_flight(self) -> int:
        """Number of calls that are admitted and not answered yet."""

    @property
    def reply_bytes(self) -> int:
        """Bytes of replies that clients have not taken yet."""

@final
class Permit:
    """Room for one call, until ``release`` or until the permit is dropped."""

    def execute(self) -> None:
        """Exchange the permit to wait for a request for one to execute the call.

        Raises:
            StatusError: OVERLOADED; the permit stays as it is.
        """

    def reply(self, reply_bytes: int) -> None:
        """Exchange the permit for one for the bytes of the reply.

        While unread replies leave no room for the bytes, the call's own permit is kept instead.

        Raises:
            StatusError: REPLY_TOO_LARGE; the permit stays as it is.
        """

    def release(self) -> None:
        """Give the room back; idempotent."""

@final
class LoadShedder:
    """While a queue of one method's calls stands, admits equally many calls per principal."""

    def __new__(cls) -> LoadShedder: ...

@final
class TokenBucket:
    """A rate with a burst. Safe to use from any thread."""

    def __new__(cls, per_second: float, burst: float) -> TokenBucket:
        """Make a full bucket.

        Args:
            per_second: Events per second on average, more than 0.
            burst: Events at once, at least 1; 0: the events of one second.

        Raises:
            ValueError: A number is not finite, or the rate is not positive.
        """

    def try_take(self) -> bool:
        """Take one event; return whether there was one."""

@final
class StreamPace:
    """How fast a client must send or take a stream, while the service waits for the client."""

    def __new__(cls, bytes_per_second: float, stall_seconds: float) -> StreamPace:
        """Begin a stream.

        A single message may take ``stall_seconds``. Over the whole stream the client may make the
        service wait for ``stall_seconds`` and for the time that its bytes take at
        ``bytes_per_second``.
        """

    @property
    def allowance(self) -> float:
        """Seconds that the client may take for the next message; 0: cancel the stream."""

    def advance(self, waited: float, message_bytes: int) -> None:
        """Note that a message came or was taken after a wait, in seconds."""

@final
class Refusals:
    """The refusals that a listener makes itself, as exceptions to raise."""

    @staticmethod
    def starting() -> StatusError:
        """STARTING: the data is being opened."""

    @staticmethod
    def no_request(method: str) -> StatusError:
        """MALFORMED_REQUEST: a unary call ended without its request."""

    @staticmethod
    def overloaded(limit: str, value: int, retry_seconds: float) -> StatusError:
        """OVERLOADED: a limit of concurrent work, with its name and value, is reached."""

    @staticmethod
    def internal(request_id: str) -> StatusError:
        """INTERNAL: a defect, whose particulars the log has under an id."""

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
