"""`show`: a page to look at, rows of tasks with their pictures and players, as HTML."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mmdia_dataset.built.clipset import ClipSet
from mmdia_dataset.built.release_clips import open_clips
from mmdia_dataset.errors import ConfigError, DataNotFound
from mmdia_dataset.files import write_text
from mmdia_dataset.reports import Report
from mmdia_dataset.schema import Media, Reference
from mmdia_dataset.views import TASKS, Task, TaskOptions

__all__ = ["ShowReport", "show"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #f6f6f4; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .3rem } h3 { font-size: 1rem; margin: 0 0 .6rem }
pre, .note { color: #555 } pre { font-size: .85rem; line-height: 1.35 }
article { background: #fff; border: 1px solid #ddd; border-radius: 8px; padding: 1rem 1.2rem; margin: 1rem 0 }
section { border-left: 3px solid #bbb; padding: .1rem 0 .1rem .9rem; margin: .8rem 0 }
section.z { border-color: #b8860b } section.y { border-color: #2a8a4a }
section > b { font-size: .8rem; color: #555 }
.tag { font-weight: 600; color: #2463a8 } .sound { color: #a0522d; font-style: italic }
img { height: 110px; border-radius: 4px; margin: .2rem .4rem .2rem 0 } figure { display: inline-block; margin: 0 }
figcaption { font-size: .75rem; color: #555 }
video { width: 100%; max-width: 32rem; border-radius: 4px; background: #000 }
audio { height: 2.2rem; vertical-align: middle } p { margin: .3rem 0 }
"""
_TAG = re.compile(r"\[S(?:\d+|\?)\]")
_SOUND = re.compile(r"&lt;.*?&gt;")


@dataclass(slots=True)
class ShowReport(Report):
    """The page written, and how many rows of each task it has; a page without rows is an error."""

    out: Path
    rows: dict[str, int] = field(default_factory=dict)


def show(
    built: Path | str, *, out: Path | str, task: str | None = None, split: str | None = None, rows: int = 3
) -> ShowReport:
    """Write a page with the first rows of tasks. It names media relative to itself, so it stays where it is written.

    Args:
        built: the built directory, or a release with sound.
        out: the page to write.
        task: this one alone.
        split: rows of this split; else of the first there is.
        rows: how many of each task.

    Raises:
        ConfigError: an unknown task or split.
        DataNotFound: no row of these tasks has the media it needs.
        OutputError: the page can't be written.
    """
    if task is not None and task not in TASKS:
        raise ConfigError(f"unknown task {task!r}", hint=f"known are {', '.join(TASKS)}")
    with open_clips(built) as clipset:
        return _written(clipset, Path(out), task, split, rows)


def _written(clipset: ClipSet, page: Path, task: str | None, split: str | None, rows: int) -> ShowReport:
    splits = clipset.splits()
    if split is not None and split not in splits:
        raise ConfigError(f"there is no split {split!r} in this data", hint=f"present are {', '.join(splits)}")
    report = ShowReport(page)
    parts = []
    for name, definition in TASKS.items():
        if task in (None, name):
            cards = [_card(definition, row, clipset, page) for row in _rows(clipset, definition, split, rows)]
            report.rows[name] = len(cards)
            if cards or task:
                parts.append(
                    f"<h2>{escape(name)}</h2>\n<p class=note>{escape(definition.words)}</p>\n" + "\n".join(cards)
                )
    if not any(report.rows.values()):
        raise DataNotFound(
            "no clip has the media that these tasks need",
            where=clipset.media,
            hint="run `mmdia rebuild` again into the same folder with --mode audio, --mode keyframes or --mode copy",
        )
    title = f"MM-DIA: {', '.join(name for name, count in report.rows.items() if count)}"
    write_text(
        page,
        f'<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n",
    )
    return report


def _rows(clipset: ClipSet, task: Task, split: str | None, count: int) -> Iterator[Any]:
    def every() -> Iterator[Any]:
        for name in clipset.splits():
            if split in (None, name):
                yield from clipset.rows(task, TaskOptions(), name)

    return islice(every(), count)


def _card(task: Task, row: Any, clipset: ClipSet, page: Path) -> str:
    """One row: what is given, what controls it, what is to be made."""

    def link(media: Media) -> str:
        file = clipset.media.resolve() / clipset.file(media).relative_to(clipset.media)
        return quote(Path(os.path.relpath(file, page.parent.resolve())).as_posix())

    conditions = [f"<p>{_transcript(row.transcript)}</p>"]
    conditions += [_voice(who.tag, who.name, getattr(who, "reference", None), link, task) for who in row.speakers]
    control = []
    if task.prompted:
        control.append(f"<p>{escape(row.prompt or 'dropped')}</p>")
    if "audio" in task.media and "video" in task.media:
        control.append(f"<p>{_audio(link(row.audio))}</p>")
    if "keyframes" in task.media:
        pictures = (
            f'<figure><img loading=lazy alt="key frame" src="{link(keyframe.image)}">'
            f"<figcaption>{keyframe.time_ms / 1000:.2f} s</figcaption></figure>"
            for keyframe in row.keyframes
        )
        control.append(f"<p>{''.join(pictures)}</p>")
    player = _video(link(row.video)) if "video" in task.media else _audio(link(row.audio))
    return (
        f"<article><h3>{escape(row.id)}</h3>\n"
        f"<section class=c><b>input (C)</b>{''.join(conditions)}</section>\n"
        f"<section class=z><b>control (Z)</b>{''.join(control)}</section>\n"
        f"<section class=y><b>target (Y)</b><p>{player}</p></section></article>"
    )


def _transcript(text: str) -> str:
    """Escaped, with tags on lines of their own and sounds marked."""
    marked = _SOUND.sub(lambda match: f"<span class=sound>{match.group()}</span>", escape(text, quote=False))
    return _TAG.sub(lambda match: f"<br><span class=tag>{match.group()}</span>", marked).removeprefix("<br>")


def _voice(tag: str, name: str, reference: Reference | None, link: Any, task: Task) -> str:
    who = f"<span class=tag>[{escape(tag)}]</span> {escape(name)}"
    if not task.voices:
        return f"<p>{who}</p>"
    if reference is None:
        return f"<p>{who} <span class=note>· no reference voice</span></p>"
    times = f"{reference.span.start_ms / 1000:.3f},{reference.span.end_ms / 1000:.3f}"
    words = f"{escape(reference.dialogue)} at {reference.span.start_ms / 1000:.1f} s: {escape(reference.text)}"
    return f"<p>{who} {_audio(f'{link(reference.audio)}#t={times}')} <span class=note>{words}</span></p>"


def _audio(source: str) -> str:
    return f'<audio controls preload=metadata src="{source}"></audio>'


def _video(source: str) -> str:
    return f'<video controls preload=metadata src="{source}"></video>'
