"""Commands about recordings: `locate`, `fingerprint`, `align`, `rebuild`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, MediaOption, ReleaseOption, command
from mmdia_dataset.cli.cutting import (
    AsIsOption,
    CodecOption,
    CrfOption,
    EditionsOption,
    Float32Option,
    FpsOption,
    HeightOption,
    IdsOption,
    ImageOption,
    JobsOption,
    LanguageOption,
    Mode,
    ModeOption,
    MonoOption,
    NearestOption,
    PlacesOption,
    PresetOption,
    SampleRateOption,
    SoundOption,
    SplitOption,
    TimesOption,
    forecast_text,
    print_editions,
    say_if_full,
)
from mmdia_dataset.errors import shown
from mmdia_dataset.terminal import count_text, err, out, print_json, progress_bar, size_text

__all__ = ["align", "fingerprint", "locate", "rebuild"]


@command
def locate(
    release: ReleaseOption, media: MediaOption, jobs: JobsOption = 1, format_: FormatOption = Format.text
) -> int:
    """Which recording is which movie, which are missing, and what a rebuild will cost."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.locate(release, media, jobs=jobs, progress=progress)
    if format_ is Format.json:
        found = {
            movie: {
                "dialogues": report.wanted[movie],
                "candidates": [{"path": str(one.path), "how": one.how} for one in candidates],
            }
            for movie, candidates in report.located.items()
        }
        missing = {movie: one.reason.model_dump() for movie, one in report.missing.items()}
        forecast = {"clips": report.forecast.clips, "hours": report.forecast.hours, "bytes": report.forecast.bytes}
        forecast["seconds"] = report.forecast.seconds
        print_json({"located": found, "missing": missing, "forecast": forecast})
        return report.exit_code
    for movie, candidates in report.located.items():
        first, *others = candidates
        more = f", or {len(others)} others" if len(others) > 1 else f", or {shown(others[0].path)}" if others else ""
        dialogues = f"{report.wanted[movie]} dialogues"
        out.print(f"found    {shown(movie)}  {shown(first.path)}  ({first.how}{more}; {dialogues})")
    for movie, one in list(report.missing.items())[:20]:
        out.print(f"missing  {shown(movie)}  {one.reason.detail}  ({report.wanted[movie]} dialogues)")
    if len(report.missing) > 20:
        out.print(f"… and {len(report.missing) - 20} more movies are missing (--format json lists them all)")
    wanted, movies = sum(report.wanted.values()), len(report.wanted)
    out.print(f"a rebuild makes at most {forecast_text(report.forecast, shown(release), wanted, movies)}")
    if report.located:
        err.print(f"next: mmdia align --release {release} --media {media} --out editions   (which editions they are)")
        err.print(f"  or: mmdia rebuild --release {release} --media {media} --out built   (that, and the clips)")
    else:
        err.print("next: put the IMDb id, or title and year, into the files' names, or list them in media.toml")
    return report.exit_code


