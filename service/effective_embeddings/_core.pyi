"""The Rust core: bytes and NumPy arrays in and out.

Every object is safe to use from any thread. Whatever may wait or take longer than some microseconds
releases the GIL.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACCESS_LIMITS",
    "CALL_SECONDS_BOUNDS",
    "ENGINE_METRICS",
    "LIMITS",
    "LISTENER_LIMITS",
    "METHODS",
    "RELEASE_BUILD",
    "VERSION",
    "Admission",
    "AuditLog",
    "Call",
    "Calls",
    "CategoryMatrix",
    "Engine",
    "Events",
    "Grant",
    "Listener",
    "ReplyStream",
    "RequestStream",
    "StatusError",
    "TokenTable",
    "backup",
    "check_certificate",
    "frame_checksum",
    "kernels",
    "repair",
    "token_hash",
]

ACCESS_LIMITS: Final[tuple[tuple[str, int], ...]]
"""The limits of token files, of tokens and of calls that wait to be looked at, by name."""
CALL_SECONDS_BOUNDS: Final[tuple[float, ...]]
"""Upper bounds of the buckets of calls' durations, in seconds, inclusive."""
ENGINE_METRICS: Final[tuple[tuple[str, str, str], ...]]
LIMITS: Final[tuple[tuple[str, int], ...]]
"""The limits of requests, and their defaults, by name."""
LISTENER_LIMITS: Final[tuple[tuple[str, int], ...]]
"""The limits of the native listener that are not settings, by name."""
METHODS: Final[tuple[tuple[str, str], ...]]
"""The service's methods in the order of the contract, each with the scope that a grant needs."""
VERSION: Final[str]
"""Version of the package."""
RELEASE_BUILD: Final[bool]
"""False for a debug build, which is many times slower."""

def backup(
    path: str | os.PathLike[str], to: str | os.PathLike[str]
) -> list[tuple[str, int | None, bytes | None, list[str]]]:
    """Copy a data directory, which another process may have open, and verify the copy.

    A damaged namespace is copied as it is, and the backup of the others is complete.

    Args:
        path: The data directory.
        to: The new directory: it must not exist, or be empty.

    Returns:
        For each namespace in the copy, by name: its name; its revision and its digest (32 bytes),
        None if it cannot be loaded; and the findings of its verification, empty if it is intact.

    Raises:
        StatusError: The directory cannot be read, a page of it is damaged, or the copy cannot be
            written.
    """

def frame_checksum(frame: bytes, before: int) -> int | None:
    """Return the checksum of a serialized SnapshotFrame; see SnapshotFrame.checksum.

    Args:
        frame: The frame; its own checksum is not read.
        before: The checksum of the frame before; 0 for the first.

    Returns:
        The checksum, 64 bits; None if the bytes are no SnapshotFrame.
    """

def check_certificate(
    cert: os.PathLike[str], key: os.PathLike[str], client_ca: os.PathLike[str] | None
) -> None:
    """Check that a listener could use the files of a certificate.

    Args:
        cert: The chain of certificates, PEM, the listener's own first.
        key: Its private key, PEM, not encrypted.
        client_ca: Certificate authorities of clients, PEM; None: clients need no certificate.

    Raises:
        ValueError: They cannot be used; the text names the files.
    """

def kernels() -> list[str]:
    """Return the ranking kernels that this CPU can run, fastest first; "scalar" is always last."""

def repair(path: str | os.PathLike[str], into: str | os.PathLike[str]) -> dict[str, Any]:
    """Copy everything readable of a damaged data directory into a new one.

    Args:
        path: The damaged directory. It is only read; no process may have it open.
        into: The new directory: it must not exist, or be empty.

    Returns:
        ``whole``: True if nothing is lost; ``namespaces``: a dict for each with its ``name``,
        whether it is ``recovered``, its counts, and ``lost``; ``lost``: descriptions of what
        belongs to no known namespace.

    Raises:
        StatusError: The damaged directory cannot be opened, or the new one cannot be written.
    """

