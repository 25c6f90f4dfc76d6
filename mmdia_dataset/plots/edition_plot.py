"""How the time of a recording differs from its movie's, with every dialogue's verdict, PNG."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mmdia_dataset.files import whole_file
from mmdia_dataset.schema import Dialogue, Edition
from mmdia_dataset.timing import rate_from_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_edition"]

_BLUE, _GREEN, _RED, _GREY = "#2463a8", "#2a8a4a", "#c23b22", "#666666"


def plot_edition(edition: Edition, dialogues: Iterable[Dialogue], title: str, file: Path) -> None:
    """Draw how far a recording's time differs from the movie's, over the movie, with every dialogue's verdict.

    Args:
        edition: what was found.
        dialogues: of the movie.
        title: one line above the picture.
        file: the PNG to write.

    Raises:
        OutputError: the file can't be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.add_subplot()
    spans = {dialogue.id: dialogue.span for dialogue in dialogues if dialogue.timeline == "movie"}
    spans |= {dialogue.id: dialogue.span for dialogue in edition.placed}
    _pieces(axes, edition)
    _dialogues(axes, edition, {id_: (span.start_ms, span.end_ms) for id_, span in spans.items()})
    axes.set_xlabel("movie time [min]")
    axes.set_ylabel("recording minus movie [s]")
    axes.set_title(title, fontsize=9, loc="left", wrap=True)
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.15)
    axes.legend(loc="best", fontsize=8, frameon=False)
    with whole_file(file) as temporary:
        FigureCanvasAgg(figure).print_figure(temporary, format="png", dpi=110)


def _shift_s(edition: Edition, ms: float) -> float:
    """How much later than in the movie a moment comes, by the piece it is in or the nearest one."""
    piece = min(edition.pieces, key=lambda candidate: max(candidate.from_ms - ms, ms - candidate.to_ms, 0))
    return ((ms + piece.offset_ms) / float(rate_from_text(piece.rate)) - ms) / 1000


def _pieces(axes: Axes, edition: Edition) -> None:
    for n, piece in enumerate(edition.pieces):
        ends = (piece.from_ms, piece.to_ms)
        label = "the recording" if n == 0 else None
        axes.plot([ms / 60000 for ms in ends], [_shift_s(edition, ms) for ms in ends], color=_BLUE, label=label)
    for before, after in zip(edition.pieces, edition.pieces[1:], strict=False):
        axes.axvspan(before.to_ms / 60000, after.from_ms / 60000, color=_GREY, alpha=0.15, linewidth=0)


def _dialogues(axes: Axes, edition: Edition, spans: dict[str, tuple[int, int]]) -> None:
    placed = [spans[dialogue.id] for dialogue in edition.placed if dialogue.id in spans]
    refused = [spans[dialogue.id] for dialogue in edition.refused if dialogue.id in spans]
    for group, color, marker, label in (
        (placed, _GREEN, "o", f"placed: {len(edition.placed)}"),
        (refused, _RED, "x", f"refused: {len(edition.refused)}"),
    ):
        middles = [(start + end) / 2 for start, end in group]
        heights = [_shift_s(edition, ms) if edition.pieces else 0.0 for ms in middles]
        axes.plot([ms / 60000 for ms in middles], heights, marker, color=color, markersize=4, label=label)
