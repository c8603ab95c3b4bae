"""The requests of the methods on the history."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from effective_embeddings.client.convert import messages
from effective_embeddings.client.convert.columns import text, whole
from effective_embeddings.client.limits import PAGE_SIZE
from effective_embeddings.client.models.history import (
    HistoryChange,
    HistorySize,
    TrimReport,
    UndoReply,
)
from effective_embeddings.client.requests.call import Call, Pages, single
from effective_embeddings.client.requests.writes import WriteOptions, write_options
from effective_embeddings.v1 import service_pb2

__all__ = ["history_filter", "listing", "size", "stamp", "trim", "undo", "watch_request"]


def history_filter(
    *,
    item: str | None,
    category: str | None,
    actor: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
    first_revision: int = 0,
    last_revision: int = 0,
) -> service_pb2.HistoryFilter:
    """Return the filter of Client.history."""
    keys = {"item": item, "category": category, "actor": actor}
    return service_pb2.HistoryFilter(
        **{name: text(name, key) for name, key in keys.items() if key is not None},
        start_time=stamp("since", since),
        end_time=stamp("until", until),
        first_revision=whole("first_revision", first_revision, 64),
        last_revision=whole("last_revision", last_revision, 64),
    )


def listing(
    namespace: str,
    wanted: service_pb2.HistoryFilter,
    *,
    newest_first: bool,
    min_revision: int,
) -> Pages[HistoryChange]:
    """See Client.history."""
    order = (
        service_pb2.HISTORY_ORDER_NEWEST_FIRST
        if newest_first
        else service_pb2.HISTORY_ORDER_OLDEST_FIRST
    )
    revision = whole("min_revision", min_revision, 64)

    def request(token: str) -> service_pb2.ListHistoryRequest:
        return service_pb2.ListHistoryRequest(
            namespace=namespace,
            filter=wanted,
            order=order,
            page_size=PAGE_SIZE,
            page_token=token,
            min_revision=revision,
        )

    def parse(reply: service_pb2.ListHistoryResponse) -> list[HistoryChange]:
        return [messages.history_change(message) for message in reply.changes]

    return Pages("ListHistory", request, parse)


def watch_request(
    namespace: str,
    wanted: service_pb2.HistoryFilter,
    after_revision: int,
    max_behind: int,
    epoch: int,
) -> bytes:
    """Return the serialized WatchHistoryRequest."""
    return service_pb2.WatchHistoryRequest(
        namespace=namespace,
        after_revision=whole("after_revision", after_revision, 64),
        filter=wanted,
        max_behind=whole("max_behind", max_behind, 64),
        epoch=whole("epoch", epoch, 64),
    ).SerializeToString()


def size(namespace: str) -> Call[HistorySize]:
    """See Client.history_size."""
    request = service_pb2.GetNamespaceRequest(namespace=namespace)
    return single("GetNamespace", request, messages.history_size)


def trim(
    actor: str,
    namespace: str,
    *,
    keep_revisions: int | None,
    before_revision: int | None,
    before_time: datetime | None,
    options: WriteOptions,
) -> Call[TrimReport]:
    """See Client.trim_history."""
    bounds = {
        "keep_revisions": keep_revisions,
        "before_revision": before_revision,
        "before_time": before_time,
    }
    given = [name for name, bound in bounds.items() if bound is not None]
    if len(given) != 1:
        message = f"one of {', '.join(bounds)} must be given, not {len(given)}"
        raise ValueError(message)
    request = service_pb2.TrimHistoryRequest(
        namespace=namespace,
        keep_revisions=_whole("keep_revisions", keep_revisions),
        before_revision=_whole("before_revision", before_revision),
        before_time=stamp("before_time", before_time),
        write=write_options(actor, options)(0),
    )
    return single("TrimHistory", request, messages.trim_report)


def _whole(name: str, number: int | None) -> int | None:
    return None if number is None else whole(name, number, 64)


def undo(
    default_actor: str,
    namespace: str,
    *,
    revision: int | None,
    revisions: tuple[int, int] | None,
    actor: str | None,
    since: datetime | None,
    skip_conflicts: bool,
    options: WriteOptions,
) -> Call[UndoReply]:
    """See Client.undo."""
    given = [revision is not None, revisions is not None, actor is not None or since is not None]
    if given.count(True) != 1 or (actor is None) != (since is None):
        message = "one of revision, revisions, or by with since must be given"
        raise ValueError(message)
    request = service_pb2.UndoRequest(
        namespace=namespace,
        skip_conflicts=skip_conflicts,
        write=write_options(default_actor, options)(0),
    )
    if revision is not None:
        request.revision = whole("revision", revision, 64)
    elif revisions is not None:
        first, last = revisions
        request.range.first_revision = whole("revisions[0]", first, 64)
        request.range.last_revision = whole("revisions[1]", last, 64)
    else:
        request.actor_since.actor = text("by", actor)
        request.actor_since.start_time.MergeFrom(stamp("since", since) or Timestamp())
    return single("Undo", request, messages.undo_reply)


def stamp(name: str, time: object) -> Timestamp | None:
    """Return a time as a message; None for None."""
    if time is None:
        return None
    if not isinstance(time, datetime):
        message = f"{name} must be a datetime, not {type(time).__name__}"
        raise TypeError(message)
    if time.tzinfo is None:
        message = f"{name} must have a time zone"
        raise ValueError(message)
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
