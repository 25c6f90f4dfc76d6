"""How benchmarks print results: what a run took, and whether a goal of the design is reached."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Protocol

__all__ = ["Cost", "Run", "Show", "busy", "goal", "python"]


class Cost(Protocol):
    """What running something took."""

    @property
    def cpu(self) -> float:
        """CPU seconds."""

    @property
    def wall(self) -> float:
        """Seconds by the clock."""

    @property
    def peak(self) -> float:
        """Memory in MB."""


Run = Callable[..., Cost]
Show = Callable[..., None]


def python(code: str, *arguments: object) -> list[str]:
    """A command that runs code in a fresh interpreter."""
    return [sys.executable, "-c", code, *map(str, arguments)]


def goal(words: str, figure: float, least: float | None = None, most: float | None = None, unit: str = "x") -> None:
    """Print a goal of the design, the figure found and whether it is reached."""
    reached = (least is None or figure >= least) and (most is None or figure <= most)
    bound = f">= {least:g}{unit}" if least is not None else f"<= {most:g}{unit}"
    print(f"  goal {words} {bound}: {'reached' if reached else 'NOT REACHED'} ({figure:.2f}{unit})", flush=True)


def busy() -> str:
    """How busy the machine is: figures are comparable when nothing else runs."""
    return f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