class StatusError(Exception):
    """A refused call.

    Attributes:
        code: The gRPC status code, as a number.
        reason: The ErrorReason, without the prefix ``ERROR_REASON_``.
        message: The message, for people.
        details: A serialized ``google.rpc.Status``, for programs; at most 4096 bytes.
        retry_delay: Seconds after which a retry may succeed; None: a retry does not help.
        trailing_metadata: ``details``, ``retry_delay`` and, of a server's call, its id, as the
            trailing metadata of a gRPC call.
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
    """What a caller may do. Immutable."""

    def __new__(cls, principal: str, rules: Sequence[tuple[str, str]]) -> Grant:
        """Make a grant of these rules; a call that no rule covers is denied.

        Args:
            principal: Who calls, at most 256 bytes.
            rules: Pairs of a scope ("read", "write" or "admin", each of which includes the scopes
                before it) and a namespace pattern (a name, a prefix and "*", or "*").

        Raises:
            ValueError: The principal is too long, or a rule has an unknown scope or a malformed
                pattern.
        """

    @staticmethod
    def unrestricted(principal: str) -> Grant:
        """Return a grant of everything."""

def token_hash(token: str) -> str:
    """Return a token as a token file keeps it: ``sha256:`` and 64 hexadecimal digits."""

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

    def principal_of(self, token: str) -> str | None:
        """Return the principal that a token belongs to; None: the token is unknown."""

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
        waiting: int,
        waiting_share: int,
        reply_bytes: int,
        reply_bytes_share: int,
        max_reply_bytes: int,
    ) -> Admission:
        """Configure an admission.

        A share is what one principal may hold of the whole, and at most half of what the
        others leave; one that equals the whole has no effect.

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
            waiting: Reads that wait for a revision, in the native listener.
            waiting_share: Such reads of one principal.
            reply_bytes: Bytes of replies that clients have not taken yet.
            reply_bytes_share: Such bytes of one principal.
            max_reply_bytes: Bytes of the largest reply that is sent.
        """

    def replace_tokens(self, table: TokenTable) -> None:
        """Replace the tokens at once; callers that stay keep the rest of their rates."""

    def close(self) -> None:
        """Refuse new calls from now on; admitted calls go on."""

    @property
    def in_flight(self) -> int:
        """Number of calls that are admitted and not answered yet."""

    @property
    def reply_bytes(self) -> int:
        """Bytes of replies that clients have not taken yet."""

@final
class Engine:
    """One data directory, open, and the calls that it answers.

    Every method raises StatusError for a refused call, and once the engine is closed.
    """

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        memory_budget: int | None = None,
        kernel: str | None = None,
        threads: int | None = None,
        max_namespaces: int | None = None,
        max_message_bytes: int | None = None,
    ) -> Engine:
        """Open a data directory, or create it. This may take a recovery.

        Args:
            path: The directory. One process can have it open at a time.
            memory_budget: Bytes for the categories of loaded namespaces; None: unlimited.
            kernel: Ranking kernel, one of `kernels`; None: the fastest.
            threads: Threads of one large scan; None: as many as the CPU has.
            max_namespaces: Largest number of namespaces; None: unlimited.
            max_message_bytes: Largest message that the transport carries, as GetServiceInfo
                reports it; None: requests of up to 1 GiB, replies of any size.

        Raises:
            StatusError: The directory is in use, damaged, or of another format, or an option is
                out of range.
        """

    def call(
        self, method: str, request: bytes, grant: Grant, timeout: float | None = None
    ) -> bytes:
        """Answer a unary call.

        Args:
            method: The RPC's name, such as "Match".
            request: The serialized request.
            grant: What the caller may do.
            timeout: Seconds until the caller's deadline; None: no deadline. A call that has begun
                is finished all the same.

        Returns:
            The serialized reply.
        """

    def server_stream(
        self, method: str, request: bytes, grant: Grant, timeout: float | None = None
    ) -> ReplyStream:
        """Answer a server-streaming call, such as "Snapshot"; the arguments are those of `call`."""

    def client_stream(self, method: str, grant: Grant) -> RequestStream:
        """Begin a client-streaming call, such as "Restore"."""

    def health(self) -> tuple[bool, str]:
        """Return whether the engine accepts writes, and if not, why."""

    def stats(self) -> dict[str, Any]:
        """Return the engine's metrics since it was opened, by name; {} once it is closed.

        A value is an integer, or, for a distribution, a pair: the sum of the observations, and the
        counts of its buckets.
        """

    def end_watches(self) -> None:
        """End streams that have no end of their own; other calls go on."""

    def stop_writes(self) -> None:
        """Refuse new writes; writes that have begun are finished."""

    def close(self) -> None:
        """Finish the calls that have begun and release the directory. Idempotent."""

@final
class ReplyStream(Iterator[bytes]):
    """The serialized replies of a server-streaming call. Raises StatusError as its last item."""

    def __iter__(self) -> ReplyStream: ...
    def __next__(self) -> bytes: ...

@final
class RequestStream:
    """A client-streaming call that has begun. Without `finish` it leaves nothing behind."""

    def push(self, request: bytes) -> None:
        """Take the next serialized request; a StatusError ends the call."""

    def finish(self) -> bytes:
        """End the call; return the serialized reply."""

    def abort(self) -> None:
        """End the call without a reply. Idempotent, and without effect after `finish`."""

@final
class CategoryMatrix:
    """Categories in memory, without keys and without a store: row numbers, sums and ranking.

    Sums are exact, as in the service: adding vectors and removing them again leaves no trace.
    """

    def __new__(
        cls, dimension: int, *, kernel: str | None = None, threads: int = 1
    ) -> CategoryMatrix:
        """Make an empty matrix.

        Args:
            dimension: Number of components of each vector, 1 to 16384.
            kernel: Ranking kernel, one of `kernels`; None: the fastest.
            threads: Threads of one large scan.

        Raises:
            ValueError: The dimension is out of range, or this CPU cannot run the kernel.
        """

    def __len__(self) -> int:
        """Return the number of rows."""

    def add_rows(self, bases: NDArray[np.float32]) -> int:
        """Add rows with base weight 1.

        Args:
            bases: Float32, shape (rows, dimension); a base of zeros means no base.

        Returns:
            The number of the first new row.

        Raises:
            ValueError: The shape is wrong, or a vector is invalid.
        """

    def add(
        self,
        rows: NDArray[np.int64],
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        """Add vectors to rows: all of them, or, on an error, none.

        Args:
            rows: Row numbers, int64, shape (count,).
            vectors: Float32, shape (count, dimension).
            weights: Float32, shape (count,), 2**-10 to 2**20; None: 1 each.

        Raises:
            IndexError: A row does not exist.
            OverflowError: A sum would leave its range.
            ValueError: A shape is wrong, or a vector or weight is invalid.
        """

    def remove(
        self,
        rows: NDArray[np.int64],
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32] | None = None,
    ) -> None:
        """Remove vectors that were added to rows, exactly; the arguments are those of `add`."""

    def sums(self, row: int) -> NDArray[np.int64]:
        """Return a row's sum of added vectors in units of 2**-40, shape (dimension,)."""

    def effective(self, row: int) -> NDArray[np.float32]:
        """Return a row's effective embedding, shape (dimension,)."""

    def top_k(
        self, queries: NDArray[np.float32], k: int = 10
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rank the rows for each query by cosine; ties are ordered by row number.

        Args:
            queries: Float32, shape (count, dimension).
            k: Number of rows to return for each query; 0: all. Rows without an embedding are left
                out.

        Returns:
            Row numbers and scores, best first, each of shape (count, found).
        """

@final
class Events:
    """Lines for the log and spans of calls, which a listener makes.

    The queue is bounded: what does not fit is dropped and counted.
    """

    def __new__(cls) -> Events: ...
    def take(
        self, longest_seconds: float
    ) -> (
        tuple[
            list[tuple[str, str]],
            list[tuple[str, tuple[str | None, str | None], int, int, int, str, str]],
        ]
        | None
    ):
        """Wait for events and take all of them.

        Args:
            longest_seconds: How long to wait for the first event.

        Returns:
            Lines (level, message) and spans (method's full name, its ``traceparent`` and
            ``tracestate``, begin and end in nanoseconds since 1970, status code, reason, call's
            id); None: the events are closed, and all are taken.
        """

    def close(self) -> None:
        """End the events; what is queued can still be taken. Idempotent."""

    @property
    def dropped(self) -> int:
        """Events that were dropped because the queue was full."""

@final
class AuditLog:
    """A JSON line for each write and for each refused call of a listener.

    The line of a finished write is in the file before its caller is answered. The file may be moved
    away at any time: a new one is created. While it cannot be written, lines of finished writes
    wait in memory, at most 1024 of them; others are lost and counted.
    """

    def __new__(cls, path: os.PathLike[str], events: Events, refuse: bool) -> AuditLog:
        """Open the file; a missing one is created, for its owner alone.

        Args:
            path: The file.
            events: Takes the warnings about a file that cannot be written.
            refuse: Refuse writes while the file cannot be written.

        Raises:
            OSError: The file cannot be opened.
        """

    @property
    def failure(self) -> str | None:
        """Why the file cannot be written now; None: it can."""

    @property
    def refusal(self) -> str | None:
        """Why writes must be refused now; None: they need not."""

    @property
    def lost(self) -> int:
        """Lines that are lost because the file could not be written."""

    def close(self) -> None:
        """Write the queued lines, for two seconds at most. Idempotent."""

@final
class Calls:
    """The calls of one server, whatever brings them: admission, answers, metrics, log, traces.

    The native listener brings calls itself; a server in Python begins each with ``begin``.
    """

    def __new__(
        cls,
        admission: Admission,
        events: Events,
        *,
        audit: AuditLog | None,
        debug: bool,
        traces: bool,
        seed: int,
    ) -> Calls:
        """Prepare for calls; they are refused with STARTING until ``open``.

        Args:
            admission: Admits the calls.
            events: Takes the lines for the log and the spans.
            audit: Takes writes and refusals; None: no audit log is written.
            debug: Whether each call gets a line in the log.
            traces: Whether each admitted call gets a span.
            seed: A random number of 64 bits, from which the ids of calls are made.
        """

    def open(self, engine: Engine) -> None:
        """Answer calls from now on.

        Raises:
            StatusError: The engine is closed.
        """

    def close(self) -> None:
        """Let go of the engine. Idempotent."""

    def begin(
        self,
        method: str,
        metadata: Sequence[tuple[str, str | bytes]],
        peer: str,
        timeout: float | None = None,
    ) -> Call:
        """Admit a call whose request has not been read yet.

        Args:
            method: The method's name, such as "Match"; any name.
            metadata: The call's metadata, as gRPC has it.
            peer: The caller's address, for the audit log.
            timeout: Seconds until the caller's deadline; None or infinite: no deadline.

        Raises:
            StatusError: The call is refused. Its ``trailing_metadata`` has the call's id.
        """

    def counts(
        self,
    ) -> list[tuple[tuple[str, str, str], tuple[int, list[tuple[str, int]], list[int], float]]]:
        """Return the counts of each method, by (kind, service, method).

        Returns:
            Calls begun; calls ended, by name of the status code; calls ended, by bucket of
            ``CALL_SECONDS_BOUNDS``; seconds in all.
        """

    def refused(self) -> list[tuple[str, int]]:
        """Return the numbers of refused calls, by reason."""

@final
class Call:
    """An admitted call, which is answered once.

    It counts against the limits of its caller until ``leave``, or until it is dropped; without an
    answer it is then recorded as cancelled. Every method but ``leave`` raises StatusError for a
    refused call, and for one that has been answered or left.
    """

    @property
    def request_id(self) -> str:
        """The call's id, for its trailing metadata; a refusal has it already."""

    def unary(self, request: bytes | None) -> bytes:
        """Answer a unary call. The line of a write is in the audit log afterwards.

        Args:
            request: The serialized request; None: the client ended the call without one.

        Returns:
            The serialized reply, whose bytes count against the limit of unread replies until
            ``leave``.
        """

    def server_stream(self, request: bytes | None) -> ReplyStream:
        """Answer a server-streaming call; ``request`` is that of ``unary``."""

    def client_stream(self) -> RequestStream:
        """Begin to take the requests of a client-streaming call."""

    def leave(self) -> None:
        """Note that the call is over: its client has the reply, or is gone.

        A call that has begun is finished; one that has not is not begun. Waits for nothing.
        Idempotent.
        """

@final
class Listener:
    """Serves the contract over gRPC. No call passes through Python, and none waits for the GIL."""

    def __new__(
        cls,
        calls: Calls,
        *,
        addresses: Sequence[str],
        unix_socket: str | os.PathLike[str] | None,
        tls: tuple[os.PathLike[str], os.PathLike[str], os.PathLike[str] | None] | None,
        io_threads: int,
        workers: int,
        idle_poll_us: int,
        max_connections: int,
        max_streams_per_connection: int,
        max_message_bytes: int,
        stall_seconds: float,
        idle_seconds: float,
        age_seconds: float,
        reflection: Sequence[bytes] | None,
    ) -> Listener:
        """Take an address; nothing is served before ``start``.

        Args:
            calls: Admits and records the calls; the listener opens and closes it.
            addresses: ``ip:port`` or ``[ipv6]:port``: the first that can be bound. Port 0 picks a
                free port.
            unix_socket: The path of a Unix socket instead; None: the addresses.
            tls: Certificate chain, private key and the authorities of clients, as PEM files that
                are read again by the first handshake after they changed; None: no encryption.
            io_threads: Threads that read and write connections.
            workers: Threads for calls that take longer than microseconds.
            idle_poll_us: Microseconds for which a thread polls for calls before it sleeps.
            max_connections: Connections at the same time; one beyond is closed at once.
            max_streams_per_connection: Calls at the same time on one connection.
            max_message_bytes: Bytes of the largest request.
            stall_seconds: How long a call waits for its client.
            idle_seconds: How long a connection without calls stays open.
            age_seconds: The age at which a connection takes no more calls.
            reflection: Serialized FileDescriptorProtos; None: no reflection.

        Raises:
            OSError: No address can be bound.
            ValueError: The certificate or an address cannot be used.
        """

    @property
    def port(self) -> int | None:
        """The port that was taken; None: a Unix socket."""

    def start(self) -> None:
        """Serve health, and refuse calls until ``open``.

        Raises:
            OSError: Threads cannot be started.
        """

    def open(self, engine: Engine) -> None:
        """Answer calls from now on.

        Raises:
            StatusError: The engine is closed.
        """

    def set_serving(self, serving: bool) -> None:
        """Set what the health service says."""

    @property
    def is_idle(self) -> bool:
        """Whether no call is in flight, and no reply under way."""

    def stop(self, grace_seconds: float) -> None:
        """Close the address, end connections once their calls have ended, and then all others.

        Afterwards the listener has let go of the engine. Idempotent.

        Args:
            grace_seconds: How long connections may take to end.
        """

    @property
    def stalled(self) -> int:
        """Calls that were cancelled because their clients stalled."""
