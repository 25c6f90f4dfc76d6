"""The demo film's pictures: who stands where, what each shot shows, and every frame in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from .canvas import Box, Camera, Canvas, Point
from .people import LOOKS, Pose, draw_body, draw_person
from .places import BEAM, LAMP, draw_place, lettering, tower
from .script import MOODS, Mood
from .timeline import TITLE_MS, Act, Shot, Timeline
from .voice import STEP_S

__all__ = ["frames", "mouth_box", "visible"]

_WIDE = Camera()
_CUPS = (6.2, 7.9)
_CAMERAS = {
    "room_tom": Camera(10.7, 4.35, 5.4),
    "room_tom_listens": Camera(9.9, 4.1, 4.4),
    "room_door": Camera(11.5, 4.6, 6.2),
    "room_stranger": Camera(12.3, 4.4, 5.8),
    "room_ada": Camera(3.7, 4.35, 5.2),
    "gallery_ada": Camera(11.4, 4.2, 5.2),
    "gallery_mara": Camera(4.5, 4.2, 5.0),
}


@dataclass(frozen=True)
class _Place:
    """Where a person stands in a set, and which way they look by themselves."""

    head: Point
    radius: float
    turn: float
    side: int


_CAST: dict[str, dict[str, _Place]] = {
    "room": {"Ada": _Place((4.4, 4.15), 0.98, 0.55, -1), "Tom": _Place((9.9, 3.95), 0.98, -0.55, 1)},
    "gallery": {"Mara": _Place((5.2, 4.0), 0.98, 0.55, -1), "Ada": _Place((10.7, 4.1), 0.98, -0.55, 1)},
}
_AT_DOOR = _Place((13.65, 3.95), 0.95, -0.5, 1)


def frames(film: Timeline, rate: Fraction, height: int, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Every frame of the film in turn, (height, width, 3) uint8."""
    total = -(-film.duration_ms * rate // 1000)
    shot: Shot | None = None
    reel: _Reel | None = None
    for number in range(int(total)):
        now = float(number / rate)
        here = next((s for s in film.shots if s.span.start_ms <= now * 1000 < s.span.end_ms), film.shots[-1])
        if reel is None or here is not shot:
            shot, reel = here, _Reel(film, here, height, seed)
        frame = reel.frame(now, number)
        light = min(1.0, now / 0.5, max(0.0, (film.duration_ms / 1000 - 0.15 - now) / 0.9))
        yield frame if light >= 1 else (frame * np.float32(light)).astype(np.uint8)


class _Reel:
    """One shot being drawn: in each frame only what moved is drawn anew.

    People are drawn on twos, as animators do, and on fours while they only listen; light, steam and gulls move on
    every frame, so that hardly two frames are the same.
    """

    def __init__(self, film: Timeline, shot: Shot, height: int, seed: int) -> None:
        self.film, self.shot, self.seed = film, shot, seed
        camera = _CAMERAS.get(shot.name, _WIDE)
        self.canvas = Canvas(height, camera)
        draw_place(self.canvas, shot.name, seed, open_door=_door_open(film, shot), soft=camera is not _WIDE)
        _still(self.canvas, film, shot)
        self.canvas.take()
        self.cast = _cast(film, shot)
        self.drawn: dict[str, list[Box]] = {}
        self.empty = self.canvas.planes.copy()
        self.stage, self.stage_picture = self.empty.copy(), self.canvas.picture()

    def frame(self, now: float, number: int) -> npt.NDArray[np.uint8]:
        canvas = self.canvas
        self._people(now, number)
        if self.shot.name == "title":
            _title(canvas, now)
        elif self.shot.name.startswith("room"):
            _steam_and_flame(canvas, now)
        else:
            _gull(canvas, now)
        boxes = canvas.take(merged=self.shot.name == "title")
        finished = self.stage_picture.copy()
        canvas.refresh(finished, boxes)
        canvas.restore(self.stage, boxes)
        return finished

    def _people(self, now: float, number: int) -> None:
        """Draw the heads and arms of those who are due."""
        canvas = self.canvas
        talking = next((a for a in self.film.acts if a.span.start_ms <= now * 1000 < a.span.end_ms), None)
        for order, (name, place) in enumerate(self.cast.items()):
            reach = 2.1 * place.radius
            if not canvas.left - reach < place.head[0] < canvas.left + canvas.width / canvas.scale + reach:
                continue
            pose = _pose(self.film, self.shot, name, place, now, talking, order + 10 * self.seed, self.cast)
            lively = pose.lid > 0 or (talking is not None and talking.turn.speaker == name)
            if name in self.drawn and number % 4 != 2 * (order % 2) and not (lively and number % 2 == 0):
                continue
            before = self.drawn.get(name, [])
            canvas.restore(self.empty, before)
            draw_person(canvas, LOOKS[name], pose)
            self.drawn[name] = canvas.take(merged=True)
            for rows, columns in before + self.drawn[name]:
                self.stage[:, rows, columns] = canvas.planes[:, rows, columns]
            canvas.refresh(self.stage_picture, before + self.drawn[name])


def visible(shot_name: str, speaker: str) -> bool:
    """Whether a speaker's face is in the picture in a shot; what a viewer would say, for tests."""
    if speaker == "Stranger":
        return shot_name == "room_stranger"
    alone = shot_name.split("_")[1] if "_" in shot_name else ""
    return not alone or (alone in ("door", "stranger") and speaker == "Tom") or alone == speaker.lower()


def mouth_box(shot_name: str, speaker: str, height: int) -> tuple[slice, slice]:
    """Rows and columns around a person's mouth in a shot."""
    canvas = Canvas(height, _CAMERAS.get(shot_name, _WIDE))
    place = _AT_DOOR if speaker == "Stranger" else _CAST[shot_name.split("_")[0]][speaker]
    x, y = place.head[0] + 0.28 * place.turn * place.radius, place.head[1] + 0.62 * place.radius
    half = 0.42 * place.radius * canvas.scale
    column, row = (x - canvas.left) * canvas.scale, (y - canvas.top) * canvas.scale
    return slice(int(row - half), int(row + half)), slice(int(column - half), int(column + half))


def _door_open(film: Timeline, shot: Shot) -> bool:
    """Whether the stranger has been let in by now: from her own shot on, in the dialogue it belongs to."""
    return any(
        s.name == "room_stranger" and s.dialogue == shot.dialogue and s.span.start_ms <= shot.span.start_ms
        for s in film.shots
    )


def _title(canvas: Canvas, now: float) -> None:
    angle = -0.5 + 0.62 * now
    reach = 15.0
    for spread, alpha in ((0.16, 0.22), (0.08, 0.3)):
        for turn in (angle, angle + np.pi):
            ends = [
                (BEAM[0] + reach * float(np.cos(turn + s)), BEAM[1] + 0.35 * reach * float(np.sin(turn + s)))
                for s in (-spread, spread)
            ]
            canvas.polygon([BEAM, *ends], (255, 232, 166), alpha=alpha, soft=0.12)
    tower(canvas)
    canvas.glow(BEAM, 2.2, (255, 214, 130), 0.55 + 0.1 * float(np.cos(angle)))
    shown = float(np.clip((now - 0.5) / 0.6, 0, 1) * np.clip((TITLE_MS / 1000 - 0.05 - now) / 0.3, 0, 1))
    if shown > 0:
        lettering(canvas, "THE LAMP", 10.6, 3.7, 0.62, (255, 240, 210), shown)
        lettering(canvas, "AT GULL POINT", 10.6, 4.75, 0.62, (255, 240, 210), shown)


def _cast(film: Timeline, shot: Shot) -> dict[str, _Place]:
    """Who is on the set."""
    if shot.name == "title":
        return {}
    cast = dict(_CAST[shot.name.split("_")[0]])
    if _door_open(film, shot):
        cast["Stranger"] = _AT_DOOR
    return cast


def _still(canvas: Canvas, film: Timeline, shot: Shot) -> None:
    """Bodies and what stands before them: drawn once per shot, as they keep still."""
    for name, place in _cast(film, shot).items():
        draw_body(canvas, LOOKS[name], Pose(head=place.head, radius=place.radius, side=place.side))
    if shot.name.startswith("gallery"):
        _railing(canvas)
    elif shot.name.startswith("room"):
        _table(canvas)


def _pose(
    film: Timeline, shot: Shot, name: str, place: _Place, now: float, talking: Act | None, number: int,
    cast: dict[str, _Place],
) -> Pose:  # fmt: skip
    """How a person is at one moment: mouth from the words, face from the mood, eyes on whoever speaks."""
    mood = _mood(film, shot, name, now)
    mine = talking is not None and talking.turn.speaker == name
    mouth, lift, nod = (0.0, 0.62, 0.0, 0.0), 0.0, 0.0
    if mine and talking is not None:
        into = now - talking.span.start_ms / 1000
        # The lips lead the sound by a few hundredths of a second, as they do.
        row = talking.plan.mouth[min(int((into + 0.04) / STEP_S), len(talking.plan.mouth) - 1)]
        mouth = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
        for sound in talking.plan.sounds:
            if sound.accent > 0.9:
                nod += float(np.exp(-(((into - sound.start_s - 0.06) / 0.13) ** 2)))
        length = talking.plan.duration_s
        lift = float(np.clip(into / 0.35, 0, 1) * np.clip((length - into) / 0.4, 0, 1))
        lift *= 0.45 + 0.1 * nod if abs(mood.melody) > 1.15 else 0.0
    phase = number * 1.7
    sway = 0.02 * float(np.sin(1.1 * now + phase)) + 0.012 * float(np.sin(2.3 * now + 2 * phase))
    turn = place.turn
    if talking is not None and not mine:
        partner = cast.get(talking.turn.speaker)
        toward = 1.0 if partner is None else float(np.sign(partner.head[0] - place.head[0]))
        turn = 0.62 * toward
    elif _knocking(film, now) and name == "Ada":
        turn = 0.75
    turn += 0.06 * float(np.sin(0.7 * now + phase))
    blink = (now + 0.37 * number) % (2.6 + 0.5 * (number % 3))
    lid = max(0.0, 1 - abs(blink - 0.09) / 0.09) if blink < 0.18 else 0.0
    head = (place.head[0] + 0.03 * float(np.sin(0.8 * now + phase)), place.head[1] + 0.045 * nod)
    return Pose(
        head=head,
        radius=place.radius,
        turn=turn,
        tilt=sway + 0.03 * nod * place.side,
        mouth=mouth,
        brows=mood.brows,
        smile=mood.smile,
        eyes=mood.eyes,
        lid=lid,
        gaze=0.5 * float(np.sign(turn)),
        arm=lift,
        side=place.side,
    )


def _mood(film: Timeline, shot: Shot, name: str, now: float) -> Mood:
    """The mood of one's own last or coming words in this dialogue."""
    spans = film.cues[shot.dialogue]
    first, last = spans[0][1].start_ms, spans[-1][1].end_ms
    acts = [a for a in film.acts if a.turn.speaker == name and first <= a.span.start_ms < last]
    begun = [a for a in acts if a.span.start_ms <= now * 1000 + 150]
    chosen = begun[-1] if begun else acts[0] if acts else None
    return MOODS[chosen.turn.mood if chosen else "calm"]


def _knocking(film: Timeline, now: float) -> bool:
    return any(a.effect_ms <= now * 1000 < a.span.start_ms for a in film.acts if a.effect is not None)


def _table(canvas: Canvas) -> None:
    """The hanging lamp and the table with its cups, before the people."""
    x, y = LAMP
    canvas.polygon(
        [(x - 0.25, y - 0.5), (x + 0.25, y - 0.5), (x + 0.75, y), (x - 0.75, y)], (60, 74, 78), to=(36, 46, 54)
    )
    canvas.ellipse((7.1, 8.9), 4.1, 1.15, (132, 76, 46), to=(82, 42, 32))
    canvas.ellipse((7.1, 8.78), 3.95, 0.98, (158, 94, 56), to=(104, 56, 38))
    for cup, color in zip(_CUPS, ((226, 206, 176), (92, 132, 132)), strict=True):
        canvas.line([(cup + 0.28, 7.95), (cup + 0.42, 8.05), (cup + 0.28, 8.2)], 0.08, color)
        canvas.box(cup - 0.26, 7.75, cup + 0.26, 8.3, color, to=(120, 92, 80))
        canvas.ellipse((cup, 7.76), 0.26, 0.08, (96, 50, 30))


def _steam_and_flame(canvas: Canvas, now: float) -> None:
    """What moves by itself in the room: the lamp's flame, steam, and the great beam passing the window."""
    flame = 1 + 0.06 * float(np.sin(13 * now)) + 0.05 * float(np.sin(7.3 * now + 1))
    x, y = LAMP
    canvas.ellipse((x, y + 0.12), 0.3, 0.3, (255, 238, 180))
    canvas.glow((x, y + 0.1), 1.5 * flame, (255, 196, 100), 0.5 * flame)
    canvas.glow((1.0, 6.6), 1.9, (255, 110, 40), 0.12 * flame)
    for cup in _CUPS:
        for wisp in range(3):
            rise = (now * 0.35 + wisp / 3 + cup) % 1
            canvas.ellipse((cup + 0.1 * float(np.sin(5 * rise + cup)), 7.6 - 0.9 * rise), 0.09 + 0.06 * rise, 0.16,
                           (255, 236, 216), alpha=0.22 * (1 - rise), soft=0.12)  # fmt: skip


def _gull(canvas: Canvas, now: float) -> None:
    """A gull gliding by, high up, and its beating wings."""
    x, y = 17.5 - 0.95 * (now % 19.0), 1.5 + 0.25 * float(np.sin(0.9 * now))
    beat = 0.16 * float(np.sin(8 * now))
    wings = [(x - 0.42, y - beat), (x - 0.2, y - 0.12 - 0.4 * beat), (x, y), (x + 0.2, y - 0.12 - 0.4 * beat),
             (x + 0.42, y - beat)]  # fmt: skip
    canvas.line(wings, 0.06, (84, 70, 96))
    glint = 0.3 + 0.25 * float(np.sin(2.1 * now))
    canvas.ellipse((8.2, 5.75), 1.1, 0.03, (255, 244, 206), alpha=glint)


def _railing(canvas: Canvas) -> None:
    for x in np.arange(-0.5, 17, 1.5):
        canvas.line([(float(x), 7.0), (float(x), 10.0)], 0.1, (52, 44, 62))
    canvas.line([(-2, 6.95), (18, 6.95)], 0.24, (66, 54, 72))
    canvas.line([(-2, 6.9), (18, 6.9)], 0.07, (236, 164, 130))
    canvas.line([(-2, 8.1), (18, 8.1)], 0.1, (52, 44, 62))
