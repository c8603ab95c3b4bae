"""Snapshots as frames: read from a client, changed, and sent back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from pathlib import Path

from google.protobuf.message import Message

from effective_embeddings import Client, read_frames, seal_frames
from effective_embeddings.v1 import resources_pb2, service_pb2

__all__ = ["Change", "Frame", "frames_of", "header", "kinds", "requests", "trailer"]

Frame = resources_pb2.SnapshotFrame
Change = Callable[[list[Frame]], Sequence[Frame | Message | bytes]]


def frames_of(client: Client, ns: str, folder: Path) -> list[Frame]:
    """The frames of a full snapshot."""
    file = folder / f"{ns}.snapshot"
    client.snapshot(ns, file)
    return list(read_frames(file))


def kinds(frames: Iterable[Frame]) -> list[str | None]:
    """The kind of each frame."""
    return [frame.WhichOneof("content") for frame in frames]


def requests(
    frames: Iterable[Frame | Message | bytes], ns: str
) -> list[service_pb2.RestoreRequest | bytes]:
    """The frames as requests that restore them into a namespace, with the checksums of now."""
    frames = [deepcopy(frame) if isinstance(frame, Frame) else frame for frame in frames]
    deque(seal_frames(frame for frame in frames if isinstance(frame, Frame)), maxlen=0)
    made: list[service_pb2.RestoreRequest | bytes] = []
    for frame in frames:
        if isinstance(frame, Frame):
            made.append(service_pb2.RestoreRequest(namespace="" if made else ns, frame=frame))
        else:
            assert isinstance(frame, (bytes, service_pb2.RestoreRequest))
            made.append(frame)
    return made


def header(frames: list[Frame]) -> resources_pb2.SnapshotHeader:
    """The header, to look at or change."""
    return frames[0].header


def trailer(frames: list[Frame]) -> resources_pb2.SnapshotTrailer:
    """The trailer, to look at or change."""
    return frames[-1].trailer
