"""`mmdia score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, command
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, print_table
from mmdia_dataset.errors import shown

__all__ = ["score"]

_COUNTS = {"not counted": "dialogues not counted, since they lack what this metric needs"}
_FIGURES = {
    "transfers": "changes of speaker",
    "mean_ms": "mean pause [ms]",
    "quantiles_ms": "quantiles [ms]",
    "gaps": "share with a gap",
    "mean_gap_ms": "mean gap [ms]",
    "overlaps": "share with an overlap",
    "mean_overlap_ms": "mean overlap [ms]",
    "macro": "mean over labels",
    "recall": "recall of each label",
    "dialogues": "dialogues of each label",
    "unknown": "answers that are not labels",
}


@command
def score(
    hyp: Annotated[Path, typer.Argument(help="Answers of the system: JSON lines, .stm, or SegLST as .json.")],
    ref: Annotated[Path, typer.Argument(help="References: the same forms, or a release or built directory.")],
    metrics: Annotated[
        str,
        typer.Option(help="Comma-separated: wer, cpwer, relationship_recall, interaction_recall, turn_taking, judged."),
    ] = "wer,cpwer",
    split: Annotated[
        str | None, typer.Option(help="Only this split, where REF is a release or built directory.")
    ] = None,
    missing: Annotated[
        str, typer.Option(help="A dialogue without an answer: error, empty (as silence) or skip.")
    ] = "error",
    cluster: Annotated[
        str | None, typer.Option(help="movie: resample whole movies for the intervals, instead of dialogues.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Resamples for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    normalisation: Annotated[str, typer.Option(help="How texts are normalised first: mmdia-1 or none.")] = "mmdia-1",
    format_: FormatOption = Format.text,
) -> int:
    """Score the answers of a system against references."""
    report = mmdia_dataset.score(
        hyp,
        ref,
        metrics=metrics,
        split=split,
        missing=missing,
        cluster=cluster,
        resamples=resamples,
        seed=seed,
        normalisation=normalisation,
    )
    if format_ is Format.json:
        return print_json(report)
    rows: list[tuple[str, ...]] = []
    for result in report.scores:
        ends = "-" if result.interval is None else f"{result.interval[0]:.4f} to {result.interval[1]:.4f}"
        value = "-" if result.value is None else f"{result.value:.4f}"
        rows.append((shown(result.metric), value, ends, f"{result.dialogues:,}", result.ids[:12]))
    print_table(("", "value", "95 % interval", "dialogues", "hash of ids"), rows)
    for result in report.scores:
        for line in _details(result.counts, result.details):
            out.print(f"{shown(result.metric)}: {line}")
    if report.scores:
        first = report.scores[0]
        if first.missing or first.unused:
            unused = count_text(first.unused, "answer")
            err.print(
                f"no answer to {count_text(first.missing, 'dialogue')}; {unused} to dialogues that are not in {ref}"
            )
    return report.exit_code


def _details(counts: dict[str, int], details: dict[str, Any]) -> list[str]:
    """Counts and figures in lines; what is long by its nature is left to JSON."""
    lines = []
    if counts:
        lines.append(", ".join(f"{count:,} {_COUNTS.get(name, shown(name))}" for name, count in counts.items()))
    for name, value in details.items():
        if name == "speakers":
            swapped = sum(any(a != b for a, b in pairs if a and b) for pairs in value.values())
            lines.append(
                f"speakers permuted in {count_text(swapped, 'dialogue')} (--format json lists the permutations)"
            )
        elif isinstance(value, dict):
            words = ", ".join(f"{_FIGURES.get(str(k), shown(str(k)))} {_figure(v)}" for k, v in value.items())
            lines.append(f"{_FIGURES.get(name, name)}: {words or 'none'}")
        else:
            lines.append(f"{_FIGURES.get(name, name)}: {_figure(value)}")
    return lines


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return f"({', '.join(f'{k} {_figure(v)}' for k, v in value.items())})"
    return "-" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value)
