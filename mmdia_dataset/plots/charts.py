"""Charts of distributions: what each shows and how it is drawn; `drawing` makes files of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmdia_dataset.errors import shown
from mmdia_dataset.schema import INTERACTION_MODES, RELATIONSHIPS, VISIBILITIES
from mmdia_dataset.statistics import Covered, Distributions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Chart", "charts_of", "films_chart"]


_NONE = "no label"
_FILMS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart: file name stem, heading, what it counts, width and height in inches, and how it is drawn."""

    name: str
    title: str
    caption: str
    size: tuple[float, float]
    draw: Callable[[Figure, Mapping[str, str]], None]


def charts_of(distributions: Distributions, coverage: Mapping[str, Covered]) -> tuple[Chart, ...]:
    """The charts of the counts; a chart without counts is left out."""
    charts = []
    charts += [
        Chart(
            name="sunburst",
            title="Interactions by relationship",
            caption="Dialogues by relationship (inner ring) and interaction mode.",
            size=(6, 6),
            draw=lambda figure, colours: _sunburst(figure, colours, distributions.labels),
        ),
        Chart(
            name="labels",
            title="Relationship and interaction mode",
            caption="Share of the dialogues that have both labels, in per cent.",
            size=(6, 6),
            draw=lambda figure, colours: _labels(figure, colours, distributions.labels),
        ),
    ]
    if distributions.scores:
        charts.append(
            Chart(
                name="scores",
                title="Intensity and volatility",
                caption="Share of the dialogues that have both scores, in per cent.",
                size=(6, 5),
                draw=lambda figure, colours: _scores(figure, colours, distributions.scores),
            )
        )
    if distributions.sounds:
        kinds, total = len(distributions.sounds), sum(distributions.sounds.values())
        caption = f"The most frequent of {kinds:,} kinds, {total:,} sounds in all."
        charts.append(
            Chart(
                name="sounds",
                title="Non-verbal sounds",
                caption=caption,
                size=(6, 5),
                draw=lambda figure, colours: _sounds(figure, colours, distributions.sounds),
            )
        )
    seconds = {ms / 1000: count for ms, count in distributions.turn_ms.items()}
    counted: list[tuple[str, str, str, Mapping[Any, int], float]] = [
        ("turns", "Turns of a dialogue", "turns", distributions.turns, 1),
        ("seconds", "Length of a dialogue", "seconds", distributions.seconds, 2),
        ("speakers", "Speakers of a dialogue", "speakers", distributions.speakers, 1),
        ("words", "Words of a turn", "words", distributions.words, 1),
        ("turn_seconds", "Length of a turn's cue", "seconds", seconds, 0.25),
    ]
    for name, title, unit, values, width in counted:
        charts.append(
            Chart(
                name=name,
                title=title,
                caption=_summary(values, unit),
                size=(6, 3),
                draw=_histogram(values, unit, width),
            )
        )
    charts.append(
        Chart(
            name="visibility",
            title="Visibility of speakers",
            caption="Turns and speakers by visibility.",
            size=(6, 2.6),
            draw=lambda figure, colours: _visibility(figure, colours, distributions),
        )
    )
    if coverage:
        charts.append(
            Chart(
                name="coverage",
                title="Coverage",
                caption="Dialogues that have a clip.",
                size=(6, 2.6),
                draw=_coverage(coverage),
            )
        )
    return tuple(charts)


def _summary(values: Mapping[float, int], unit: str) -> str:
    """Mean and median of counted values, in words."""
    count = sum(values.values())
    if not count:
        return "Nothing was counted."
    mean = sum(value * number for value, number in values.items()) / count
    return f"{count:,} counted; mean {mean:.2f}, median {_quantile(values, 0.5):g} {unit}."


def _quantile(values: Mapping[float, int], share: float) -> float:
    """The smallest value that at least this share of the counted lies at or below."""
    threshold, below = share * sum(values.values()), 0
    for value, count in sorted(values.items()):
        below += count
        if below >= threshold:
            return value
    return 0.0


