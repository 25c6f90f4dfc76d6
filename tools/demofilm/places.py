"""The sets of the demo film, drawn once per shot: the night outside, the keepers' room, the gallery at dawn."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Color

__all__ = ["BEAM", "LAMP", "draw_place", "lettering", "tower"]

LAMP = (7.4, 1.35)
BEAM = (4.15, 2.42)

# Strokes of the capital letters the title needs, on a grid 4 wide and 6 high.
_STROKES: dict[str, tuple[str, ...]] = {
    "T": ("0040", "2026"), "H": ("0006", "4046", "0343"), "E": ("40000646", "0333"), "L": ("000646",),
    "A": ("062046", "1434"), "M": ("0600234046",), "P": ("06003041423303",), "G": ("41301001051636454323",),
    "U": ("000516364540",), "O": ("100105163645413010",), "I": ("2026",),
    "N": ("06004640",), "D": ("00062645412000",),
}  # fmt: skip


def lettering(canvas: Canvas, text: str, x: float, y: float, size: float, color: Color, alpha: float) -> None:
    """Capital letters as strokes, centred on x; `size` is their height."""
    step = size / 6
    pen = x - len(text) * 6 * step / 2 + step
    for letter in text:
        for stroke in _STROKES.get(letter, ()):
            points = [(pen + int(a) * step, y + int(b) * step) for a, b in zip(stroke[::2], stroke[1::2], strict=True)]
            canvas.line(points, 0.13 * size, color, alpha=alpha)
        pen += 6 * step


def draw_place(canvas: Canvas, name: str, seed: int, *, open_door: bool = False, soft: bool = False) -> None:
    """Everything of a set that does not move in a shot; `soft` puts it out of focus behind a close-up."""
    random = np.random.default_rng([seed, 7])
    if name == "title":
        _night(canvas, random)
    elif name.startswith("room"):
        _room(canvas, random, open_door=open_door)
    else:
        _gallery(canvas, random)
    if soft:
        canvas.blur(0.07)


def _night(canvas: Canvas, random: np.random.Generator) -> None:
    canvas.box(-1, -1, 17, 6.6, (14, 20, 52), to=(92, 66, 104))
    for _ in range(70):
        x, y, size = random.uniform(0, 16), random.uniform(0, 5) ** 1.1, random.uniform(0.015, 0.045)
        canvas.ellipse((x, y), size, size, (255, 246, 220), alpha=float(random.uniform(0.4, 1)))
    canvas.glow((12.9, 1.9), 2.6, (255, 226, 170), 0.32)
    canvas.ellipse((12.9, 1.9), 0.62, 0.62, (255, 240, 206), to=(246, 214, 160))
    canvas.ellipse((12.7, 1.75), 0.14, 0.12, (236, 206, 156), alpha=0.7)
    canvas.box(-1, 6.4, 17, 10, (38, 44, 88), to=(10, 16, 40))
    for _ in range(70):
        depth = random.uniform(0.05, 1) ** 1.5
        x = random.normal(12.6, 0.35 + 1.1 * depth)
        canvas.ellipse((x, 6.45 + 2.5 * depth), 0.1 + 0.5 * depth, 0.02 + 0.02 * depth, (255, 226, 170), alpha=0.5)
    canvas.ellipse((2.8, 9.4), 5.2, 2.9, (22, 20, 38), to=(8, 8, 20))
    canvas.ellipse((5.6, 9.6), 3.3, 1.8, (17, 16, 33), to=(6, 6, 16))


def tower(canvas: Canvas) -> None:
    """The lighthouse of the title, drawn over its own beam."""
    canvas.polygon([(3.62, 3.0), (4.68, 3.0), (5.02, 7.2), (3.28, 7.2)], (242, 226, 206), to=(178, 150, 150))
    for band in range(2):
        y0, y1 = 3.75 + 1.55 * band, 4.55 + 1.55 * band
        w0, w1 = 0.53 + 0.083 * (y0 - 3), 0.53 + 0.083 * (y1 - 3)
        canvas.polygon(
            [(4.15 - w0, y0), (4.15 + w0, y0), (4.15 + w1, y1), (4.15 - w1, y1)], (202, 66, 52), to=(140, 40, 46)
        )
    canvas.box(3.4, 2.9, 4.9, 3.06, (60, 40, 50))
    canvas.box(3.72, 1.95, 4.58, 2.9, (255, 232, 160), to=(255, 196, 96))
    for x in (3.72, 4.15, 4.58):
        canvas.line([(x, 1.95), (x, 2.9)], 0.07, (60, 40, 50))
    canvas.polygon([(4.15, 1.35), (4.78, 1.97), (3.52, 1.97)], (168, 48, 44), to=(120, 34, 40))
    canvas.ellipse((4.15, 1.32), 0.1, 0.1, (60, 40, 50))
    canvas.box(4.0, 6.3, 4.36, 7.2, (70, 40, 34))
    canvas.ellipse((4.1, 5.0), 0.16, 0.22, (255, 206, 110))


def _room(canvas: Canvas, random: np.random.Generator, *, open_door: bool) -> None:
    canvas.box(-2, -1, 18, 8.2, (150, 92, 62), to=(96, 52, 44))
    for plank in range(-1, 12):
        canvas.line([(plank * 1.6, -1), (plank * 1.6, 8.2)], 0.035, (84, 46, 38), alpha=0.7)
    canvas.box(-2, 7.6, 18, 10, (84, 48, 38), to=(48, 26, 26))
    canvas.box(6.15, 1.95, 8.65, 5.0, (70, 38, 30))
    canvas.box(6.3, 2.1, 8.5, 4.85, (22, 30, 66), to=(58, 58, 100))
    canvas.box(6.3, 4.0, 8.5, 4.85, (26, 38, 72), to=(16, 22, 48))
    for _ in range(26):
        x, y = random.uniform(6.3, 8.4), random.uniform(2.2, 4.6)
        canvas.line([(x, y), (x - 0.07, y + 0.22)], 0.02, (150, 170, 210), alpha=0.5)
    canvas.ellipse((7.95, 4.02), 0.05, 0.05, (255, 220, 140))
    canvas.glow((7.95, 4.02), 0.4, (255, 200, 120), 0.5)
    canvas.line([(7.4, 2.1), (7.4, 4.85)], 0.09, (84, 46, 34))
    canvas.line([(6.3, 3.4), (8.5, 3.4)], 0.09, (84, 46, 34))
    _shelf(canvas, random)
    canvas.ellipse((10.9, 2.0), 0.55, 0.55, (112, 66, 40))
    canvas.ellipse((10.9, 2.0), 0.42, 0.42, (246, 230, 200), to=(222, 196, 156))
    canvas.line([(10.9, 2.0), (10.9, 1.72)], 0.05, (60, 34, 28))
    canvas.line([(10.9, 2.0), (11.1, 2.1)], 0.05, (60, 34, 28))
    canvas.box(11.95, 1.15, 15.35, 8.0, (66, 36, 28))
    if open_door:
        canvas.box(12.2, 1.4, 15.1, 8.0, (20, 28, 62), to=(44, 50, 84))
        for _ in range(60):
            x, y = random.uniform(12.3, 15.0), random.uniform(1.5, 7.5)
            canvas.line([(x, y), (x - 0.1, y + 0.34)], 0.025, (150, 172, 214), alpha=0.55)
    else:
        canvas.box(12.2, 1.4, 15.1, 8.0, (126, 70, 44), to=(92, 48, 34))
        for x in (13.15, 14.15):
            canvas.line([(x, 1.4), (x, 8.0)], 0.05, (80, 42, 30))
        for y in (2.3, 6.6):
            canvas.line([(12.3, y), (14.4, y)], 0.22, (58, 44, 44))
        canvas.ellipse((12.65, 4.9), 0.16, 0.16, (226, 178, 84), to=(170, 116, 50))
    canvas.glow(LAMP, 8.5, (255, 170, 80), 0.34)
    canvas.glow((0.2, 7.2), 5.0, (255, 120, 40), 0.4)
    canvas.line([(LAMP[0], -1), (LAMP[0], 0.8)], 0.05, (50, 30, 26))


def _shelf(canvas: Canvas, random: np.random.Generator) -> None:
    """Books, a jar and a little ship over the fire side of the room."""
    x = 0.5
    while x < 2.5:
        width, high = float(random.uniform(0.16, 0.3)), float(random.uniform(0.65, 0.95))
        colors: tuple[Color, ...] = ((176, 70, 52), (66, 104, 108), (206, 156, 74), (110, 74, 92), (222, 200, 160))
        canvas.box(x, 3.0 - high, x + width, 3.0, colors[int(random.integers(5))], to=(90, 52, 48), across=True)
        x += width + 0.03
    canvas.polygon([(2.95, 2.1), (3.4, 2.72), (2.95, 2.72)], (240, 226, 200))
    canvas.polygon([(2.65, 2.76), (3.55, 2.76), (3.35, 3.0), (2.8, 3.0)], (150, 60, 44))
    canvas.box(0.2, 3.0, 3.8, 3.16, (74, 40, 32))


def _gallery(canvas: Canvas, random: np.random.Generator) -> None:
    canvas.box(-2, -1, 18, 3.4, (108, 122, 176), to=(238, 164, 146))
    canvas.box(-2, 3.35, 18, 5.7, (240, 166, 146), to=(255, 218, 150))
    canvas.glow((8.2, 5.5), 6.0, (255, 190, 90), 0.42)
    canvas.ellipse((8.2, 5.45), 0.85, 0.85, (255, 244, 206))
    for _ in range(13):
        x, y = random.uniform(-1, 17), random.uniform(0.4, 4.2)
        for puff in range(4):
            long, lift = random.uniform(0.5, 1.1), random.uniform(-0.06, 0.06)
            canvas.ellipse((x + 0.5 * puff, y + lift), long, 0.1 + 0.02 * puff, (255, 214, 190), alpha=0.42, soft=0.1)
    canvas.box(-2, 5.6, 18, 10, (228, 150, 128), to=(62, 82, 124))
    for _ in range(120):
        depth = random.uniform(0.02, 1) ** 1.4
        x = random.normal(8.2, 0.5 + 2.4 * depth) if random.random() < 0.7 else random.uniform(-1, 17)
        canvas.ellipse((x, 5.65 + 3.0 * depth), 0.08 + 0.45 * depth, 0.015 + 0.03 * depth, (255, 226, 170), alpha=0.6)
    for x, y, size in ((3.2, 2.3, 0.3), (4.1, 1.8, 0.2), (12.6, 2.6, 0.26)):
        half, high = size / 2, y - 0.2 * size - 0.12
        wings = [(x - size, y - 0.12), (x - half, high), (x, y), (x + half, high), (x + size, y - 0.12)]
        canvas.line(wings, 0.05, (84, 70, 96))
