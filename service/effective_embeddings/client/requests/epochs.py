"""The epochs of the revisions that a client has seen."""

from __future__ import annotations

from typing import Any

__all__ = ["Epochs"]

#: Epochs that are remembered for a namespace.
_REMEMBERED = 4


class Epochs:
    """Which epoch a revision belongs to, by the replies that a client got.

    A data directory that is replaced by a backup goes back to lower revisions, in a new epoch. A
    read from a remembered revision on would wait for it in vain; with the epoch of the revision
    the service refuses it at once.
    """

    def __init__(self) -> None:
        # By namespace: (epoch, newest revision seen in it), the current epoch last.
        self._seen: dict[str, list[tuple[int, int]]] = {}

    def stamp(self, request: Any) -> None:
        """Set the epoch of a request's min_revision, if both are known."""
        revision = getattr(request, "min_revision", 0)
        seen = self._seen.get(request.namespace) if revision else None
        if not seen:
            return
        reached = [epoch for epoch, newest in seen if newest >= revision]
        request.epoch = reached[-1] if reached else seen[-1][0]

    def learn(self, request: Any, reply: Any) -> None:
        """Remember the epoch and the revision of a reply."""
        epoch = getattr(reply, "epoch", 0)
        if not epoch:
            return
        # GetNamespace's reply has the revision in the namespace.
        revision = reply.revision if hasattr(reply, "revision") else reply.namespace.revision
        seen = self._seen.setdefault(request.namespace, [])
        if seen and seen[-1][0] == epoch:
            seen[-1] = (epoch, max(seen[-1][1], revision))
        else:
            seen.append((epoch, revision))
            del seen[:-_REMEMBERED]
