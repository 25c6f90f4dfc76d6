"""Every tuned limit of the speech's tier, in one place: what it separates, its unit, and what measures it.

`Row:` names the row of `python tools/calibrate_alignment.py` that shows both sides and the margin. Where there is none,
a value was chosen and not measured, and says so.
"""

from __future__ import annotations

# The path of all dialogues through a recording (speechpath)

FOUND_NATS = 30.0
"""What speaks for a path: other editions of a film, against other films [nats]. Row: path-nats."""
CLEAR_NATS = 3.0
"""The same for each dialogue, at which no other speed need be tried [nats]. Chosen, not measured."""
CHANCE_NATS = 1.5
"""What speaks for one dialogue of a path: where it is, against places by chance [nats]. Row: dialogue-nats."""
RUN_NATS = 9.0
"""What a row of dialogues needs beyond that to be believed: rows of the right film, against those of others [nats].
Row: row-nats."""
FAMILY_REACH = 0.0012
"""Speeds so near a usual one count to it: 24 against 23.976 frames per second is one thousandth. Chosen, not
measured."""
SLOWEST = 0.9
"""Slowest speed tried. Chosen, not measured."""
FASTEST = 1.12
"""Fastest speed tried. Chosen, not measured."""
SPEED_STEP = 0.004
"""From one speed tried to the next. Chosen, not measured."""
PROBE_DIALOGUES = 6
"""Dialogues in a row, twice, for speeds nobody expects. Chosen, not measured."""
SETTLED = 2e-05
"""How far off a speed may be that was measured, as a part of itself. Chosen, not measured."""
SURE_ERRORS = 6.0
"""Standard errors by which a measured speed may miss a usual one: whole scenes may be spoken with a slower attack, so
they come out too small. Chosen, not measured."""
MARGIN_S = 1.0
"""What lies so near a dialogue should be quiet [s]. Chosen, not measured."""
LINGER_S = 0.45
"""A cue may end so much later than the words [s]. Chosen, not measured."""
RISE_SPREAD_S = 0.06
"""How far speech begins from where a cue says [s]. Chosen, not measured."""
JUMP_NATS = 10.0
"""Price of a cut or an insertion: there are thousands of places to go on at, and few cuts [nats]. Chosen, not
measured."""
ABSENT_NATS = -1.0
"""What a dialogue counts that is not heard where it should be [nats]. Chosen, not measured."""
DRIFT_NATS = 0.3
"""Price of each cell that two neighbours come closer or move apart [nats]. Chosen, not measured."""
GIFT_NATS = 2.5
"""What of a place's rarity says nothing, as several cells around the right one would do [nats]. Chosen, not
measured."""
BEST_NATS = 16.0
"""What one dialogue can say at most [nats]. Chosen, not measured."""
SLACK_S = 1.0
"""Dialogues beside a cut may overlap by this in the recording [s]. Chosen, not measured."""

# Single lines (lines)

ONSET_S = 0.08
"""How far apart a cue's start and the first sound of its words usually are [s]. Chosen, not measured."""
LINE_SEARCH = 40
"""Lines are sought so far from a coarse place [hundredths of a second]. Chosen, not measured."""
ELSEWHERE_S = (3.1, 5.3, 8.9, 13.7, 21.1, 34.3)
"""Shifts at which lines certainly do not fit, to learn what that looks like [s]. Chosen, not measured."""
LEAST_CLEAR = 1.0
"""Distance of lines that fit from the same lines elsewhere: the right film, against shifts by chance [standard
deviations]. Row: lines-clear."""
LINE_MOST_NATS = 2.5
"""What one line can say at most: alone it proves little, whatever it looks like [nats]. Chosen, not measured."""
PAUSE_BEFORE_S = 0.2
"""A longer pause before a line should be quiet [s]. Chosen, not measured."""
PAUSE_AFTER_S = 0.5
"""The same after it [s]. Chosen, not measured."""
END_PAUSE_S = 0.45
"""The end of a line is measured if so long a pause follows [s]. Chosen, not measured."""
END_LENGTH_S = 1.0
"""And if the line is so long [s]. Chosen, not measured."""
END_BEFORE_S = 2.0
"""It is sought so long before its cue's end [s]. Chosen, not measured."""
END_AFTER_S = 1.2
"""And so long after it [s]. Chosen, not measured."""

# Pieces and cuts (speech)

FEWEST_LINES = 20
"""Fewer lines are too few to say that it is another movie. Chosen, not measured."""
BETWEEN_NATS = 3.0
"""What speaks for a path between two pieces, beyond the price of choosing a place [nats]. Chosen, not measured."""
SAME_OFFSET_S = 0.12
"""Pieces whose offsets differ by less are one: a cut that short can't be told from a line's own scatter [s]. Chosen,
not measured."""
DOUBTED = 2
"""Dialogues at either end of a piece that may yet prove not to be there. Chosen, not measured."""
SHORTEST_PAUSE_S = 0.1
"""Pauses count as no shorter, as places of a cut [s]. Chosen, not measured."""
LONGEST_PAUSE_S = 60.0
"""And as no longer [s]. Chosen, not measured."""
CUT_LATE_S = 0.45
"""How near before a cut a dialogue may end: cues linger, so where one ends says little about where the cut is [s].
Chosen, not measured."""
CUT_EARLY_S = 0.05
"""How near after a cut a dialogue may start [s]. Chosen, not measured."""

# The verdict on a dialogue (speech)

AGAINST_NATS = -0.8
"""What a line says on average: dialogues where they are, against other speech there [nats]. For those whose neighbours
on both sides are there. Row: line-nats."""
EDGE_NATS = 3.0
"""What a dialogue next to a cut must have, with its neighbours' support [nats]. Chosen, not measured."""
SAME_NATS = 3.0
"""Support of a neighbour in the same piece [nats]. Chosen, not measured."""
END_NATS = 3.0
"""Support of the movie's end: nearly all recordings have its first and last dialogue [nats]. Chosen, not measured."""
HALF_NATS = -2.0
"""What half a dialogue next to a cut must say at least [nats]. Chosen, not measured."""
OUTER_NATS = -1.0
"""What its line nearest to a cut must say at least [nats]. Chosen, not measured."""
BEYOND_NATS = 2.0
"""What its lines nearest to a cut may say for lying beyond it [nats]. Chosen, not measured."""
PART_NATS = 2.0
"""What lines of a dialogue that a cut runs through must say for their piece [nats]. Chosen, not measured."""
LEAD_MS = 100.0
"""Part of every bound of error: subtitles come in a few frames before the words, and nobody knows how many [ms].
Chosen, not measured."""

# The language, by where lines end (speech)

FEWEST_ENDS = 10
"""Fewer ends tell no language. Chosen, not measured."""
LATE_END_S = 0.1
"""Words that go on so long after their cue end late [s]. Chosen, not measured."""
LATE_SHARE = 0.2
"""Share of lines that end late: the movie's language, against dubs. Row: late-ends."""
SAME_END_S = 0.6
"""Ends within so long a time are alike [s]. Chosen, not measured."""
SAME_SHARE = 0.6
"""Share of lines that end as long before their cue as most others: the movie's language, against dubs. Row:
same-ends."""
