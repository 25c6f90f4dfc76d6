"""Every tuned limit of the fingerprint's tier, in one place: what it separates, its unit, and what measures it.

`Row:` names the row of `python tools/calibrate_alignment.py` that shows both sides and the margin. Where there is none,
a value was chosen and not measured, and says so.
"""

from __future__ import annotations

# A stretch of the fingerprint sought anywhere in the recording (matching, speed)

WINDOW_S = 24.0
"""Longest stretch that is sought at a known speed [s]. Chosen, not measured."""
SMALL_S = 12.0
"""Longest stretch that is sought at unknown speeds [s]: drift blurs longer ones. Chosen, not measured."""
PROBES = 12
"""Stretches by which the speed is sought, one in each such part of the movie. Chosen, not measured."""
CONTEXT_S = 4.0
"""What lies so near a dialogue is sought with it [s]. Chosen, not measured."""
FOUND_LEAST = 0.3
"""Agreement: a stretch found where it is, against the best of all places of another film. Row: hit-score."""
FOUND_CLEAR = 1.2
"""A hit's agreement over its runner-up's: a stretch that is there, against one of another film. Row: hit-clear."""
HOLDS = 0.4
"""Agreement at which a known offset need not be doubted: right places, against other films' best. Row: hit-score."""
PART_S = 8.0
"""A run's offset is measured on parts of this length [s]. Chosen, not measured."""
PART_REACH = 6
"""Parts are sought so far from their run's offset [frames of the soundtrack]. Chosen, not measured."""
ROUNDS = 4
"""A speed is corrected at most so often. Chosen, not measured."""
RUNS_ALIKE_S = 0.03
"""Runs whose offsets differ by less are one, whatever lies between: its dialogues speak for themselves, and those in a
fingerprint's gaps have it in their bound [s]. Chosen, not measured."""
SLOWEST = 0.9
"""Slowest speed tried. Chosen, not measured."""
FASTEST = 1.12
"""Fastest speed tried. Chosen, not measured."""
SPEED_STEP = 0.006
"""From one speed tried to the next. Chosen, not measured."""
SPEED_LEAST = 0.3
"""As `FOUND_LEAST`, while the speed is sought. Row: hit-score."""
SPEED_CLEAR = 1.25
"""As `FOUND_CLEAR`, while the speed is sought. Row: hit-clear."""
SPEED_SURE = 1.7
"""A hit's agreement over its runner-up's that chance does not reach: such a hit needs no second one. Row: hit-clear."""
LINE_BESIDE_S = 0.1
"""Two hits lie on one line if they are less beside it [s]. Chosen, not measured."""
HITS_ENOUGH = 10
"""So many hits are enough. Chosen, not measured."""
HITS_TRIES = 8
"""After so many stretches without a hit, a speed is given up. Chosen, not measured."""
PITCH_STEP = 0.02
"""Pitches so near sound alike to the bands [natural logarithm]. Chosen, not measured."""
CLEAN = 0.75
"""Agreement of stretches at the right speed without much noise; below, speeds nearby are tried. Chosen, not
measured."""
SPEED_CLASS = 0.004
"""Speeds so near to the one a stretch was found with are possible. Chosen, not measured."""
PAIR_SAME_S = 0.02
"""Two hits have one offset if theirs differ by less [s]. Chosen, not measured."""
SPEED_GAIN = 0.004
"""Agreement that stretches gain by the right speed against a usual one nearby. Chosen, not measured."""

# The path through the offsets (tracking)

DOUBT = 0.25
"""Agreement of a frame, against chance and shared music: less speaks against a place. Row: speech-least."""
NOISY = 0.4
"""Share of the recording's own agreement below which a frame is doubted, where noise leaves little of it. Chosen, not
measured."""
LEAST_DOUBT = 0.1
"""`DOUBT` is never less. Chosen, not measured."""
TRACK_SPLICE = 6.0
"""What a change of offset must be worth [frames of full agreement]. Chosen, not measured."""
SILENT_WEIGHT = 0.2
"""Weight of a silent frame, of a typical one's: silence contradicts nothing, and carries no run on for long. Chosen,
not measured."""
OUTSIDE = -0.5
"""Gain of a frame that would lie before or after the recording [typical frames]. Chosen, not measured."""
LOUDEST = 3.0
"""A frame counts as so many typical ones at most. Chosen, not measured."""
CONTESTED_S = 30.0
"""Longest stretch of a recording that two runs may both claim [s]. Chosen, not measured."""
OFFSETS_ALIKE_S = 0.03
"""Offsets that differ by less are one; no splice is so short [s]. Chosen, not measured."""

# What a frame says for a place (likelihood, splices)

