"""Places for calls, of which no principal may have all."""

from __future__ import annotations

__all__ = ["Room"]


class Room:
    """A number of places. Its owner sees to it that one thread at a time is in here.

    Attributes:
        taken: Places that are taken.
    """

    def __init__(self, limit: str, places: int, share: int) -> None:
        """Make it.

        Args:
            limit: What the number of places is called.
            places: How many there are.
            share: How many of them one principal may have.
        """
        self.taken = 0
        self._full = (limit, places)
        self._places = places
        self._shared_out = ("calls_per_principal", share)
        self._share = share
        self._held: dict[str, int] = {}

    def lack(self, principal: str) -> tuple[str, int] | None:
        """Return the limit that leaves no place to a principal, and its value; None: none does."""
        if self.taken >= self._places:
            return self._full
        if self._held.get(principal, 0) >= self._share:
            return self._shared_out
        return None

    def enter(self, principal: str) -> None:
        """Take a place."""
        self.taken += 1
        self._held[principal] = self._held.get(principal, 0) + 1

    def leave(self, principal: str) -> None:
        """Give it back."""
        self.taken -= 1
        self._held[principal] -= 1
