"""What the limits of alignment separate: for each that decides, the values on both sides and the margin.

python tools/calibrate_alignment.py                    every row, four minutes of CPU
python tools/calibrate_alignment.py --quick            one short film: whether it runs, not what it says
python tools/calibrate_alignment.py --tier speech

A limit is a constant of `fingerprint_limits.py`, `subtitle_limits.py` or `speech_limits.py`. Its description names its
row here, or says that it was chosen and not measured. Films are the tests' own (`tests/support/editions.py`): each as a
copy, at PAL's speed, under noise, dubbed, and against another film. They are cleaner than real ones, so a margin here
is the most that can be hoped for.

Of each side two values are printed: the one that only 1 % lie beyond, towards the limit, and the median. A margin is
how far the first lies from the limit, as a part of the distance of the two medians. Below 0 it says that values lie on
the other side of the limit; where several limits decide together, that does not yet make a verdict wrong.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from calibrate_fingerprint import measure, measure_movies  # noqa: E402 - the generators of films are the tests' own
from calibrate_material import Material, Sides  # noqa: E402
from calibrate_words import measure_speech, measure_subtitles  # noqa: E402

from mmdia_dataset.alignment.by_fingerprint import fingerprint_limits  # noqa: E402
from mmdia_dataset.alignment.by_speech import speech_limits  # noqa: E402
from mmdia_dataset.alignment.by_subtitles import subtitle_limits  # noqa: E402

TIERS: dict[str, ModuleType] = {
    "fingerprint": fingerprint_limits,
    "subtitles": subtitle_limits,
    "speech": speech_limits,
}
LOW_IS_RIGHT = frozenset(
    (
        "beside-errors",
        "beside-place",
        "foreign-nats",
        "halves-apart",
        "halves-errors",
        "late-ends",
        "onset-error",
        "other-voice",
        "thirds-drift",
    )
)
"""Rows whose right side lies below the limit; in all others it lies above."""
UNMEASURED = "Chosen, not measured."
QUICK = 1, 4.0


@dataclass(frozen=True)
class Limit:
    """A constant of a tier: its name, its value, and the row that measures it; None for one that was chosen."""

    name: str
    value: float | None
    row: str | None


def limits_of(module: ModuleType) -> list[Limit]:
    """The limits of a tier, as their descriptions say.

    Raises:
        ValueError: a constant without a description, or one that says neither its row nor that it was chosen.
    """
    body = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")).body
    limits = []
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        name = node.targets[0].id
        described = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = " ".join(str(after.value.value).split()) if described else ""  # type: ignore[union-attr]
        row = re.search(r" Row: ([a-z-]+)\.$", text)
        if not row and not text.endswith(f" {UNMEASURED}"):
            raise ValueError(f"{module.__name__}.{name} says neither its row nor that it was chosen")
        value = getattr(module, name)
        limits.append(Limit(name, value if isinstance(value, int | float) else None, row[1] if row else None))
    return limits


def measured(tiers: list[str], films: int, minutes: float, quick: bool) -> Sides:
    """Every row of some tiers."""
    sides = Sides()
    materials = [Material(seed, minutes) for seed in range(1, films + 1)]
    for material in materials:
        print(f"film {material.film.seed}: {len(material.dialogues)} dialogues", file=sys.stderr, flush=True)
        if "fingerprint" in tiers:
            measure(material, sides, quick)
        if "subtitles" in tiers:
            measure_subtitles(material, sides, quick)
        if "speech" in tiers:
            measure_speech(material, sides, quick)
    if "fingerprint" in tiers:
        measure_movies(materials, sides, quick)
    return sides


def table(tiers: list[str], sides: Sides) -> list[str]:
    """A line for each limit that is measured; of the others, how many there are."""
    sides_head = " | ".join(f"{side + ': nearest, median':>22} {'(n)':>6}" for side in ("right", "wrong"))
    lines = [f"{'row':<15} {'limit':<20} {'value':>8} | {sides_head} | margin: right, wrong"]
    for tier in tiers:
        limits = limits_of(TIERS[tier])
        lines.append(f"-- {tier}: {sum(limit.row is None for limit in limits)} of {len(limits)} constants are chosen")
        lines += [
            line(limit.row, limit.name, limit.value, sides)
            for limit in limits
            if limit.row is not None and limit.value is not None
        ]
    return lines


def line(row: str, name: str, value: float, sides: Sides) -> str:
    """A limit with both sides of it and its margins."""
    sign = -1 if row in LOW_IS_RIGHT else 1
    right, wrong = (np.asarray(side.get(row, ()), np.float64) for side in (sides.right, sides.wrong))
    right, wrong = right[np.isfinite(right)], wrong[np.isfinite(wrong)]
    if not len(right) or not len(wrong):
        return f"{row:<15} {name:<20} {value:>8g} | nothing measured"
    nearest = np.quantile(right, 0.01 if sign > 0 else 0.99), np.quantile(wrong, 0.99 if sign > 0 else 0.01)
    middle = np.median(right), np.median(wrong)
    distance = abs(middle[0] - middle[1]) or 1.0
    margin = sign * (nearest[0] - value) / distance, sign * (value - nearest[1]) / distance
    (near, far), (inner, outer) = nearest, middle
    return (
        f"{row:<15} {name:<20} {value:>8g} | {near:>10.3f} {inner:>11.3f} {len(right):>6} |"
        f" {far:>10.3f} {outer:>11.3f} {len(wrong):>6} | {margin[0]:>6.2f} {margin[1]:>6.2f}"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=TIERS, action="append", help="only this one; may be given again")
    parser.add_argument("--films", type=int, default=3, help="how many films")
    parser.add_argument("--minutes", type=float, default=20.0, help="length of a film")
    parser.add_argument("--quick", action="store_true", help="one film of four minutes, fewer editions")
    options = parser.parse_args()
    films, minutes = QUICK if options.quick else (options.films, options.minutes)
    tiers = options.tier or list(TIERS)
    print("\n".join(table(tiers, measured(tiers, films, minutes, options.quick))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
