"""`mmdia …`: the commands as a shell sees them. Heavy imports happen inside commands, so that --help is quick.

Reports go to standard output, progress and words to standard error; `--format json` prints JSON alone.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer

from mmdia_dataset.errors import MmdiaError, shown
from mmdia_dataset.terminal import err, out, print_json, print_table, progress_bar, size_text

if TYPE_CHECKING:
    from mmdia_dataset.plans import Forecast

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="MM-DIA from films you own: find them, cut every dialogue to the frame, check it, load it.",
)
P = ParamSpec("P")


class Format(StrEnum):
    """How a report is printed."""

    text = "text"
    json = "json"


class Target(StrEnum):
    """What `convert` writes."""

    parquet = "parquet"
    jsonl = "jsonl"
    srt = "srt"
    utterances = "utterances"
    training = "training"


class Mode(StrEnum):
    """How clips are made."""

    copy = "copy"
    audio = "audio"


FormatOption = Annotated[Format, typer.Option("--format", help="text for people, json for programs.")]
ReleaseOption = Annotated[Path, typer.Option("--release", help="Folder (or file) of annotations.", show_default=False)]
MediaOption = Annotated[
    Path, typer.Option("--media", help="Folder of your films, or a media.toml that lists them.", show_default=False)
]


class _State:
    debug = False


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    _State.debug = debug


def _stop(error: BaseException, sentence: str, code: int) -> NoReturn:
    if _State.debug:
        raise error
    err.print(f"mmdia: {sentence}")
    raise typer.Exit(code)


def _command(function: Callable[P, int]) -> Callable[P, None]:
    """A command that ends with its function's exit code, and says every error in one sentence."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = function(*args, **kwargs)
        except MmdiaError as error:
            _stop(error, str(error), error.exit_code)
        except KeyboardInterrupt as error:
            _stop(error, "stopped; what was made stays made, run the same command to go on.", 130)
        except BrokenPipeError:
            code = 0
        except OSError as error:
            place = f"{shown(str(error.filename))}: " if error.filename else ""
            _stop(error, f"{place}{(error.strerror or str(error)).lower()}.", 3)
        raise typer.Exit(code)

    app.command()(run)
    return run


@_command
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")] = Path("mmdia-demo"),
) -> int:
    """The whole way on a film we draw ourselves: offline, under a minute."""
    from mmdia_dataset import commands

    # One bar of ours for the whole way; those of datasets would come between.
    os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
    err.print("Drawing a small film, writing annotations for it, and rebuilding its clips. Nothing is downloaded.")
    with progress_bar() as progress:
        report = commands.demo(folder, progress)
    out.print(f"film      {report.film.film}  ({report.film.duration_s:.0f} s)")
    out.print(f"release   {report.film.release}")
    out.print(f"built     {report.rebuilt.out}  ({report.rebuilt.made + report.rebuilt.kept} clips)")
    out.print(f"loaded    {report.rows} rows; the first begins with {shown(report.words)}")
    out.print(f"a clip    {report.clip}")
    err.print("\nOpen the clip in any player. In Python:\n")
    err.print("    import mmdia_dataset, datasets")
    err.print(f'    datasets.load_dataset("mm-dia", "clips", data_dir="{report.rebuilt.out}")\n')
    err.print("Next, with your own films: mmdia locate --release RELEASE --media FILMS")
    return report.rebuilt.exit_code


