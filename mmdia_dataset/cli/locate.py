"""`mmdia locate`."""

from __future__ import annotations

from collections import Counter

import mmdia_dataset
from mmdia_dataset.cli.app import Format, FormatOption, MediaOption, ReleaseOption, command
from mmdia_dataset.cli.options import JobsOption, forecast_text
from mmdia_dataset.cli.terminal import count_text, err, out, print_json, print_step, print_steps, progress_bar
from mmdia_dataset.errors import shown
from mmdia_dataset.refusals import ways_out

__all__ = ["locate"]


@command
def locate(
    release: ReleaseOption, media: MediaOption, jobs: JobsOption = 1, format_: FormatOption = Format.text
) -> int:
    """Find out which film is which movie, and what is missing. It also says what a rebuild will cost."""
    with progress_bar() as progress:
        report = mmdia_dataset.locate(release, media, jobs=jobs, progress=progress)
    if format_ is Format.json:
        return print_json(report)
    for movie, candidates in report.located.items():
        first, *others = candidates
        more = f", or {len(others)} others" if len(others) > 1 else f", or {shown(others[0].path)}" if others else ""
        dialogues = count_text(report.wanted[movie], "dialogue")
        out.print(f"found    {shown(movie)}  {shown(first.path)}  ({first.how}{more}; {dialogues})")
    for movie, absent in list(report.missing.items())[:20]:
        out.print(f"missing  {shown(movie)}  {absent.reason.detail}  ({count_text(report.wanted[movie], 'dialogue')})")
    if len(report.missing) > 20:
        out.print(f"… {count_text(len(report.missing) - 20, 'movie')} more missing (--format json lists them all)")
    reasons = Counter(missing.reason.rule for missing in report.missing.values())
    for rule, count in reasons.most_common():
        out.print(f"    {count_text(count, 'movie')} missing: {rule}")
        print_step(rule.ways("locate", release=release, media=media)[0])
    total, movies = sum(report.wanted.values()), len(report.wanted)
    out.print(f"mmdia rebuild would make up to {forecast_text(report.forecast, shown(release), total, movies)}")
    if report.located:
        folders = f"--release {release} --media {media}"
        err.print(f"next: mmdia align {folders} --out editions   (which edition each film is)")
        err.print(f"  or: mmdia rebuild {folders} --out built   (the same, and cuts the clips)")
    else:
        print_steps(ways_out(reasons, "locate", release=release, media=media))
    return report.exit_code