@command
def fingerprint(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder of passports to write.", show_default=False)],
    language: LanguageOption = None,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
) -> int:
    """For curators: passports of the copies that were annotated, so that others can align theirs."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.fingerprint(release, media, folder, language=language, jobs=jobs, progress=progress)
    if format_ is Format.json:
        print_json(
            {
                "out": str(report.out),
                "made": {movie: str(file) for movie, file in report.made.items()},
                "failed": report.failed,
                "missing": report.missing,
                "bytes": report.bytes,
                "hours": report.hours,
            }
        )
        return report.exit_code
    for movie, why in [*report.failed.items(), *list(report.missing.items())[:20]]:
        out.print(f"none for {shown(movie)}: {shown(why, 300)}")
    each = f", {report.bytes / 1000 / report.hours:.1f} kB of fingerprint an hour" if report.hours else ""
    out.print(f"{len(report.made)} passports written to {shown(report.out)}: {report.hours:.2f} h{each}")
    if report.made and report.out.name != "passports":
        err.print(f"next: put them into the release as {release}/passports")
    return report.exit_code


@command
def align(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder of editions to write.", show_default=False)],
    language: LanguageOption = None,
    jobs: JobsOption = 1,
    format_: FormatOption = Format.text,
) -> int:
    """Which edition each recording is, where its dialogues are, and why some are not; cuts nothing."""
    from mmdia_dataset import commands

    with progress_bar() as progress:
        report = commands.align(release, media, folder, language=language, jobs=jobs, progress=progress)
    if format_ is Format.json:
        print_json(
            {
                "out": str(report.out),
                "editions": {
                    movie: {
                        "recording": str(one.located.path) if one.located else None,
                        "description": one.description,
                        "placed": len(one.edition.placed) if one.edition else 0,
                        "refused": len(one.edition.refused) if one.edition else report.wanted[movie],
                        "reason": one.reason.model_dump() if one.reason else None,
                        "notes": one.notes,
                    }
                    for movie, one in report.timings.items()
                },
                "missing": report.missing,
                "placed": report.placed,
                "refused": report.refused,
            }
        )
        return report.exit_code
    for movie, one in report.timings.items():
        name = f"  {shown(one.located.path.name)}" if one.located else ""
        out.print(f"{shown(movie)}{name}")
        words = one.description or (f"{one.reason.rule}: {one.reason.detail}" if one.reason else "")
        out.print(f"    {shown(words, 1000)}")
        for note in one.notes:
            out.print(f"    {shown(note, 300)}")
    out.print(
        f"{report.placed:,} dialogues placed, {report.refused:,} refused, in {len(report.timings)} recordings; "
        f"{len(report.missing)} movies without one"
    )
    if report.placed:
        err.print(f"editions and plots: {report.out}")
        err.print(f"next: mmdia rebuild --release {release} --media {media} --editions {report.out} --out built")
    else:
        err.print(f"next: mmdia locate --release {release} --media {media}")
    return report.exit_code


@command
def rebuild(
    release: ReleaseOption,
    media: MediaOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder to make, or to go on with.", show_default=False)],
    mode: ModeOption = Mode.copy,
    editions: EditionsOption = None,
    as_is: AsIsOption = False,
    split: SplitOption = None,
    ids: IdsOption = None,
    jobs: JobsOption = 1,
    language: LanguageOption = None,
    fps: FpsOption = None,
    height: HeightOption = None,
    codec: CodecOption = None,
    crf: CrfOption = None,
    preset: PresetOption = None,
    sample_rate: SampleRateOption = None,
    mono: MonoOption = False,
    sound: SoundOption = None,
    float32: Float32Option = False,
    places: PlacesOption = None,
    times: TimesOption = None,
    image: ImageOption = None,
    nearest: NearestOption = False,
    format_: FormatOption = Format.text,
) -> int:
    """Cut every dialogue from the films you own, to the frame. Run again to go on, or after a change."""
    from mmdia_dataset.pipeline import build
    from mmdia_dataset.plans import plan, settings_for

    settings = settings_for(
        mode.value,
        language=language,
        fps=fps,
        height=height,
        codec=codec,
        crf=crf,
        preset=preset,
        sample_rate=sample_rate,
        mono=mono,
        sound=sound and sound.value,
        float32=float32,
        places=places,
        times=times,
        image=image and image.value,
        nearest=nearest,
    )
    with progress_bar() as progress:
        planned = plan(
            release,
            media,
            settings=settings,
            editions=editions,
            as_is=as_is,
            split=split,
            ids=ids,
            jobs=jobs,
            progress=progress,
        )
    forecast = forecast_text(planned.forecast, shown(release), planned.wanted, len(planned.wishes))
    err.print(f"making at most {forecast}")
    say_if_full(folder, planned.forecast.bytes)
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
                "fallbacks": report.fallbacks,
                "missing": report.missing,
                "editions": report.editions,
                "notes": report.notes,
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
    print_editions(report.editions, report.notes, report.fallbacks)
    for rule, count in report.refused.most_common():
        examples = list(report.examples[rule].values())
        out.print(f"    {count:,} refused, of {count_text(len(examples), 'movie')}: {rule}")
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
