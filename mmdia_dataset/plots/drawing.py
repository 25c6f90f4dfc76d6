"""Charts as files: PNG in light colours, or SVG with variables for a page that is light or dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdia_dataset.files import whole_file
from mmdia_dataset.plots.charts import Chart

__all__ = ["LIGHT", "VARIABLES", "draw_png", "draw_svg"]

VARIABLES = ("ink", "faint", "grid", "back", "accent", *(f"hue{n}" for n in range(8)))
"""Names of the colours a chart uses; in an SVG `ink` stands as ``var(--ink)``."""


LIGHT = dict(
    zip(
        VARIABLES,
        (
            "#1c2733",
            "#66727f",
            "#dfe4ea",
            "#ffffff",
            "#2463a8",
            "#2463a8",
            "#c25a22",
            "#2a8a4a",
            "#8a4fb0",
            "#b3892b",
            "#b83a5e",
            "#2a8b93",
            "#6b6f2f",
        ),
        strict=True,
    )
)


# Colours no chart would choose, replaced by variables in what matplotlib writes.
_MARKS = {name: f"#0a0b{number:02x}" for number, name in enumerate(VARIABLES)}


def draw_png(chart: Chart, file: Path) -> None:
    """Write a chart as PNG, light. Raises OutputError."""
    with whole_file(file) as temporary:
        _draw(chart, LIGHT, temporary, "png")


def draw_svg(chart: Chart) -> str:
    """A chart as an `<svg>` element to stand in a page, its text escaped and its colours variables of the page."""
    text = io.BytesIO()
    _draw(chart, _MARKS, text, "svg")
    svg = text.getvalue().decode()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Ids are the page's: those of two charts must differ, and so must what refers to them.
    svg = re.sub(r'(\bid="|#)(?!0a0b)([A-Za-z_][\w.-]*)(?=["\)])', rf"\g<1>{chart.name}-\g<2>", svg)
    for name, mark in _MARKS.items():
        svg = svg.replace(mark, f"var(--{name})")
    label = f'role="img" aria-label="{chart.title}"'
    return re.sub(r"<svg ", f"<svg {label} ", svg, count=1)


def _draw(chart: Chart, colours: Mapping[str, str], target: Path | io.BytesIO, kind: str) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ink, faint = colours["ink"], colours["faint"]
    style: Any = {
        "text.parse_math": False,  # names from files are no formulas
        "svg.fonttype": "none",
        "svg.hashsalt": "mm-dia",  # same input, same bytes
        "font.size": 9,
        "text.color": ink,
        "axes.labelcolor": faint,
        "axes.edgecolor": faint,
        "xtick.color": faint,
        "ytick.color": faint,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
    }
    with mpl.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box in the PNG alone
        figure = Figure(figsize=chart.size, layout="constrained")
        chart.draw(figure, colours)
        back = "none" if kind == "svg" else colours["back"]
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(target, format=kind, dpi=140, facecolor=back, metadata=metadata)
