"""A hostile HTTP/2 client: hand-made frames in any number and order."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["END_HEADERS", "END_STREAM", "Connection", "call_headers", "grpc_message"]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4
ACK = 1
_HEAD_BYTES = 9
SERVICE = "/effective_embeddings.v1.EffectiveEmbeddingsService/"


def _field(name: bytes, value: bytes) -> bytes:
    """A header field, literal, not indexed, not compressed."""
    return b"\x00" + _length(name) + name + _length(value) + value


def _length(text: bytes) -> bytes:
    rest = len(text) - 127
    if rest < 0:
        return bytes([len(text)])
    out = bytearray([127])
    while rest >= 128:
        out.append(rest % 128 + 128)
        rest //= 128
    out.append(rest)
    return bytes(out)


def call_headers(method: str, token: str | None = None, **more: str) -> bytes:
    """The headers of a call, HPACK."""
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", (method if method.startswith("/") else SERVICE + method).encode()),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
    ]
    if token is not None:
        fields.append((b"authorization", f"Bearer {token}".encode()))
    fields += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return b"".join(_field(name, value) for name, value in fields)


def grpc_message(body: bytes, claimed: int | None = None, *, compressed: bool = False) -> bytes:
    """A message in gRPC's framing, possibly with a false length."""
    length = len(body) if claimed is None else claimed
    return struct.pack(">BI", compressed, length) + body


class Connection:
    """A connection after its handshake."""

    def __init__(self, target: str, *, hello: bool = True) -> None:
        host, port = target.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 5)
        self._next = 1
        try:
            if hello:
                self.socket.sendall(PREFACE)
                self.frame(SETTINGS, 0, 0, b"")
        except OSError:
            self.socket.close()
            raise

    def frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
        self.socket.sendall(head + struct.pack(">I", stream) + payload)

    def open_call(self, headers: bytes, flags: int = END_HEADERS) -> int:
        stream = self._next
        self._next += 2
        self.frame(HEADERS, flags, stream, headers)
        return stream

    def send(self, stream: int, data: bytes, flags: int = 0) -> None:
        self.frame(DATA, flags, stream, data)

    def reset(self, stream: int) -> None:
        self.frame(RST_STREAM, 0, stream, struct.pack(">I", 8))

    def answer_pings(self) -> None:
        """Read until the server ends the connection, and answer its pings; nothing else is sent."""
        self.socket.settimeout(None)
        received = b""
        with suppress(OSError):
            while more := self.socket.recv(65_536):
                received += more
                while len(received) >= _HEAD_BYTES:
                    end = _HEAD_BYTES + int.from_bytes(received[:3])
                    if len(received) < end:
                        break
                    kind, flags = received[3], received[4]
                    if kind == PING and not flags & ACK:
                        self.frame(PING, ACK, 0, received[_HEAD_BYTES:end])
                    received = received[end:]

    def is_closed(self, seconds: float) -> bool:
        """Whether the server closes the connection within a time."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def vanish(self) -> None:
        """Close abruptly."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()
