"""Commands about shards: `pack` and `check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmdia_dataset.cli.app import Format, FormatOption, command
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
from mmdia_dataset.errors import UsageError, shown

if TYPE_CHECKING:
    from mmdia_dataset.shards.packreport import PackReport

__all__ = ["pack"]


@command
def pack(
    built: Annotated[Path | None, typer.Argument(help="The built directory to pack.", show_default=False)] = None,
    folder: Annotated[str | None, typer.Option("--out", help="Folder or URL (s3://…) to write to.")] = None,
    release: Annotated[Path | None, typer.Option("--release", help="Instead: annotations, with --media.")] = None,
    media: Annotated[Path | None, typer.Option("--media", help="Folder of your films, or a media.toml.")] = None,
    max_size: Annotated[str, typer.Option("--max-size", help="Of a shard, such as 500MB.")] = "1GB",
    shuffle: Annotated[
        int | None, typer.Option("--shuffle", help="Mix samples by this seed; else as they are.")
    ] = None,
    split: SplitOption = None,
    modes: Annotated[
        list[str] | None, typer.Option("--modes", help="Of a built directory: clips of this mode; may be repeated.")
    ] = None,
    min_shards: Annotated[
        int, typer.Option("--min-shards", min=1, help="Of each split, so that as many loader processes can share it.")
    ] = 1,
    jobs: JobsOption = 1,
    mode: Annotated[Mode | None, typer.Option("--mode", help="Of films, as are all below: as in `rebuild`.")] = None,
    editions: EditionsOption = None,
    as_is: AsIsOption = False,
    ids: IdsOption = None,
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
    """Clips as WebDataset shards, for training at full speed; also straight from films. Run again to go on."""
    from mmdia_dataset.commands.pack import check_source
    from mmdia_dataset.shards.packing import plan_pack, write_pack

    if folder is None:
        raise UsageError("there is no place to write to", hint="give --out, a folder or a URL")
    cutting: dict[str, Any] = {
        "mode": mode and mode.value, "language": language, "fps": fps, "height": height, "codec": codec, "crf": crf,
        "preset": preset, "sample_rate": sample_rate, "mono": mono, "sound": sound and sound.value, "float32": float32,
        "places": places, "times": times, "image": image and image.value, "nearest": nearest,
    }  # fmt: skip
    check_source(built, release, media, modes, {**cutting, "editions": editions, "as_is": as_is, "ids": ids})
    if release is None or media is None:
        found = plan_pack(
            built or "", max_size=max_size, shuffle=shuffle, split=split, modes=modes, min_shards=min_shards
        )
        counts = found.layout.shards_of()
        for name, samples in found.layout.samples_of().items():
            most = f"at most {counts[name]:,} loader processes can share them"
            err.print(f"{name}: {count_text(samples, 'sample')} in {count_text(counts[name], 'shard')}, {most}")
        err.print(f"writing {size_text(found.bytes)} to {shown(folder)}; members: {', '.join(found.stock.members)}")
        with progress_bar() as progress:
            return _said(write_pack(found, folder, jobs=jobs, progress=progress), format_)
    from mmdia_dataset.building.plan import plan
    from mmdia_dataset.clips.settings import settings_for
    from mmdia_dataset.shards.direct import plan_direct, write_direct

    settings = settings_for(**{**cutting, "mode": cutting["mode"] or "copy"})
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
    direct = plan_direct(planned, max_size=max_size, shuffle=shuffle, split=split, min_shards=min_shards)
    forecast = forecast_text(planned.forecast, shown(release), planned.wanted, len(planned.wishes))
    err.print(f"packing at most {forecast}")
    err.print(
        f"about {count_text(direct.shards, 'shard')} to {shown(folder)}; the clips of one lie on the disk at a time"
    )
    if "://" not in folder:
        say_if_full(Path(folder), planned.forecast.bytes + direct.max_bytes)
    with progress_bar() as progress:
        return _said(write_direct(direct, folder, jobs=jobs, progress=progress), format_)


def _said(report: PackReport, format_: Format) -> int:
    if format_ is Format.json:
        print_json(
            {
                "out": report.out,
                "samples": report.samples,
                "shards": report.shards,
                "members": report.members,
                "bytes": report.bytes,
                "written": report.written,
                "kept": report.kept,
                "removed": report.removed,
                "left_out": report.left_out,
                "damaged": report.damaged,
                "editions": report.editions,
                "notes": report.notes,
                "fallbacks": report.fallbacks,
                "seconds": report.seconds,
            }
        )
        return report.exit_code
    out.print(
        f"{count_text(sum(report.samples.values()), 'sample')} in {count_text(sum(report.shards.values()), 'shard')}, "
        f"{size_text(report.bytes)}: {report.written:,} written, {report.kept:,} kept, in {report.seconds:.1f} s"
    )
    print_editions(report.editions, report.notes, report.fallbacks)
    for rule, count in report.left_out.most_common():
        example = report.examples[rule]
        out.print(f"    {count:,} left out: {rule}, such as {shown(example.id)}: {shown(example.detail, 300)}")
    if report.left_out:
        out.print("    editions/manifest.jsonl has them all")
    err.print(f"next: mmdia check {shown(report.out)}")
    return report.exit_code
