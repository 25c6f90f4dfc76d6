"""All charts and tables of the statistics: PNG files, and one HTML page that needs no other file.

Text from files is escaped on the page, and the page does not allow itself to load anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

from mmdia_dataset.errors import shown
from mmdia_dataset.files import make_folder, write_text
from mmdia_dataset.plots.charts import charts_of
from mmdia_dataset.plots.drawing import LIGHT, draw_png, draw_svg
from mmdia_dataset.statistics import PAPER, PAPER_BENCH, Covered, Distributions, Figures, SoundCount

__all__ = ["write_plots"]

_DARK = {
    **LIGHT,
    "ink": "#dde4ec",
    "faint": "#93a0ae",
    "grid": "#2c3744",
    "back": "#151c24",
    "accent": "#5b9be0",
    "hue0": "#5b9be0",
    "hue1": "#e08a55",
    "hue2": "#57b877",
    "hue3": "#b98adb",
    "hue4": "#d6b25a",
    "hue5": "#e07896",
    "hue6": "#56b6bf",
    "hue7": "#a9ad62",
}

_STYLE = """
:root { color-scheme: light dark; %s }
@media (prefers-color-scheme: dark) { :root { %s } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 28px 24px 60px; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 25px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 8px; } h3 { font-size: 16px; margin: 0; }
p { margin: 2px 0 10px; color: var(--faint); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(520px, 100%%), 1fr)); gap: 18px; }
figure { margin: 0; padding: 14px 16px; border: 1px solid var(--grid); border-radius: 8px; }
figure svg { width: 100%%; height: auto; display: block; } svg text { font-family: system-ui, sans-serif !important; }
.scroll { overflow-x: auto; margin-bottom: 10px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; padding-left: 0; }
.paper { color: var(--faint); } summary { cursor: pointer; margin: 8px 0; }
"""


def write_plots(
    folder: Path,
    title: str,
    figures: Mapping[str, Figures],
    movies: Mapping[str, Figures],
    distributions: Distributions,
    coverage: Mapping[str, Covered],
    movie_coverage: Mapping[str, Covered],
    sound: Mapping[str, SoundCount],
) -> tuple[Path, ...]:
    """Draw everything into a folder; gives the files written, `index.html` first.

    Args:
        folder: made if missing; other files in it are not changed.
        title: what was counted.
        figures: of `all` dialogues and of each split.
        movies: of each movie.
        distributions: of all dialogues.
        coverage: of `all` and each split, or empty where nothing was to be built.
        movie_coverage: of each movie, or empty.
        sound: how many dialogues have `any` and each kind, or empty where there is none.

    Raises:
        OutputError: a file can't be written.
    """
    make_folder(folder)
    charts = charts_of(distributions, coverage)
    files = []
    for chart in charts:
        files.append(folder / f"{chart.name}.png")
        draw_png(chart, files[-1])
    drawn = "".join(
        f"<figure><h3>{escape(chart.title)}</h3><p>{escape(chart.caption)}</p>{draw_svg(chart)}</figure>\n"
        for chart in charts
    )
    page = _page(title, _tables(figures, coverage, sound), drawn, _movies(movies, movie_coverage))
    write_text(folder / "index.html", page)
    return folder / "index.html", *files


def _page(title: str, tables: str, charts: str, movies: str) -> str:
    colours = [" ".join(f"--{name}: {value};" for name, value in theme.items()) for theme in (LIGHT, _DARK)]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}: figures</title>\n<style>{_STYLE % tuple(colours)}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n<p>Figures of these annotations, next to the paper's.</p>\n"
        f'{tables}<h2>Distributions</h2>\n<div class="charts">\n{charts}</div>\n{movies}</body>\n</html>\n'
    )


def _tables(figures: Mapping[str, Figures], coverage: Mapping[str, Covered], sound: Mapping[str, SoundCount]) -> str:
    columns = {**figures, "paper": PAPER, "paper, bench": PAPER_BENCH}
    rows = [
        [name.replace("_", " "), *(number(getattr(column, name)) for column in columns.values())]
        for name in asdict(PAPER)
    ]
    text = _table(["", *columns], rows, papers=2)
    note = (
        "A turn is one speaker's words within one cue. Hours add up the lengths of the dialogues. A model gave the "
        "scores in releases; human scores are known only from the paper. A dialogue can be in more than one split."
    )
    text = f"<h2>Figures</h2>\n{text}<p>{note}</p>\n"
    if coverage:
        cells = [
            [name, number(covered.wanted), number(covered.made), f"{covered.share:.1%}", number(covered.hours)]
            for name, covered in coverage.items()
        ]
        text += f"<h2>Clips</h2>\n{_table(['', 'wanted', 'made', 'share', 'hours made'], cells)}"
    if sound:
        cells = [
            [name.replace("_", " "), number(count.dialogues), number(count.hours)] for name, count in sound.items()
        ]
        text += f"<h2>Sound</h2>\n{_table(['', 'dialogues', 'hours'], cells)}"
    return text


def _movies(movies: Mapping[str, Figures], coverage: Mapping[str, Covered]) -> str:
    names = ["dialogues", "turns", "hours", "speakers_per_dialogue", "turns_per_dialogue"]
    names += ["intensity", "volatility", "nonverbal", "words"]
    listed = sorted({*movies, *coverage})
    rows = []
    for movie in listed:
        figures = movies.get(movie)
        row = [shown(movie), *(number(None if figures is None else getattr(figures, name)) for name in names)]
        if coverage:
            covered = coverage.get(movie, Covered())
            row += [f"{covered.made:,} of {covered.wanted:,}"]
        rows.append(row)
    header = ["movie", *(name.replace("_per_", " / ") for name in names), *(["clips"] if coverage else [])]
    count = f"{len(listed):,} movie{'s' if len(listed) != 1 else ''}"
    return f"<h2>Movies</h2>\n<details><summary>{count}</summary>\n{_table(header, rows)}</details>\n"


def number(value: float | None) -> str:
    """A figure as people read it: whole numbers whole, others with two decimals, none as a dash."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], papers: int = 0) -> str:
    """An HTML table; its last `papers` columns are set back."""

    def row(tag: str, cells: Sequence[str]) -> str:
        first = len(cells) - papers
        parts = [
            f"<{tag}{' class=paper' if papers and column >= first else ''}>{escape(cell)}</{tag}>"
            for column, cell in enumerate(cells)
        ]
        return f"<tr>{''.join(parts)}</tr>\n"

    body = "".join(row("td", cells) for cells in rows)
    return f'<div class="scroll"><table>\n{row("th", header)}{body}</table></div>\n'
