"""The people of the demo film: how they look, and how a face talks, blinks and feels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Color, Point

__all__ = ["LOOKS", "Look", "Pose", "draw_body", "draw_person"]


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours and features of a person; sizes are in radii of the head."""

    skin: Color
    skin_shade: Color
    hair: Color
    coat: Color
    coat_shade: Color
    style: str
    iris: Color
    lips: Color
    size: float = 1.0


_MARA = Look(
    skin=(243, 190, 155), skin_shade=(214, 143, 112), hair=(122, 52, 34), coat=(238, 186, 54),
    coat_shade=(196, 130, 30), style="hood", iris=(70, 120, 90), lips=(176, 66, 66),
)  # fmt: skip
LOOKS: dict[str, Look] = {
    "Ada": Look(
        skin=(246, 206, 178), skin_shade=(219, 163, 132), hair=(206, 203, 205), coat=(178, 62, 52),
        coat_shade=(120, 36, 40), style="bun", iris=(70, 100, 140), lips=(178, 82, 80),
    ),
    "Tom": Look(
        skin=(226, 172, 132), skin_shade=(184, 122, 88), hair=(74, 44, 30), coat=(46, 92, 104),
        coat_shade=(24, 56, 72), style="beard", iris=(84, 56, 34), lips=(150, 74, 64), size=1.06,
    ),
    "Stranger": _MARA,
    "Mara": _MARA,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A person at one moment.

    Attributes:
        head: where the head's centre is, in world units.
        radius: of the head, in world units.
        turn: where the face looks, -1 left to 1 right.
        tilt: of the head, in radians, clockwise.
        mouth: opening, width, rounding, teeth.
        brows, smile, eyes: as in `Mood`.
        lid: 0 open to 1 shut.
        gaze: where the eyes look besides the turn, -1 to 1.
        arm: how far the near hand is raised, 0 to 1; side -1 is the left one.
    """

    head: Point
    radius: float
    turn: float = 0.0
    tilt: float = 0.0
    mouth: tuple[float, float, float, float] = (0.0, 0.62, 0.0, 0.0)
    brows: float = 0.0
    smile: float = 0.0
    eyes: float = 1.0
    lid: float = 0.0
    gaze: float = 0.0
    arm: float = 0.0
    side: int = 1


def draw_person(canvas: Canvas, look: Look, pose: Pose) -> None:
    """The head with its face, and the arm that may be raised; the body is drawn before, by `draw_body`."""
    _Figure(canvas, look, pose).draw()


def draw_body(canvas: Canvas, look: Look, pose: Pose) -> None:
    """What of a person keeps still: all but the head and the near arm."""
    _Figure(canvas, look, pose).body()


class _Figure:
    """One drawing of one person; `at` leads from the head's own coordinates to the world's."""

    def __init__(self, canvas: Canvas, look: Look, pose: Pose) -> None:
        self.canvas, self.look, self.pose = canvas, look, pose
        self.r = pose.radius * look.size
        self.cos, self.sin = float(np.cos(pose.tilt)), float(np.sin(pose.tilt))

    def at(self, x: float, y: float) -> Point:
        # The head turns about the neck, below its centre.
        y -= 1.0
        return (
            self.pose.head[0] + self.r * (x * self.cos - y * self.sin),
            self.pose.head[1] + self.r * (1.0 + x * self.sin + y * self.cos),
        )

    def oval(
        self, x: float, y: float, rx: float, ry: float, color: Color, *, to: Color | None = None, angle: float = 0.0,
        alpha: float = 1.0, inside: tuple[float, float, float, float] | None = None, soft: float = 0.0,
        across: bool = False,
    ) -> None:  # fmt: skip
        clip = (
            None if inside is None else (*self.at(*inside[:2]), inside[2] * self.r, inside[3] * self.r, self.pose.tilt)
        )
        self.canvas.ellipse(
            self.at(x, y), rx * self.r, ry * self.r, color, to=to, angle=angle + self.pose.tilt, alpha=alpha,
            inside=clip, soft=soft * self.r, across=across,
        )  # fmt: skip

    def stroke(self, points: list[Point], width: float, color: Color, alpha: float = 1.0) -> None:
        self.canvas.line([self.at(*p) for p in points], width * self.r, color, alpha=alpha)

    def draw(self) -> None:
        style, look, t = self.look.style, self.look, self.pose.turn
        if style == "bun":
            self.oval(-0.25 * t, -1.12, 0.4, 0.36, look.hair, to=(168, 164, 170))
            self.oval(-0.06 * t, -0.2, 1.0, 1.0, look.hair, to=(168, 164, 170))
        if style == "hood":
            self.oval(-0.1 * t, -0.06, 1.3, 1.36, look.coat, to=look.coat_shade)
            self.oval(-0.02 * t, 0.06, 1.1, 1.2, (150, 92, 24), to=(206, 146, 38))
            self.oval(0, -0.1, 1.02, 1.04, look.hair)
        if style != "hood":
            for side in (-1, 1):
                self.oval(side * 0.9 - 0.14 * t, 0.1, 0.16, 0.24, look.skin_shade)
        self.oval(0, 0.04, 0.92, 1.04, look.skin, to=look.skin_shade)
        self.oval(-0.22, -0.2, 0.62, 0.72, (255, 236, 208), alpha=0.22, soft=0.5)
        for side in (-1, 1):
            self.oval(side * 0.5 + 0.24 * t, 0.34, 0.24, 0.17, (232, 104, 84), alpha=0.3, soft=0.16)
        if style == "beard":
            self._beard()
        for side in (-1, 1):
            self._eye(side)
        self.oval(0.3 * t, 0.22, 0.12, 0.17, look.skin_shade, alpha=0.75, soft=0.04)
        self.oval(0.3 * t - 0.03, 0.17, 0.09, 0.13, look.skin, alpha=0.9, soft=0.05)
        self._mouth()
        self._hair()
        self._arm()

    def body(self) -> None:
        (x, y), r, look = self.pose.head, self.r, self.look
        self.canvas.ellipse((x, y + 3.75 * r), 1.62 * r, 2.45 * r, look.coat, to=look.coat_shade)
        side = -self.pose.side
        arm = [
            (x + side * 1.2 * r, y + 2.15 * r),
            (x + side * 1.55 * r, y + 3.6 * r),
            (x + side * 1.1 * r, y + 4.9 * r),
        ]
        self.canvas.line(arm, 0.66 * r, look.coat_shade)
        self.canvas.line([(x, y + 0.8 * r), (x, y + 1.5 * r)], 0.66 * r, look.skin_shade)
        collar = look.coat if look.style == "hood" else look.coat_shade
        self.canvas.ellipse((x, y + 1.52 * r), 0.66 * r, 0.27 * r, collar, to=look.coat)
        if look.style == "hood":
            for button in range(3):
                self.canvas.ellipse((x, y + (2.2 + 0.75 * button) * r), 0.1 * r, 0.1 * r, (112, 70, 20))
        if look.style == "beard":
            for stripe in range(3):
                self.canvas.line(
                    [(x - 1.1 * r, y + (2.7 + 0.6 * stripe) * r), (x + 1.1 * r, y + (2.7 + 0.6 * stripe) * r)],
                    0.1 * r, (214, 205, 186), alpha=0.5,
                )  # fmt: skip

    def _arm(self) -> None:
        """The near arm, drawn last so that a raised hand stands before the body."""
        lift = self.pose.arm
        (x, y), r, side = self.pose.head, self.r, self.pose.side
        shoulder = (x + side * 1.2 * r, y + 2.15 * r)
        elbow = (x + side * (1.6 + 0.3 * lift) * r, y + (3.7 - 0.25 * lift) * r)
        hand = (x + side * (1.1 + 0.85 * lift) * r, y + (4.9 - 2.6 * lift) * r)
        self.canvas.line([shoulder, elbow, hand], 0.66 * r, self.look.coat_shade)
        if lift < 0.05:
            return
        self.canvas.ellipse((hand[0], hand[1] - 0.2 * r), 0.3 * r, 0.34 * r, self.look.skin, to=self.look.skin_shade)
        for finger in (-1, 0, 1):
            tip = (hand[0] + (0.14 * finger + 0.08 * side) * r, hand[1] - (0.64 - 0.06 * abs(finger)) * r)
            self.canvas.line([(hand[0] + 0.13 * finger * r, hand[1] - 0.3 * r), tip], 0.16 * r, self.look.skin)

    def _eye(self, side: int) -> None:
        pose, look = self.pose, self.look
        x, y = side * 0.36 + 0.24 * pose.turn, -0.08
        wide = max(0.02, 0.2 * min(pose.eyes, 1.25) * (1 - pose.lid))
        if pose.lid > 0.85:
            self.stroke([(x - 0.16, y + 0.03), (x, y + 0.08), (x + 0.16, y + 0.03)], 0.06, (60, 34, 30))
        else:
            ball = (x, y, 0.19, wide)
            self.oval(*ball, (252, 248, 240), to=(226, 220, 216))
            look_x = x + 0.07 * pose.gaze + 0.03 * pose.turn
            self.oval(look_x, y, 0.12, 0.14, look.iris, inside=ball)
            self.oval(look_x, y, 0.068, 0.08, (22, 16, 18), inside=ball)
            self.oval(look_x - 0.04, y - 0.05, 0.034, 0.034, (255, 255, 255), inside=ball)
            lid = [(x + 0.19 * u, y - wide * (1 - 0.75 * u * u) - 0.005) for u in (-1.0, -0.5, 0.0, 0.5, 1.0)]
            self.stroke(lid, 0.05, (70, 42, 36))
        brow = 0.4 + 0.05 * abs(pose.brows) + 0.06 * (pose.eyes - 1)
        inner, outer = y - brow - 0.13 * pose.brows + 0.05, y - brow + 0.07 * pose.brows + 0.05
        color: Color = (150, 146, 150) if look.style == "bun" else (66, 36, 26)
        self.stroke(
            [(x - side * 0.16, inner), (x + side * 0.03, (inner + outer) / 2 - 0.05), (x + side * 0.2, outer)],
            0.085,
            color,
        )

    def _mouth(self) -> None:
        opening, width, rounding, teeth = self.pose.mouth
        smile = self.pose.smile
        x, y = 0.28 * self.pose.turn, 0.56
        half = (0.15 + 0.17 * width) * (1 - 0.4 * rounding) * (1 + 0.14 * smile)
        high = 0.24 * opening * (1 + 0.12 * rounding)
        bend = 0.13 * smile * (1 - 0.6 * rounding)
        if high < 0.03:
            curve = [(x + half * u, y - bend * (u * u - 0.4)) for u in (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)]
            self.stroke(curve, 0.075, self.look.lips)
            return
        self.stroke(
            [(x + half * u * 1.02, y - bend * (u * u - 0.2)) for u in (-1.0, -0.5, 0.0, 0.5, 1.0)], 0.07, self.look.lips
        )
        y += 0.35 * high
        self.oval(x, y, half + 0.035, high + 0.045, self.look.lips)
        hole = (x, y, half, high)
        self.oval(*hole, (64, 16, 22))
        self.oval(x, y + 0.75 * high, half * 0.7, high * 0.55, (206, 88, 88), inside=hole)
        show = 0.35 + 0.65 * teeth
        self.oval(x, y - high, half * 0.95, max(0.06, high * 0.62 * show), (250, 246, 236), inside=hole)
        if teeth > 0.7:
            self.oval(x, y + high, half * 0.9, high * 0.5 * teeth, (240, 234, 224), inside=hole)

    def _beard(self) -> None:
        look, t = self.look, self.pose.turn
        dark: Color = (52, 30, 22)
        self.oval(0.06 * t, 0.66, 0.86, 0.62, look.hair, to=dark)
        self.oval(0.16 * t, 0.06, 0.74, 0.52, look.skin, to=look.skin_shade)
        self.stroke([(0.28 * t - 0.36, 0.45), (0.28 * t, 0.35), (0.28 * t + 0.36, 0.45)], 0.15, look.hair)

    def _hair(self) -> None:
        look, t = self.look, self.pose.turn
        if look.style == "bun":
            for side in (-1, 1):
                self.oval(side * 0.46 - 0.1 * t, -0.74, 0.6, 0.3, look.hair, to=(176, 172, 178), angle=side * 0.42)
                x, y = side * 0.36 + 0.24 * t, -0.06
                self.canvas.ring(self.at(x, y), 0.28 * self.r, 0.045 * self.r, (196, 148, 62))
            self.stroke([(0.24 * t - 0.08, -0.1), (0.24 * t, -0.13), (0.24 * t + 0.08, -0.1)], 0.045, (196, 148, 62))
        elif look.style == "beard":
            knit: Color = (186, 84, 48)
            self.oval(-0.05 * t, -0.8, 0.98, 0.6, knit, to=(146, 56, 36))
            self.oval(-0.02 * t, -0.62, 0.97, 0.18, (206, 106, 64), to=(160, 70, 42))
            self.oval(-0.05 * t, -1.42, 0.2, 0.2, (226, 206, 176))
        else:
            for side in (-1, 1):
                self.oval(side * 0.5 - 0.04 * t, -0.78, 0.62, 0.24, look.hair, angle=side * 0.56)
                self.oval(side * 0.94 - 0.04 * t, 0.1, 0.15, 0.72, look.hair, angle=side * 0.06)
