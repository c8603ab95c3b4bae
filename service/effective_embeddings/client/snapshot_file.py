"""Snapshot files: frames, each after its length as a base-128 varint."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TypeAlias

from google.protobuf.message import DecodeError

from effective_embeddings.client.convert import messages
from effective_embeddings.client.errors import SnapshotFileError
from effective_embeddings.client.limits import MAX_FRAME_BYTES
from effective_embeddings.client.models.replies import SnapshotProgress, SnapshotSummary
from effective_embeddings.v1 import resources_pb2, service_pb2

__all__ = ["FilePath", "OnProgress", "SnapshotWriter", "read_frames", "restore_requests"]

FilePath: TypeAlias = str | os.PathLike[str]
OnProgress: TypeAlias = Callable[[SnapshotProgress], None]

_VARINT_BITS = 7
_VARINT_MORE = 0x80
_MAX_VARINT_BYTES = 5


class _Counter:
    """Counts frames as they pass, and tells."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self.header: resources_pb2.SnapshotHeader | None = None
        self.trailer: resources_pb2.SnapshotTrailer | None = None
        self._frames = self.size = self._categories = self._items = 0

    def add(self, frame: resources_pb2.SnapshotFrame, size: int) -> None:
        """Count a frame that takes ``size`` bytes of the file."""
        kind = frame.WhichOneof("content")
        if kind == "header":
            self.header = frame.header
        elif kind == "categories":
            self._categories += len(frame.categories.categories)
        elif kind == "items":
            self._items += len(frame.items.items)
        elif kind == "trailer":
            self.trailer = frame.trailer
        self._frames += 1
        self.size += size
        if self._on_progress is not None:
            namespace = self.header.namespace if self.header else resources_pb2.Namespace()
            self._on_progress(
                SnapshotProgress(
                    frames=self._frames,
                    bytes=self.size,
                    categories=self._categories,
                    items=self._items,
                    category_total=namespace.category_count,
                    item_total=namespace.item_count,
                )
            )


class SnapshotWriter:
    """Writes a snapshot beside its place, and puts it there when it is whole and on disk."""

    def __init__(self, file: FilePath, on_progress: OnProgress | None) -> None:
        self._file = Path(file)
        self._counter = _Counter(on_progress)
        # In the same folder: only there is the renaming one step.
        self._output = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by finish or __exit__
            dir=self._file.parent, prefix=f".{self._file.name}.", suffix=".part", delete=False
        )

    def add(self, reply: bytes) -> None:
        """Append the frame of a serialized SnapshotResponse."""
        frame = service_pb2.SnapshotResponse.FromString(reply).frame
        data = frame.SerializeToString()
        length = _varint(len(data))
        self._output.write(length)
        self._output.write(data)
        self._counter.add(frame, len(length) + len(data))

    def finish(self) -> SnapshotSummary:
        """Put the file in its place.

        Raises:
            SnapshotFileError: The service ended the stream without the trailer.
        """
        header, trailer = self._counter.header, self._counter.trailer
        if header is None or trailer is None:
            message = "the snapshot ended early: it has no header or no trailer"
            raise SnapshotFileError(message)
        self._output.flush()
        os.fsync(self._output.fileno())
        self._output.close()
        Path(self._output.name).replace(self._file)
        folder = os.open(self._file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        effective = header.view == resources_pb2.SNAPSHOT_VIEW_EFFECTIVE
        return SnapshotSummary(
            file=self._file,
            size=self._counter.size,
            namespace=messages.namespace(header.namespace),
            view="effective" if effective else "full",
            category_count=trailer.category_count,
            item_count=trailer.item_count,
            membership_count=trailer.membership_count,
            digest=trailer.digest,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._output.close()
            Path(self._output.name).unlink(missing_ok=True)


def read_frames(
    file: FilePath, on_progress: OnProgress | None = None
) -> Iterator[resources_pb2.SnapshotFrame]:
    """Read a snapshot file, frame by frame.

    Raises:
        OSError: It cannot be read.
        SnapshotFileError: It is not a snapshot, or is cut short.
    """
    counter = _Counter(on_progress)
    with Path(file).open("rb") as source:
        while (frame := _read_frame(source, counter)) is not None:
            yield frame
    if counter.trailer is None:
        message = f"{os.fspath(file)}: cut short, there is no trailer"
        raise SnapshotFileError(message)


def restore_requests(
    file: FilePath,
    namespace: str | None,
    write: service_pb2.WriteOptions,
    on_progress: OnProgress | None,
) -> Iterator[bytes]:
    """Return the serialized RestoreRequests that give back a snapshot file."""
    first = True
    for frame in read_frames(file, on_progress):
        request = service_pb2.RestoreRequest(frame=frame)
        if first:
            request.namespace = namespace or ""
            request.write.CopyFrom(write)
            first = False
        yield request.SerializeToString()


def _read_frame(source: BinaryIO, counter: _Counter) -> resources_pb2.SnapshotFrame | None:
    """Return the next frame; None at the end of the file."""
    start = source.tell()
    length = _read_varint(source)
    if length is None:
        return None
    if length > MAX_FRAME_BYTES:
        message = f"{source.name}: no snapshot: a frame of {length} bytes at byte {start}"
        raise SnapshotFileError(message)
    data = source.read(length)
    if len(data) < length:
        message = f"{source.name}: cut short in the frame at byte {start}"
        raise SnapshotFileError(message)
    try:
        frame = resources_pb2.SnapshotFrame.FromString(data)
    except DecodeError as error:
        message = f"{source.name}: no snapshot: the frame at byte {start} cannot be read"
        raise SnapshotFileError(message) from error
    counter.add(frame, source.tell() - start)
    return frame


def _read_varint(source: BinaryIO) -> int | None:
    start = source.tell()
    value = 0
    for place in range(_MAX_VARINT_BYTES):
        byte = source.read(1)
        if not byte:
            if place == 0:
                return None
            break
        value |= (byte[0] & ~_VARINT_MORE) << (_VARINT_BITS * place)
        if not byte[0] & _VARINT_MORE:
            return value
    message = f"{source.name}: no snapshot, or cut short: no frame's length at byte {start}"
    raise SnapshotFileError(message)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= _VARINT_MORE:
        out.append(value & (_VARINT_MORE - 1) | _VARINT_MORE)
        value >>= _VARINT_BITS
    out.append(value)
    return bytes(out)
