"""Every tuned limit of the subtitles' tier, in one place: what it separates, its unit, and what measures it.

`Row:` names the row of `python tools/calibrate_alignment.py` that shows both sides and the margin. Where there is none,
a value was chosen and not measured, and says so.
"""

from __future__ import annotations

# Words sought in a track (words, readings)

COMMON_RUNS = 60
"""A run of words that occurs more often says nothing about where it is. Chosen, not measured."""
LINE_PLACES = 6
"""Places of one line that are looked at closely. Chosen, not measured."""
WORDS_ALIKE = 0.7
"""Two words this similar are one word and a slip of the pen. Chosen, not measured."""
LINE_FOUND = 0.6
"""Share of a line's words that makes a place worth a look. Row: line-share."""
FEWEST_WORDS = 50
"""Words of a track below which it is not compared. Chosen, not measured."""
SLOT_S = 1.6
"""A chance match lies in one of so many seconds [s]. Chosen, not measured."""

# Points joined to a chain (chains)

JUMP_NATS = 8.0
"""Price of another offset: about the odds of a line found by chance, among all places [nats]. Chosen, not measured."""
MISSED_NATS = 0.7
"""Price of a line passed over [nats]. Chosen, not measured."""
MISSED_MOST_NATS = 6.0
"""Price of any number of them [nats]. Chosen, not measured."""
LINE_SAME_S = 0.6
"""Offsets of single lines differ by this: interpolated times, jitter [s]. Chosen, not measured."""
UNKNOWN_DRIFT = 0.002
"""And by this part of the time between, until the speed is known. Chosen, not measured."""
POINTS_BACK = 1500
"""Points looked back at. Chosen, not measured."""
SURE_POINTS = 600
"""Points by which the speed is found. Chosen, not measured."""
SPEED_STEP = 0.0001
"""From one speed counted to the next. Chosen, not measured."""
PAIR_NEAR_S = 40.0
"""Nearest pairs of points between which speed is measured [s]. Chosen, not measured."""
PAIR_FAR_S = 600.0
"""Farthest pairs [s]. Chosen, not measured."""
PARTNERS = 60
"""Pairs of each point. Chosen, not measured."""

# Is it this movie's track? (readings)

LEAST_EVIDENCE = 20.0
"""Evidence of a chain: the movie's own track, against another film's in the same words [nats]. Row: chain-evidence."""
LEAST_FOUND = 0.15
"""Share of the movie's lines in the chain: editions, against other films. Row: lines-found."""
FREQUENT_WORDS = 40
"""So many of the most frequent words tell a language. Chosen, not measured."""
SAME_LANGUAGE = 0.6
"""If this share of them is known, the track is in it. Chosen, not measured."""

# Is a dialogue in it? (readings)

SAME_OFFSET_S = 0.35
"""Pieces of a chain whose offsets differ by less are one [s]. Chosen, not measured."""
WORD_NEAR_S = 0.9
"""A word's time in the track may differ by this from where it should be: times within lines are guessed [s]. Chosen,
not measured."""
LINE_THERE = 0.6
"""Share of a line's words: where it is, against lines the track lacks. Above it a line is there. Row: line-share."""
LINE_MISSING = 0.34
"""The same; below it a line is not there. Row: line-share."""
ENOUGH = 0.5
"""Share of a dialogue's words that places it: where it is, against dialogues the track lacks. Row: words-share."""
ENOUGH_BETWEEN = 0.2
"""The same between two dialogues of one offset. Row: words-share."""
ENOUGH_ALONE = 0.7
"""The same of a dialogue that alone speaks for a piece. Row: words-share."""
LINES_ALONE = 3
"""Fewest lines of such a dialogue that are there. Chosen, not measured."""
UNKNOWN_SPREAD_S = 0.15
"""Scatter of a piece's lines where they are too few to tell [s]. Chosen, not measured."""

# Does the sound agree with the cues? (subtitles)

