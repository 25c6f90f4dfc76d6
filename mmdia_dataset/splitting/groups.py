"""Movies that must stay together, as groups."""

from __future__ import annotations

__all__ = ["Groups"]


class Groups:
    """Members joined by names they share; the name of a group is the least of its members'."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def add(self, member: str) -> None:
        """A member that stands alone until it is joined."""
        self._above.setdefault(member, member)

    def join(self, left: str, right: str) -> None:
        """Put two members, and all that are with them, into one group."""
        self.add(left)
        self.add(right)
        first, second = sorted((self.of(left), self.of(right)))
        self._above[second] = first

    def of(self, member: str) -> str:
        """The name of a member's group."""
        top = member
        while self._above[top] != top:
            top = self._above[top]
        while self._above[member] != top:
            self._above[member], member = top, self._above[member]
        return top
