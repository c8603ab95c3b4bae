"""Calls at a fixed rate, whether or not earlier ones were answered: an overload generator.

HTTP/2 frames are built by hand, so that a call costs this side about 30 us: on two cores the client
can then send more calls than the server can answer. One thread, a few connections.
"""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field

__all__ = ["Answers", "Source", "header_block", "run"]

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_HEADER_TABLE_SIZE, _INITIAL_WINDOW = 1, 4
_WIDE = 2**31 - 1
_STREAMS = 60
# The name of the header that only a refusal with a reason has: as it is, and in the Huffman code of
# HPACK (RFC 7541, appendix B), in which some servers write it.
_DETAILS = (b"grpc-status-details-bin", bytes.fromhex("9acac8b21234da85a42a466a10b466ab"))


@dataclass(slots=True)
class Answers:
    """The outcome of calls; times in seconds.

    Attributes:
        offered: Calls that were due.
        answered: Latency of each answered call, from the time at which it was due.
        refused: Latency of each call refused with a reason and a retry delay.
        bare: Number of calls that gRPC ended without a reason.
        ended: Number of calls that were reset, or whose connection ended.
        late: Number of calls without an answer at the end.
    """

    offered: int = 0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    bare: int = 0
    ended: int = 0
    late: int = 0


@dataclass(slots=True)
class Source:
    """Calls of one kind.

    Attributes:
        rate: Calls per second.
        headers: The calls' headers in HPACK.
        body: The request.
        connections: Number of connections.
    """

    rate: float
    headers: bytes
    body: bytes
    connections: int = 1


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """An HTTP/2 frame."""
    head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
    return head + struct.pack(">I", stream) + payload


def header_block(path: str, token: str) -> bytes:
    """The headers of a call in HPACK, none of them compressed."""
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
        "authorization": f"Bearer {token}",
    }
    block = b""
    for name, value in fields.items():
        block += b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return block


class _Connection:
    def __init__(self, target: str, source: Source, answers: Answers) -> None:
        host, port = target.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # No HPACK table, so that statuses can be read without one; windows that never fill up.
        settings = struct.pack(">HIHI", _HEADER_TABLE_SIZE, 0, _INITIAL_WINDOW, _WIDE)
        hello = frame(_SETTINGS, 0, 0, settings)
        hello += frame(_WINDOW, 0, 0, struct.pack(">I", _WIDE - 65_535))
        self.socket.sendall(_PREFACE + hello)
        self.socket.settimeout(0)
        self.alive = True
        self.due: deque[float] = deque()
        self.began: dict[int, float] = {}
        self._with_data: set[int] = set()
        self._answers = answers
        message = b"\x00" + struct.pack(">I", len(source.body)) + source.body
        self._headers = source.headers
        self._message = message
        self._next = 1
        self._window = 65_535
        self._out = bytearray()
        self._in = bytearray()

    def pump(self) -> None:
        """Send the calls that are due, as far as the connection has capacity."""
        while self.due and len(self.began) < _STREAMS and self._window >= len(self._message):
            stream, self._next = self._next, self._next + 2
            self.began[stream] = self.due.popleft()
            self._window -= len(self._message)
            self._out += frame(_HEADERS, _END_HEADERS, stream, self._headers)
            self._out += frame(_DATA, _END_STREAM, stream, self._message)
        if self._out and self.alive:
            try:
                sent = self.socket.send(self._out)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            del self._out[:sent]

    def read(self) -> None:
        """Read what has arrived."""
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._in += data
        at, buffer, size = 0, self._in, len(self._in)
        now = time.perf_counter()
        while size - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if size - at < 9 + length:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self._take(kind, flags, stream, buffer[at + 9 : at + 9 + length], now)
            at += 9 + length
        del buffer[:at]

    def _take(self, kind: int, flags: int, stream: int, payload: bytearray, now: float) -> None:
        if kind == _DATA and payload:
            self._with_data.add(stream)
        elif kind == _HEADERS and flags & _END_STREAM:
            self._end(stream, payload, now)
        elif kind == _RST_STREAM and self.began.pop(stream, None) is not None:
            self._answers.ended += 1
        elif kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            answer = bytes(payload) if kind == _PING else b""
            self._out += frame(kind, _ACK, 0, answer)

    def _end(self, stream: int, trailers: bytearray, now: float) -> None:
        began = self.began.pop(stream, None)
        if began is None:
            return
        if stream in self._with_data:
            self._with_data.discard(stream)
            self._answers.answered.append(now - began)
        elif any(name in trailers for name in _DETAILS):
            self._answers.refused.append(now - began)
        else:
            self._answers.bare += 1

    def close(self) -> None:
        """Count unanswered calls as ended, and close."""
        if self.alive:
            self.alive = False
            self._answers.ended += len(self.began) + len(self.due)
            self.began.clear()
            self.due.clear()
            self.socket.close()


def run(target: str, sources: list[Source], seconds: float, after: float = 2.0) -> list[Answers]:
    """Call for some seconds, then wait for outstanding calls; return each source's outcome."""
    found = [Answers() for _ in sources]
    groups = [
        [_Connection(target, source, answers) for _ in range(source.connections)]
        for source, answers in zip(sources, found, strict=True)
    ]
    everything = [connection for group in groups for connection in group]
    with selectors.DefaultSelector() as selector:
        for connection in everything:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + seconds + after:
            until = min(now - begin, seconds)
            for source, answers, group in zip(sources, found, groups, strict=True):
                _offer(source, answers, group, begin, until)
            for connection in everything:
                connection.pump()
            if now > begin + seconds and not any(c.began or c.due for c in everything):
                break
            for key, _ in selector.select(0.0005):
                key.data.read()
                if not key.data.alive:
                    selector.unregister(key.fileobj)
    for group, answers in zip(groups, found, strict=True):
        for connection in group:
            answers.late += len(connection.began) + len(connection.due)
            connection.began.clear()
            connection.due.clear()
            connection.close()
    return found


def _offer(
    source: Source, answers: Answers, group: list[_Connection], begin: float, until: float
) -> None:
    """Distribute the calls that are due over the connections."""
    while answers.offered < until * source.rate:
        at = begin + answers.offered / source.rate
        group[answers.offered % len(group)].due.append(at)
        answers.offered += 1