def _histogram(values: Mapping[float, int], unit: str, width: float) -> Callable[[Figure, Mapping[str, str]], None]:
    """Bars of equal width; the last one takes in the highest half per cent, so that one wrong time hides nothing."""

    def draw(figure: Figure, colours: Mapping[str, str]) -> None:
        axes = figure.add_subplot()
        last = _quantile(values, 0.995) // width
        bars: Counter[float] = Counter()
        for value, count in values.items():
            bars[min(value // width, last)] += count
        over = any(value // width > last for value in values)
        middle = 0.0 if width == 1 else width / 2
        axes.bar(
            [bar * width + middle for bar in bars], list(bars.values()), width * 0.86, color=colours["accent"], zorder=2
        )
        axes.set_xlabel(f"{unit}; the last bar: {last * width:g} and more" if over else unit)
        _count_axis(axes, colours)
        if width == 1 and last <= 12:
            axes.set_xticks(range(int(last) + 1))

    return draw


def _count_axis(axes: Axes, colours: Mapping[str, str]) -> None:
    axes.locator_params(axis="y", integer=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(visible=True, axis="y", color=colours["grid"], linewidth=0.7)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _rows(
    axes: Axes, colours: Mapping[str, str], rows: Iterable[tuple[str, list[tuple[float, str, float]], str]]
) -> None:
    """Horizontal bars from the top: a name, its pieces (length, colour, opacity), and what stands behind them."""
    names, furthest = [], 0.0
    drawn = list(rows)
    for place, (name, pieces, _) in enumerate(drawn):
        names.append(name)
        left = 0.0
        for length, colour, opacity in pieces:
            axes.barh(place, length, 0.68, left=left, color=colours[colour], alpha=opacity)
            left += length
        furthest = max(furthest, left)
    for place, (_, pieces, words) in enumerate(drawn):
        axes.text(sum(piece[0] for piece in pieces) + furthest * 0.012, place, words, va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0, labelcolor=colours["ink"])
    axes.invert_yaxis()
    axes.set_xlim(0, max(furthest, 1e-9) * 1.18)
    axes.xaxis.set_visible(False)
    axes.spines[["left", "bottom"]].set_visible(False)


def _coverage(coverage: Mapping[str, Covered]) -> Callable[[Figure, Mapping[str, str]], None]:
    return lambda figure, colours: _cover_rows(figure.add_subplot(), colours, coverage)


def _cover_rows(axes: Axes, colours: Mapping[str, str], coverage: Mapping[str, Covered]) -> None:
    rows = []
    for name, covered in coverage.items():
        words = f"{covered.made:,} of {covered.wanted:,}"
        rows.append((name, [(covered.share, "accent", 1.0), (1 - covered.share, "faint", 0.2)], words))
    _rows(axes, colours, rows)
    axes.set_xlim(0, 1.32)


def films_chart(coverage: Mapping[str, Covered]) -> Chart:
    """How much of each film has a clip; of more films than can be told apart, how many have how much."""
    few = len(coverage) <= _FILMS
    caption = "Dialogues of each film that have a clip." if few else "Films by the share of dialogues that have a clip."
    height = 0.6 + 0.26 * len(coverage) if few else 3.0

    def draw(figure: Figure, colours: Mapping[str, str]) -> None:
        axes = figure.add_subplot()
        if few:
            _cover_rows(axes, colours, {shown(name, 36): covered for name, covered in coverage.items()})
            return
        tenths = Counter(min(9, int(covered.share * 10)) for covered in coverage.values())
        axes.bar([tenth * 10 + 5 for tenth in tenths], list(tenths.values()), 8.6, color=colours["accent"], zorder=2)
        axes.set_xlabel("per cent of its dialogues")
        axes.set_xlim(0, 100)
        _count_axis(axes, colours)

    return Chart(name="films", title="Coverage of films", caption=caption, size=(6, height), draw=draw)


def _visibility(figure: Figure, colours: Mapping[str, str], distributions: Distributions) -> None:
    rows = []
    for kind, counts in (("turns", distributions.turn_visibility), ("speakers", distributions.speaker_visibility)):
        whole = max(1, sum(counts.values()))
        for number, name in enumerate(VISIBILITIES):
            share = counts[name] / whole
            hue = "faint" if name == "unknown" else f"hue{(2, 4, 1)[number]}"
            rows.append((f"{kind}: {name.replace('_', ' ')}", [(share, hue, 1.0)], f"{counts[name]:,} ({share:.1%})"))
    axes = figure.add_subplot()
    _rows(axes, colours, rows)
    axes.set_xlim(0, max(piece[0] for _, pieces, _ in rows for piece in pieces) * 1.35 + 1e-9)


def _sounds(figure: Figure, colours: Mapping[str, str], sounds: Counter[str]) -> None:
    most = sorted(sounds.items(), key=lambda item: (-item[1], item[0]))[:20]
    axes = figure.add_subplot()
    _rows(axes, colours, [(shown(name, 36), [(count, "accent", 1.0)], f"{count:,}") for name, count in most])


def _cells(axes: Axes, colour: str, cells: Mapping[tuple[int, int], float]) -> None:
    """Squares at (column, row), the more the stronger; each above half a per cent of the whole with its share."""
    from matplotlib.patches import Rectangle

    whole, most = sum(cells.values()) or 1, max(cells.values(), default=1)
    for (column, row), count in cells.items():
        if count:
            opacity = 0.06 + 0.54 * count / most  # never so strong that the number on it can't be read
            square = Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, color=colour, alpha=opacity, linewidth=0)
            axes.add_patch(square)
            if count >= whole * 0.005:
                axes.text(column, row, f"{100 * count / whole:.1f}", ha="center", va="center", fontsize=7)


def _scores(figure: Figure, colours: Mapping[str, str], scores: Mapping[tuple[int, int], int]) -> None:
    axes = figure.add_subplot()
    _cells(axes, colours["accent"], scores)
    axes.set_xlim(0.4, 10.6)
    axes.set_ylim(0.4, 10.6)
    axes.set_xticks(range(1, 11))
    axes.set_yticks(range(1, 11))
    axes.set_xlabel("intensity")
    axes.set_ylabel("volatility")
    axes.tick_params(length=0)


def _labels(figure: Figure, colours: Mapping[str, str], labels: Mapping[tuple[str | None, str | None], int]) -> None:
    axes = figure.add_subplot()
    columns: list[str] = list(RELATIONSHIPS)
    rows: list[str] = list(INTERACTION_MODES)
    cells = {(columns.index(r), rows.index(i)): n for (r, i), n in labels.items() if r is not None and i is not None}
    _cells(axes, colours["accent"], cells)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xticks(range(len(columns)), columns, rotation=40, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0, labelcolor=colours["ink"])


def _sunburst(figure: Figure, colours: Mapping[str, str], labels: Mapping[tuple[str | None, str | None], int]) -> None:
    """Inner ring: relationships, in the vocabulary's order; outer ring: what is done in each, most first."""
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-1.75, 1.75)
    axes.set_ylim(-1.75, 1.75)
    whole = sum(labels.values())
    angle = 90.0
    for number, relationship in enumerate((*RELATIONSHIPS, None)):
        parts = sorted(((i, n) for (r, i), n in labels.items() if r == relationship), key=lambda x: (-x[1], str(x[0])))
        count = sum(n for _, n in parts)
        if not count:
            continue
        colour = colours["faint" if relationship is None else f"hue{number}"]
        turn = 360 * count / whole
        _wedge(axes, 0.42, 0.92, angle - turn, angle, colour, 0.95, colours["back"])
        if turn > 9:
            _radial(axes, 0.67, angle - turn / 2, relationship or _NONE, colours["back"], 8.5, centred=True)
        for place, (interaction, n) in enumerate(parts):
            step = 360 * n / whole
            _wedge(axes, 0.94, 1.24, angle - step, angle, colour, max(0.25, 0.8 - 0.06 * place), colours["back"])
            if step > 4.2:
                _radial(axes, 1.27, angle - step / 2, interaction or _NONE, colours["ink"], 6.5)
            angle -= step
    axes.text(0, 0, f"{whole:,}\ndialogues", ha="center", va="center", fontsize=11)


def _wedge(
    axes: Axes, inner: float, outer: float, start: float, end: float, colour: str, opacity: float, edge: str
) -> None:
    from matplotlib.patches import Wedge

    end = min(end, start + 359.99)  # a full circle has no edge to start from
    axes.add_patch(Wedge((0, 0), outer, start, end, width=outer - inner, facecolor=colour, alpha=opacity))
    axes.add_patch(Wedge((0, 0), outer, start, end, width=outer - inner, fill=False, edgecolor=edge, linewidth=0.8))


def _radial(
    axes: Axes, radius: float, angle: float, words: str, colour: str, size: float, *, centred: bool = False
) -> None:
    """Words along a ray; those on the left half are turned so that nobody reads upside down."""
    left = math.cos(math.radians(angle)) < 0
    side = "center" if centred else ("right" if left else "left")
    axes.text(
        radius * math.cos(math.radians(angle)),
        radius * math.sin(math.radians(angle)),
        words,
        rotation=(angle + 180 if left else angle) % 360,
        rotation_mode="anchor",
        ha=side,
        va="center",
        color=colour,
        fontsize=size,
    )
