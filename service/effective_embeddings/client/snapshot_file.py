"""Snapshot files: a sequence of length-prefixed SnapshotFrame messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias

from google.protobuf import proto
from google.protobuf.message import DecodeError

from effective_embeddings._core import frame_checksum
from effective_embeddings.client.convert import messages
from effective_embeddings.client.errors import SnapshotFileError
from effective_embeddings.client.limits import MAX_FRAME_BYTES
from effective_embeddings.client.models.replies import SnapshotProgress, SnapshotSummary
from effective_embeddings.client.output_file import FilePath, OutputFile
from effective_embeddings.v1 import resources_pb2, service_pb2

__all__ = [
    "FileOrStream",
    "FilePath",
    "OnProgress",
    "SnapshotWriter",
    "read_frames",
    "restore_requests",
    "seal_frames",
]

# A path, or an open binary file, which may be a pipe; it stays open.
FileOrStream: TypeAlias = FilePath | BinaryIO
OnProgress: TypeAlias = Callable[[SnapshotProgress], None]


class _Counter:
    """Counts frames, and reports the progress."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self.header: resources_pb2.SnapshotHeader | None = None
        self.trailer: resources_pb2.SnapshotTrailer | None = None
        self.frames = self.size = self._categories = self._items = 0

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
        self.frames += 1
        self.size += size
        if self._on_progress is not None:
            namespace = self.header.namespace if self.header else resources_pb2.Namespace()
            self._on_progress(
                SnapshotProgress(
                    frames=self.frames,
                    bytes=self.size,
                    categories=self._categories,
                    items=self._items,
                    category_total=namespace.category_count,
                    item_total=namespace.item_count,
                )
            )


class SnapshotWriter:
    """Writes a snapshot into a stream, or to a file that appears when it is complete."""

    def __init__(self, file: FileOrStream, on_progress: OnProgress | None) -> None:
        self._counter = _Counter(on_progress)
        self._output = OutputFile(file) if isinstance(file, (str, os.PathLike)) else None
        self._stream: Any = file if self._output is None else self._output.file
        self._file = Path("-" if self._output is None else file)  # type: ignore[arg-type]

    def add(self, reply: bytes) -> None:
        """Append the frame of a serialized SnapshotResponse."""
        frame = service_pb2.SnapshotResponse.FromString(reply).frame
        counted: Any = _Counted(self._stream)
        proto.serialize_length_prefixed(frame, counted)
        self._counter.add(frame, counted.size)

    def finish(self) -> SnapshotSummary:
        """Complete the file.

        Raises:
            SnapshotFileError: The service ended the stream without the trailer.
        """
        header, trailer = self._counter.header, self._counter.trailer
        if header is None or trailer is None:
            message = "the snapshot ended early: it has no header or no trailer"
            raise SnapshotFileError(message)
        if self._output is None:
            self._stream.flush()
        else:
            self._output.commit()
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
        if kind is not None and self._output is not None:
            self._output.discard()


def read_frames(
    file: FileOrStream, on_progress: OnProgress | None = None
) -> Iterator[resources_pb2.SnapshotFrame]:
    """Read a snapshot, frame by frame.

    Args:
        file: The snapshot: a path, or an open binary file, which need not be seekable.
        on_progress: Called after each frame.

    Raises:
        OSError: The file cannot be read.
        SnapshotFileError: It is not a snapshot, or is truncated.
    """
    is_path = isinstance(file, (str, os.PathLike))
    name = os.fspath(file) if is_path else getattr(file, "name", "the stream")  # type: ignore[arg-type]
    counter = _Counter(on_progress)
    with Path(file).open("rb") if is_path else nullcontext(file) as stream:  # type: ignore[arg-type]
        source = _Counted(stream)
        while (frame := _read_frame(source, name, counter.frames + 1)) is not None:
            counter.add(frame, source.size - counter.size)
            yield frame
    if counter.trailer is None:
        message = f"{name}: truncated, the trailer is missing"
        raise SnapshotFileError(message)


def seal_frames(
    frames: Iterable[resources_pb2.SnapshotFrame],
) -> Iterator[resources_pb2.SnapshotFrame]:
    """Give frames the checksums of their content and order.

    For programs that change a snapshot: Restore refuses a frame whose checksum does not match.
    Counts and digest of the trailer must match the changed content as well.

    Args:
        frames: The frames in order, from the header on. They are changed in place.
    """
    last = 0
    for frame in frames:
        last = frame.checksum = frame_checksum(frame.SerializeToString(), last) or 0
        yield frame


def restore_requests(
    file: FileOrStream,
    namespace: str | None,
    write: service_pb2.WriteOptions,
    on_progress: OnProgress | None,
) -> Iterator[bytes]:
    """Yield the serialized RestoreRequests that restore a snapshot."""
    first = True
    for frame in read_frames(file, on_progress):
        request = service_pb2.RestoreRequest(frame=frame)
        if first:
            request.namespace = namespace or ""
            request.write.CopyFrom(write)
            first = False
        yield request.SerializeToString()


class _Counted:
    """A binary stream that counts its bytes, and refuses to read a frame of unbelievable size."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.size = 0

    def read(self, size: int) -> bytes:
        if size > MAX_FRAME_BYTES:
            message = f"a frame of {size} bytes; at most {MAX_FRAME_BYTES} are believed"
            raise ValueError(message)
        data: bytes = self._stream.read(size)
        self.size += len(data)
        return data

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.size += len(data)
        return len(data)


def _read_frame(source: _Counted, name: object, number: int) -> resources_pb2.SnapshotFrame | None:
    """Return the next frame, counted from 1; None at the end of the file."""
    start = source.size
    try:
        return proto.parse_length_prefixed(resources_pb2.SnapshotFrame, source)  # type: ignore[arg-type]
    except (DecodeError, ValueError, EOFError) as error:
        message = f"{name}: not a snapshot, or truncated, at frame {number} (byte {start}): {error}"
        raise SnapshotFileError(message) from error