TRACKS = 4
"""Tracks looked at to the end, those with the most evidence. Chosen, not measured."""
COMPARABLE = 0.5
"""Share of the best track's evidence that another needs to be looked at. Chosen, not measured."""
SHIFT_CLEAR = 0.35
"""How far the best shift stands out: the track of this sound, against another film's; chance reaches 0.2. Row:
shift-clear."""
SHIFT_STRONG = 6.0
"""How strongly sound agrees at it: the same two [standard deviations]. Row: shift-strength."""
LARGEST_DRIFT_S = 0.3
"""How far the best shifts of the thirds differ: cues at the right speed, against cues a thousandth too fast [s]. Row:
thirds-drift."""
IN_STEP = 0.8
"""Probability that sound and cues are in step: where they are, against cues 5 s off. Row: in-step."""
LEAST_RISE_DB = 1.0
"""How much sound rises at the lines' starts: right times, against times 5 s off [dB]. Row: onset-rise."""
LARGEST_LAG_ERROR_S = 0.04
"""Standard error of the onsets' lag: the same two [s]. Row: onset-error."""
LARGEST_LAG_S = 0.5
"""Cues that stay on after the words make the shift seem earlier than onsets are, but not by more [s]. Chosen, not
measured."""
EXACT_S = 0.015
"""Starts that scatter less were copied from the subtitles that were annotated [s]. Chosen, not measured."""
TOLERATED_S = 0.15
"""Such starts are not moved by less: sound tells no better [s]. Chosen, not measured."""
SIGMAS = 2.5
"""Standard errors in a bound of error. Chosen, not measured."""
EXACT_MS = 40.0
"""What stays unknown of copied starts: the first frame's own time, by which files are counted [ms]. Chosen, not
measured."""
LEAD_MS = 60.0
"""What stays unknown else: by how much annotated times lead speech [ms]. Chosen, not measured."""
HABIT_MS = 120.0
"""The same where sound did not tell, and subtitles lead or trail by a habit of their own [ms]. Chosen, not measured."""
OVERHANG_S = 0.5
"""A last cue may outlast the recording by this [s]. Chosen, not measured."""
REMARKABLE_S = 0.25
"""A shift of subtitles that a user is told of [s]. Chosen, not measured."""

# How sound is listened to (cuesound)

MEAN_S = 20.0
"""Levels count less their mean over this, so that lasting music and noise do not [s]. Chosen, not measured."""
LOUDEST_DB = 8.0
"""A bang counts no more than this [dB]. Chosen, not measured."""
VOICE_SHARE = 0.7
"""Weight of the likelihood of voice against the level's. Chosen, not measured."""
LARGEST_SHIFT_S = 30.0
"""Shifts are sought so far [s]. Chosen, not measured."""
PEAK_S = 1.0
"""Half the width of a peak [s]. Chosen, not measured."""
WRONG_S = (-27.0, -19.0, -13.0, -8.0, 8.0, 13.0, 19.0, 27.0)
"""Shifts that are certainly wrong, by which chance is measured [s]. Chosen, not measured."""
MOST_ODDS = 3.0
"""What one block can say at most [nats]. Chosen, not measured."""
DROWNED = 0.3
"""Share of blocks in step in which other sounds hide it. Chosen, not measured."""
TURN = 0.001
"""Probability that the state changes from one block to the next. Chosen, not measured."""
ROUNDS = 5
"""How often what is expected in step is learned again. Chosen, not measured."""
DRIFT_REACH_S = 1.2
"""The shifts of thirds are sought so far around the whole's [s]. Chosen, not measured."""
CLEAR_THIRD = 5.0
"""How strongly a third must agree for its shift to count [standard deviations]. Chosen, not measured."""
BESIDE = 12
"""Other shifts that may fit better for a while: so many to either side. Chosen, not measured."""
BESIDE_S = 0.24
"""So far apart [s]. Chosen, not measured."""
RIGHT_S = 0.3
"""Of those, shifts that count as right [s]. Chosen, not measured."""
ONSET_WIDTH_S = 0.25
"""What is heard so long before an onset is compared with as much after it [s]. Chosen, not measured."""
LAG_REACH_S = 0.6
"""Onsets are sought so far from where they should be [s]. Chosen, not measured."""
FEWEST_ONSETS = 12
"""Fewer onsets tell no lag. Chosen, not measured."""
RISE_S = 0.065
"""Sound reaches half its level so long after an annotated start: the middle of 45 ms (times set to the sound) and 85 ms
(times that lead it by 60 ms) [s]. Chosen, not measured."""
