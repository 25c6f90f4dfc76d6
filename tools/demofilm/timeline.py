"""When everything happens in the demo film: spans of cues and turns, and the shots they are seen in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mmdia_dataset.timing import Span

from .script import Cue, Dialogue, Turn
from .voice import Plan, plan

__all__ = ["END_MS", "TITLE_MS", "Act", "Shot", "Timeline", "timeline"]

TITLE_MS = 2_400
END_MS = 1_600
EFFECT_MS = {"knocks on the door": 1_050}
_BETWEEN_TURNS_MS = 160


@dataclass(frozen=True, kw_only=True)
class Act:
    """One turn in time: its plan, when its words sound, and the effect heard before them, if any."""

    turn: Turn
    plan: Plan
    span: Span
    effect: str | None
    effect_ms: int


@dataclass(frozen=True)
class Shot:
    """What the camera shows from one cut to the next."""

    name: str
    span: Span
    dialogue: int


@dataclass(frozen=True)
class Timeline:
    """The whole film: for each dialogue its cues with their spans, all turns, all shots, and the length."""

    cues: tuple[tuple[tuple[Cue, Span], ...], ...]
    acts: tuple[Act, ...]
    shots: tuple[Shot, ...]
    duration_ms: int


def timeline(dialogues: Sequence[Dialogue]) -> Timeline:
    """Lay the dialogues out one after the other; each cue is exactly as long as its turns take to say."""
    now = TITLE_MS
    acts: list[Act] = []
    cuts: list[tuple[str, int, int]] = [("title", 0, -1)]
    cues: list[tuple[tuple[Cue, Span], ...]] = []
    for number, dialogue in enumerate(dialogues):
        spans: list[tuple[Cue, Span]] = []
        for place, cue in enumerate(dialogue.cues):
            gap = dialogue.lead_ms if place == 0 else cue.gap_ms
            # The camera cuts in the pause, a little before the words; a new scene opens with its place.
            cut = now if place == 0 else now + gap * 2 // 5
            if cuts[-1][0] != cue.shot or cuts[-1][2] != number:
                cuts.append((cue.shot, cut, number))
            start = now = now + gap
            for turn in cue.turns:
                if now > start:
                    now += _BETWEEN_TURNS_MS
                act = _act(turn, now)
                acts.append(act)
                now = act.span.end_ms
            spans.append((cue, Span(start, now)))
        cues.append(tuple(spans))
        now += 250
    end = now + END_MS
    ends = [cut[1] for cut in cuts[1:]] + [end]
    shots = [Shot(name, Span(start, stop), number) for (name, start, number), stop in zip(cuts, ends, strict=True)]
    return Timeline(tuple(cues), tuple(acts), tuple(shots), end)


def _act(turn: Turn, now: int) -> Act:
    leading = re.match(r"<([^>]*)>", turn.words)
    effect = leading[1] if leading and leading[1] in EFFECT_MS else None
    begin = now + (EFFECT_MS[effect] if effect else 0)
    planned = plan(turn.words, turn.speaker, turn.mood)
    return Act(
        turn=turn,
        plan=planned,
        span=Span(begin, begin + int(planned.duration_s * 1000) + 1),
        effect=effect,
        effect_ms=now,
    )