@_command
def doctor(
    release: Annotated[Path | None, typer.Option("--release", help="Folder of annotations.")] = None,
    media: Annotated[Path | None, typer.Option("--media", help="Folder of your films.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """What works here, what is missing, and one next step."""
    from mmdia_dataset import commands

    report = commands.doctor(release, media)
    if format_ is Format.json:
        checks = [{"name": c.name, "state": c.state, "detail": c.detail} for c in report.checks]
        print_json({"checks": checks, "next": report.next_step})
        return report.exit_code
    for check in report.checks:
        mark = {"good": "ok     ", "missing": "missing", "bad": "BAD    "}[check.state]
        out.print(f"{mark}  {check.name:<18} {check.detail}")
    out.print(f"\nnext: {report.next_step}")
    return report.exit_code


@_command
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Releases, built directories, manifests, edition files.")],
    report_file: Annotated[Path | None, typer.Option("--report", help="Write every issue here, as JSON lines.")] = None,
    format_: FormatOption = Format.text,
) -> int:
    """Check annotations or what was built from them; exit code 1 if there are errors."""
    from mmdia_dataset import commands
    from mmdia_dataset.files import whole_file
    from mmdia_dataset.schema import Issue

    printed = 0

    def print_issue(issue: Issue) -> None:
        nonlocal printed
        sys.stdout.write(("," if printed else "") + "\n  " + issue.model_dump_json())
        printed += 1

    with progress_bar() as progress:
        if format_ is Format.json:
            sys.stdout.write('{"issues": [')
            found = commands.validate(*paths, on_issue=print_issue, progress=progress)
            counts = [{"severity": s, "rule": r, "count": n} for (s, r), n in sorted(found.counts.items())]
            end = {"dialogues": found.dialogues, "errors": found.errors, "warnings": found.warnings, "counts": counts}
            sys.stdout.write("\n],\n" + json.dumps(end)[1:] + "\n")
            return found.exit_code
        if report_file is None:
            found = commands.validate(*paths, progress=progress)
        else:
            with whole_file(report_file) as temporary, temporary.open("w", encoding="utf-8") as lines:
                found = commands.validate(
                    *paths, on_issue=lambda issue: print(issue.model_dump_json(), file=lines), progress=progress
                )
    for (severity, rule), count in sorted(found.counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        examples = found.examples[rule]
        out.print(f"{severity:<7}  {rule}  ({count})")
        for issue in examples:
            out.print(f"    {shown(issue.file or '')} {shown(issue.path)}: {shown(issue.message, 300)}")
        if count > len(examples):
            out.print(f"    … and {count - len(examples)} more")
        out.print(f"    → {examples[0].hint}")
    summary = f"{found.dialogues:,} dialogues: {found.errors:,} errors, {found.warnings:,} warnings"
    out.print(summary if found.dialogues else f"{found.errors:,} errors, {found.warnings:,} warnings")
    if report_file:
        err.print(f"every issue: {report_file}")
    elif any(count > 3 for count in found.counts.values()):
        err.print("all of them: --report issues.jsonl")
    return found.exit_code


@_command
def convert(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    to: Annotated[
        Target, typer.Option("--to", help="parquet and jsonl are ours; srt, utterances and training upstream's.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder to make.")],
) -> int:
    """Write annotations in another form; nothing is lost on the way."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.convert(
            release, to=to.value, out=folder, progress=lambda done, total: progress("converting", done, total)
        )
    out.print(f"{report.dialogues:,} dialogues in {report.files} files: {report.out}")
    if report.unreadable:
        err.print(f"{report.unreadable} entries could not be read and are not in it: see mmdia validate {release}")
    return 1 if report.unreadable else 0


def _forecast(forecast: Forecast, release: str, wanted: int, movies: int) -> str:
    return (
        f"{forecast.clips:,} of {wanted:,} dialogues, in {forecast.movies} of {movies} movies of {release}: "
        f"{forecast.hours:.2f} h, about {size_text(forecast.bytes)}"
    )


@_command
def locate(release: ReleaseOption, media: MediaOption, format_: FormatOption = Format.text) -> int:
    """Which recording is which movie, which are missing, and what a rebuild will cost."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.locate(release, media, progress)
    if format_ is Format.json:
        found = {
            m: {"path": str(x.path), "how": x.how, "dialogues": report.wanted[m]} for m, x in report.located.items()
        }
        missing = {m: x.reason.model_dump() for m, x in report.missing.items()}
        forecast = {"clips": report.forecast.clips, "hours": report.forecast.hours, "bytes": report.forecast.bytes}
        print_json({"located": found, "missing": missing, "forecast": forecast})
        return report.exit_code
    for movie, found_ in report.located.items():
        out.print(f"found    {shown(movie)}  {shown(found_.path)}  ({found_.how}, {report.wanted[movie]} dialogues)")
    for movie, missing_ in list(report.missing.items())[:20]:
        out.print(f"missing  {shown(movie)}  {missing_.reason.detail}  ({report.wanted[movie]} dialogues)")
    if len(report.missing) > 20:
        out.print(f"… and {len(report.missing) - 20} more movies are missing (--format json lists them all)")
    wanted, movies = sum(report.wanted.values()), len(report.wanted)
    out.print(f"a rebuild makes {_forecast(report.forecast, shown(release), wanted, movies)}")
    if report.located:
        err.print(f"next: mmdia rebuild --release {release} --media {media} --out built")
    else:
        err.print("next: put the IMDb id into the files' names, or list them in media.toml (see README)")
    return report.exit_code


@_command
def rebuild(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder to make, or to go on with.", show_default=False)],
    mode: Annotated[Mode, typer.Option("--mode", help="copy: mp4 without re-encoding; audio: wav.")] = Mode.copy,
    editions: Annotated[Path | None, typer.Option("--editions", help="Folder of edition files to cut by.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    ids: Annotated[list[str] | None, typer.Option("--ids", help="Only this dialogue; may be repeated.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Movies worked on at once.")] = 1,
    language: Annotated[str | None, typer.Option("--language", help="Sound track to take, such as eng.")] = None,
    sample_rate: Annotated[
        int | None, typer.Option("--sample-rate", min=1000, help="audio: Hz; else as it is.")
    ] = None,
    mono: Annotated[bool, typer.Option("--mono", help="audio: mix to one channel.")] = False,
    format_: FormatOption = Format.text,
) -> int:
    """Cut every dialogue from the films you own, to the frame. Run again to go on, or after a change."""
    import shutil

    from mmdia_dataset.pipeline import build
    from mmdia_dataset.plans import plan

    with progress_bar() as progress:
        planned = plan(
            release,
            media,
            mode=mode.value,
            editions=editions,
            split=split,
            ids=ids,
            language=language,
            sample_rate=sample_rate,
            mono=mono,
            progress=progress,
        )
    wanted, movies = sum(map(len, planned.wishes.values())), len(planned.wishes)
    err.print(f"making {_forecast(planned.forecast, shown(release), wanted, movies)}")
    above = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(above).free
    if free < planned.forecast.bytes:
        err.print(f"careful: only {size_text(free)} are free in {above}")
    with progress_bar() as progress:
        report = build(planned, folder, jobs=jobs, progress=progress)
    if format_ is Format.json:
        print_json(
            {
                "out": str(report.out),
                "mode": report.mode,
                "wanted": report.wanted,
                "made": report.made,
                "kept": report.kept,
                "refused": report.refused,
                "missing": report.missing,
                "splits": report.splits,
                "bytes": report.bytes,
                "hours": report.hours,
                "issues": report.issues,
                "seconds": report.seconds,
            }
        )
        return report.exit_code
    out.print(
        f"{report.made:,} clips made, {report.kept:,} kept, {report.refused.total():,} refused: "
        f"{report.hours:.2f} h, {size_text(report.bytes)}, in {report.seconds:.1f} s"
    )
    for rule, count in report.refused.most_common():
        examples = list(report.examples[rule].values())
        plural = "s" if len(examples) > 1 else ""
        out.print(f"    {count:,} refused, of {len(examples)} movie{plural}: {rule}")
        for example in examples[:3]:
            out.print(f"        {shown(example, 300)}")
        if len(examples) > 3:
            out.print("        … manifest.jsonl has them all")
    if report.issues:
        err.print(f"the annotations have {report.issues:,} issues: mmdia validate {release}")
    if report.made + report.kept:
        err.print(f'next: load_dataset("mm-dia", "clips", data_dir="{folder}") after import mmdia_dataset')
    else:
        err.print(f"next: mmdia locate --release {release} --media {media}")
    return report.exit_code


@_command
def stats(
    release: Annotated[Path, typer.Argument(help="Folder (or file) of annotations.")],
    format_: FormatOption = Format.text,
) -> int:
    """Figures of the annotations, beside the paper's."""
    from dataclasses import asdict

    from mmdia_dataset import commands
    from mmdia_dataset.statistics import PAPER, PAPER_BENCH, Figures

    with progress_bar() as progress:
        found = commands.stats(release, progress)
    columns: dict[str, Figures] = {**found, "paper": PAPER, "paper bench": PAPER_BENCH}
    if format_ is Format.json:
        print_json({name.replace(" ", "_"): asdict(figures) for name, figures in columns.items()})
        return 0
    rows = []
    for name in asdict(PAPER):
        values = [getattr(figures, name) for figures in columns.values()]
        cells = ["-" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:,.2f}" for v in values]
        rows.append((name.replace("_", " "), *cells))
    print_table(("", *columns), rows)
    return 0


def main() -> None:
    """The `mmdia` console script."""
    app()
