"""An edition in words, such as "25 fps, same speed as annotated, starts 15.0 s later, dialogue 3 is missing"."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mmdia_dataset.refusals import Refusal
from mmdia_dataset.reports import count_text
from mmdia_dataset.schema import Edition
from mmdia_dataset.timing import format_timestamp, rate_from_text

__all__ = ["describe"]

_SPEEDS = (
    (Fraction(1001, 960), "PAL speed (25 instead of 23.976 frames per second)"),
    (Fraction(960, 1001), "slowed from 25 to 23.976 frames per second"),
    (Fraction(25, 24), "PAL speed (25 instead of 24 frames per second)"),
    (Fraction(24, 25), "slowed from 25 to 24 frames per second"),
    (Fraction(1001, 1000), "24 instead of 23.976 frames per second"),
    (Fraction(1000, 1001), "23.976 instead of 24 frames per second"),
)
_SHOWN = 0.04  # [s]: less than a frame does not make another edition; chosen, not measured
_NAMED = 6


def describe(edition: Edition, numbers: Mapping[str, int], frame_rate: Fraction | None = None) -> str:
    """What edition a recording is, in one line.

    Args:
        edition: what was found.
        numbers: the numbers of the dialogues by id, to name those that are missing.
        frame_rate: of the recording's picture, if it has one.
    """
    if not edition.placed or not edition.pieces:
        if not edition.refused:
            return "no dialogues to place"
        reason = edition.refused[0].reasons[0]
        return f"no dialogue placed ({reason.rule}): {reason.detail}"
    parts = [_speed(edition, frame_rate), *_changes(edition)]
    if edition.refused:
        parts.append(_refused(edition, numbers))
    bound = edition.evidence.error_ms
    error = f", error at most {bound:.0f} ms" if bound is not None else ""
    return f"{', '.join(parts)}; {count_text(len(edition.placed), 'dialogue')} placed by {edition.evidence.tier}{error}"


def _speed(edition: Edition, frame_rate: Fraction | None) -> str:
    rates = {rate_from_text(piece.rate) for piece in edition.pieces}
    fps = "" if frame_rate is None else f"{float(frame_rate):.6g} fps, "
    if rates == {Fraction(1)}:
        return f"{fps}same speed as annotated"
    if len(rates) > 1:
        return f"{fps}several speeds"
    rate = rates.pop()
    name = next((words for value, words in _SPEEDS if value == rate), None)
    percent = (float(rate) - 1) * 100
    return f"{fps}{name}" if name else f"{fps}{abs(percent):.2f} % {'faster' if percent > 0 else 'slower'}"


def _changes(edition: Edition) -> list[str]:
    """What was put in and taken out, in recording seconds and movie seconds."""
    changes: list[str] = []
    first = edition.pieces[0]
    lead = first.offset_ms / 1000 / float(rate_from_text(first.rate))
    if abs(lead) >= max(_SHOWN, (edition.evidence.error_ms or 0) / 1000):
        changes.append(f"starts {abs(lead):.1f} s {'later' if lead > 0 else 'earlier'}")
    added: list[str] = []
    removed: list[str] = []
    for before, after in zip(edition.pieces, edition.pieces[1:], strict=False):
        moved = (after.offset_ms - before.offset_ms) / 1000
        time = format_timestamp(after.from_ms)[:-4]
        if moved >= _SHOWN:
            added.append(f"{moved:.1f} s at {time}")
        elif moved <= -_SHOWN:
            removed.append(f"{-moved:.1f} s before {time}")
    if added:
        changes.append(f"{count_text(len(added), 'scene')} added ({_few(added)})")
    if removed:
        changes.append(f"{count_text(len(removed), 'scene')} missing ({_few(removed)})")
    return changes


def _refused(edition: Edition, numbers: Mapping[str, int]) -> str:
    by_rule: dict[Refusal, list[str]] = {}
    for dialogue in edition.refused:
        by_rule.setdefault(dialogue.reasons[0].rule, []).append(str(numbers.get(dialogue.id, dialogue.id)))
    words = {Refusal.ABSENT: "missing", Refusal.SPLICE: "cut or changed"}
    parts: list[str] = []
    for rule, ids in by_rule.items():
        dialogues, verb = ("dialogues", "are") if len(ids) > 1 else ("dialogue", "is")
        parts.append(f"{dialogues} {_few(ids)} {verb} {words.get(rule, f'refused ({rule})')}")
    return ", ".join(parts)


def _few(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")
