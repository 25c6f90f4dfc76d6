"""Every tuned limit of the audio tier, in one place: what it separates and its unit.

Strengths are counted in standard deviations of the agreement at all places of the recording. Measured with acted
speech, the sounds through a coarse codec: in a dub and in another film of 8 minutes, the best place of a voice reaches
3.5 to 4.6; where the voice is, 12.7 to 29, in noise 11 to 21, under music 16 dB louder than usual 5.9 to 24. No row of
`tools/calibrate_alignment.py` prints them yet.
"""

from __future__ import annotations

# What is heard of a dialogue's own sound

VOICE_RANGE_DB = 25.0
"""Frames quieter than the loudest by more than this are pauses of a voice [dB]. Chosen, not measured."""
PAUSE_RANGE_DB = 40.0
"""The same between the lines, where music may be faint [dB]. Chosen, not measured."""
OVER_MUSIC_DB = 6.0
"""A voice counts where it is louder by so much than what is heard between the lines [dB]. Chosen, not measured."""
LEAST_HEARD_S = 0.5
"""A sound with less to hear is not looked for [s]. Chosen, not measured."""
LONGER_S = 10.0
"""A sound is heard so far beyond its dialogue's length: a wrong file may be hours long [s]. Chosen, not measured."""
LENGTH_S = 0.25
"""A sound whose length differs more from its span than others' do is doubted [s]. Chosen, not measured."""

# Finding it

FOUND = 7.0
"""Strength: a sound found by itself, against the best place in films that do not have it. See above."""
NEAR = 4.0
"""Strength at a place that other dialogues agree on. Chosen, not measured."""
CLEAR = 1.3
"""A hit's strength over its runner-up's, where nothing else says which is right. Chosen, not measured."""
HITS = 3
"""Places kept of each sound. Chosen, not measured."""
PROBES = 10
"""Sounds by which the speed is sought. Chosen, not measured."""
PROBE_S = 12.0
"""Longest part of a sound while the speed is unknown [s]: drift blurs longer ones. Chosen, not measured."""
SLOWEST, FASTEST, SPEED_STEP = 0.9, 1.12, 0.01
"""Speeds tried where no usual one is heard, and the step between them. Chosen, not measured."""

# The way through them

SPLICE_NATS = 12.0
"""What a change of the offset must be worth [nats]. Chosen, not measured."""
MOST_NATS = 60.0
"""What a single sound is worth at most [nats]. Chosen, not measured."""
ALIKE_S = 0.012
"""Offsets that differ by less are one piece's, beside three standard errors [s]: a film frame is three times that."""
BACKWARDS_S = 1.0
"""A recording plays dialogues in their order; they may overlap by so much [s]. Chosen, not measured."""

# Verdicts

ENOUGH_NATS = 6.0
"""What a dialogue's sound must say for its place as a whole [nats]. Chosen, not measured."""
PART_NATS = 12.0
"""What a part of it may say against its place [nats]: else something else is played there. Chosen, not measured."""
APART_S = 0.03
"""Ends of a dialogue that lie so far apart have a splice between them, beside five standard errors [s]. Chosen, not
measured."""
OTHER_VOICE = 0.15
"""How much better than the lines what lies between them agrees: in a dub 0.65, in another film with the same music 0.3,
in the film itself -0.06, in noise -0.4 (with music 10 dB louder than usual)."""
DUB_SHARE = 0.4
"""Share of the music between lines that is heard in a dub; other films and episodes have the theme in common. Chosen,
not measured."""
LEAST_ERROR_S = 0.003
"""Least bound of an error [s]. Chosen, not measured."""
MAP_ERROR_S = 0.03
"""Added to the bound of a dialogue that is placed by its neighbours [s]. Chosen, not measured."""
OVERLAP_S = 0.3
"""A dialogue may overlap with another one so much in the recording [s]. Chosen, not measured."""
BEYOND_S = 300.0
"""A stretch speaks for dialogues so far before its first and after its last sound [s]. Chosen, not measured."""
DRIFT = 2e-5
"""Added to their bound for each second of that way: how well the speed is known. Chosen, not measured."""
VOICE_CLEAR = -0.5
"""A place that only neighbours speak for: how much better voices fit its cues there than at the best other place near,
in standard deviations. In a film of 25 minutes: 95 % of 113 right places, 7 % of 115 by other pieces' offsets."""
VOICE_SURE = 0.3
"""The same where more is cut out than put in between its neighbours, so that it may be what was cut out. Of 115 wrong
places, none reached it; of 113 right ones, half."""
CUT_S = 0.5
"""A cut of so much counts [s]. Chosen, not measured."""
VOICE_APART = 0.5
"""The same over the place that the other neighbour speaks for. Chosen, not measured."""
