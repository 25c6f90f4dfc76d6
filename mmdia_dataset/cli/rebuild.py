"""Commands about recordings: `locate`, `fingerprint`, `align`, `rebuild`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmdia_dataset.cli.app import Format, FormatOption, MediaOption, ReleaseOption, command
from mmdia_dataset.cli.options import (
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
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, progress_bar, size_text
from mmdia_dataset.errors import shown

__all__ = ["rebuild"]


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
    from mmdia_dataset.building.build import build
    from mmdia_dataset.building.plan import plan
    from mmdia_dataset.clips.settings import settings_for

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