SEEN_BEFORE = 20.0
"""Signs of each size that are taken for seen before any is, half of them right. Chosen, not measured."""
SUREST = 0.985
"""Probability of a sign at best: a bit can always be wrong. Chosen, not measured."""
SILENT_DB = 0.5
"""Changes below it are silence, however it is dithered [dB]. Chosen, not measured."""
KEPT = 0.75
"""Share of what bits say that counts: bits of a frame share bands, frames share gusts of noise. Chosen, not
measured."""
SPOILED = 0.05
"""One frame in so many is spoiled whatever the place: a click, a beep, a codec's slip. Chosen, not measured."""
NOTHING_NATS = -1.5
"""What a frame says that lies outside the recording, or is silent where somebody should speak [nats]. Chosen, not
measured."""
SPLICE_NATS = 12.0
"""How improbable it is that a piece of a recording ends at a given frame [nats]. Chosen, not measured."""
SPLICE_AROUND_S = 30.0
"""What lies so near may tell where a piece ends [s]. Chosen, not measured."""
RETURN_NATS = 4.0
"""How improbable it is that after such an end another piece begins only later [nats]. Chosen, not measured."""
SPLICE_RISK = 0.5
"""Probability of a splice inside a dialogue above which it is refused: more likely than not. Chosen, not measured."""

# The verdict on a dialogue, and on the recording (judging)

LEAST_KNOWN = 1 / 3
"""Share of a dialogue's speech that a fingerprint with gaps knows; one of less is not listened to. Chosen, not
measured."""
PAUSES_S = 3.0
"""What lies so near a dialogue is heard too, as its pauses [s]. Chosen, not measured."""
STRONG = 0.35
"""Median agreement of the dialogues' loud speech: copies, against dubs, whose pauses must agree better. Row:
speech-typical."""
WEAK = 0.2
"""Median agreement of the dialogues' loud speech: copies, against other films. Row: speech-typical."""
OTHER_VOICE = 0.4
"""Agreement of pauses less that of loud speech: copies lie below, dubs above; the median over all, above a half. Row:
other-voice."""
FAINTEST = 0.15
"""Agreement of a dialogue's speech: where it is, against other places. Row: speech-least."""
LEAST_NATS = 1.5
"""What a dialogue's speech says for its place: where it is, against other places [nats]. Row: speech-nats."""
ENOUGH_NATS = 12.0
"""What a part of a dialogue says against its place: dialogues that are whole, against half replaced ones [nats]. As
much must the other part say for it. Row: foreign-nats."""
HALVES_REACH = 12
"""A dialogue's halves are sought so far from its place [frames of the soundtrack]. Chosen, not measured."""
APART_S = 0.02
"""How far apart the places of a dialogue's halves may lie: whole ones, against those with 60 ms put in [s]. Row:
halves-apart."""
APART_ERRORS = 5
"""The same, in standard errors; the larger of the two counts. Row: halves-errors."""
ASIDE_S = 0.01
"""How far a dialogue's own best place may lie beside its piece's: whole ones, against those 40 ms late [s]. Row:
beside-place."""
ASIDE_ERRORS = 4
"""Standard errors that are added to it. Row: beside-errors."""
LEAST_ERROR_S = 0.001
"""Part of every bound of error [s]. Chosen, not measured."""
BLUR_S = 0.025
"""Part of a bound of error where nothing agrees: echo and noise move what is heard [s]. Chosen, not measured."""
STRETCH_S = 0.012
"""Part of a bound of error where time was stretched and pitch kept [s]. Chosen, not measured."""
FEWEST_PLACED = 0.15
"""Share of the movie's dialogues that are placed: editions, against other films. Row: placed-share."""

# Dubs, by their pauses (dubs)

DUB_WINDOW_S = 30.0
"""Length of a window in whose pauses music and effects are sought [s]. Chosen, not measured."""
DUB_FEWEST_FRAMES = 18
"""Fewest frames of pauses in a window; a quarter second each. Chosen, not measured."""
DUB_PROBES = 12
"""Windows, one in each such part of the movie. Chosen, not measured."""
DUB_LEAST = 0.35
"""Agreement of a window's best place: dubs, against other films. Row: dub-score."""
DUB_CLEAR = 1.25
"""The same, over its runner-up's. Row: dub-clear."""
DUB_SAME_S = 0.1
"""Windows lie on one line if their offsets differ by less [s]. Chosen, not measured."""
DUB_HITS = 3
"""Windows found on one line: dubs, against other films; a theme that episodes share lies in two at most. Row:
dub-hits."""

# Which movie it is (content)

CROWD = 64
"""A key in so many places is silence or a hum and tells nothing. Chosen, not measured."""
LEAST_FRAMES = 32
"""Fewer frames of a fingerprint are not compared; a quarter second each. Chosen, not measured."""
SEGMENT_S = 15.0
"""Length of the segments that movies may share [s]. Chosen, not measured."""
SEGMENT_HEARD = 4.0
"""A segment's score at which a movie is taken to be heard in it [standard deviations]. Chosen, not measured."""
SHARED_MOVIES = 2
"""What more movies than these share, such as the title music of a series, counts for less. Chosen, not measured."""
MOVIE_CLEAR = 8.0
"""Score at which a movie is named: its own recordings, against other films' [standard deviations]. Row: movie-score."""
MOVIE_CERTAIN = 14.0
"""Score at which no other search is tried [standard deviations]. Row: movie-score."""
MOVIE_SAME_SPEED = 0.005
"""Excerpts count together if their speeds differ by less. Chosen, not measured."""
