"""Drawing with numpy: shapes with smooth edges, seen through a camera.

A shape is a signed distance in pixels, negative inside; its coverage is 0.5 - distance, clipped to 0..1, which gives
anti-aliased edges for nothing. Each shape touches only the pixels of its own box. Colours are RGB, 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Camera", "Canvas", "Color", "Point"]

Plane = npt.NDArray[np.float32]
Color = tuple[float, float, float]
Point = tuple[float, float]
Ellipse = tuple[float, float, float, float, float]
Box = tuple[slice, slice]


@dataclass(frozen=True)
class Camera:
    """What part of the world is seen: its centre and its height, in world units (a whole set is 16 by 9)."""

    x: float = 8.0
    y: float = 4.5
    height: float = 9.0


class Canvas:
    """A picture in the making: float32 planes (3, height, width)."""

    def __init__(self, height: int, camera: Camera) -> None:
        self.height, self.width = height, height * 16 // 9 // 2 * 2
        self.scale = height / camera.height
        self.left, self.top = camera.x - self.width / 2 / self.scale, camera.y - camera.height / 2
        self.planes: Plane = np.zeros((3, self.height, self.width), np.float32)
        self.touched: list[Box] = []
        self._x = (np.arange(self.width, dtype=np.float32) + 0.5)[None, :]
        self._y = (np.arange(self.height, dtype=np.float32) + 0.5)[:, None]

    def take(self, *, merged: bool = False) -> list[Box]:
        """The boxes drawn on since the last call; `merged` gives the one box around them all."""
        boxes, self.touched = self.touched, []
        if merged and boxes:
            rows = slice(min(b[0].start for b in boxes), max(b[0].stop for b in boxes))
            return [(rows, slice(min(b[1].start for b in boxes), max(b[1].stop for b in boxes)))]
        return boxes

    def restore(self, source: Plane, boxes: Sequence[Box]) -> None:
        """Put back these boxes of a picture drawn earlier."""
        for rows, columns in boxes:
            self.planes[:, rows, columns] = source[:, rows, columns]

    def refresh(self, frame: npt.NDArray[np.uint8], boxes: Sequence[Box]) -> None:
        """Bring these boxes of a finished frame up to what is drawn now."""
        for rows, columns in boxes:
            for channel in range(3):
                frame[rows, columns, channel] = np.minimum(self.planes[channel, rows, columns], np.float32(255))

    def picture(self) -> npt.NDArray[np.uint8]:
        """The finished frame, (height, width, 3) uint8."""
        frame = np.empty((self.height, self.width, 3), np.uint8)
        planes = np.minimum(self.planes, np.float32(255))
        for channel in range(3):
            frame[..., channel] = planes[channel]
        return frame

    def ellipse(
        self, centre: Point, rx: float, ry: float, color: Color, *, to: Color | None = None, angle: float = 0.0,
        alpha: float = 1.0, inside: Ellipse | None = None, soft: float = 0.0, across: bool = False,
    ) -> None:  # fmt: skip
        """A filled ellipse; `to` shades it downwards (or to the right, if `across`), `inside` clips it to another."""
        reach = max(rx, ry) if angle else 0.0
        box = self._box(centre[0] - (reach or rx), centre[1] - (reach or ry), centre[0] + (reach or rx),
                        centre[1] + (reach or ry), soft)  # fmt: skip
        if box is None:
            return
        cover = self._cover(box, (centre[0], centre[1], rx, ry, angle), soft)
        if inside is not None:
            cover *= self._cover(box, inside, 0.0)
        self._paint(box, cover, color, to, alpha, across)

    def line(self, points: Sequence[Point], width: float, color: Color, *, alpha: float = 1.0) -> None:
        """A line through points with round ends."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        half = width / 2
        box = self._box(min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half)
        if box is None:
            return
        x, y = self._grid(box)
        best: Plane | None = None
        for (ax, ay), (bx, by) in pairwise(points):
            px, py = self._px(ax, ay)
            dx, dy = (bx - ax) * self.scale, (by - ay) * self.scale
            long = dx * dx + dy * dy + 1e-6
            u, v = x - np.float32(px), y - np.float32(py)
            share = u * np.float32(dx / long) + v * np.float32(dy / long)
            np.minimum(np.maximum(share, 0, out=share), 1, out=share)
            far = np.square(u - share * np.float32(dx)) + np.square(v - share * np.float32(dy))
            best = far if best is None else np.minimum(best, far)
        if best is not None:
            self._paint(box, _covered(np.sqrt(best) - np.float32(half * self.scale)), color, None, alpha, False)

    def ring(self, centre: Point, radius: float, width: float, color: Color) -> None:
        """A circle's outline."""
        reach = radius + width
        box = self._box(centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
        if box is None:
            return
        x, y = self._grid(box)
        px, py = self._px(*centre)
        away = np.sqrt((x - np.float32(px)) ** 2 + (y - np.float32(py)) ** 2) - np.float32(radius * self.scale)
        self._paint(box, _covered(np.abs(away) - np.float32(width / 2 * self.scale)), color, None, 1.0, False)

    def polygon(
        self, points: Sequence[Point], color: Color, *, to: Color | None = None, alpha: float = 1.0, soft: float = 0.0,
        across: bool = False,
    ) -> None:  # fmt: skip
        """A filled convex polygon, corners clockwise on the screen."""
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        box = self._box(min(xs), min(ys), max(xs), max(ys), soft)
        if box is None:
            return
        x, y = self._grid(box)
        distance: Plane | None = None
        for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
            px, py = self._px(ax, ay)
            dx, dy = bx - ax, by - ay
            length = float(np.hypot(dx, dy))
            edge = (x - np.float32(px)) * np.float32(dy / length) - (y - np.float32(py)) * np.float32(dx / length)
            distance = edge if distance is None else np.maximum(distance, edge)
        if distance is not None:
            blur = max(soft * self.scale, 1.0)
            self._paint(box, _covered(distance / np.float32(blur)), color, to, alpha, across)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, color: Color, *, to: Color | None = None, alpha: float = 1.0,
        across: bool = False,
    ) -> None:  # fmt: skip
        """A filled rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color, to=to, alpha=alpha, across=across)

    def glow(self, centre: Point, radius: float, color: Color, strength: float) -> None:
        """Add light around a point, falling off like a bell."""
        box = self._box(centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
        if box is None:
            return
        x, y = self._grid(box)
        px, py = self._px(*centre)
        self.touched.append(box)
        near = np.clip(1 - ((x - px) ** 2 + (y - py) ** 2) / np.float32((radius * self.scale) ** 2), 0, 1) ** 2
        rows, columns = box
        for channel in range(3):
            self.planes[channel, rows, columns] += near * np.float32(color[channel] * strength)

    def blur(self, radius: float) -> None:
        """Soften the whole picture, as a lens does with what is far behind the focus."""
        pixels = max(1, round(radius * self.scale))
        for axis in (1, 2, 1, 2):
            padded = np.pad(self.planes, [(0, 0)] + [(pixels + 1, pixels) if a == axis else (0, 0) for a in (1, 2)],
                            mode="edge")  # fmt: skip
            total = np.cumsum(padded, axis=axis, dtype=np.float64)
            size = 2 * pixels + 1
            high = np.take(total, range(size, total.shape[axis]), axis)
            low = np.take(total, range(total.shape[axis] - size), axis)
            self.planes = ((high - low) / size).astype(np.float32)

    def _px(self, x: float, y: float) -> Point:
        return (x - self.left) * self.scale, (y - self.top) * self.scale

    def _box(self, x0: float, y0: float, x1: float, y1: float, soft: float = 0.0) -> Box | None:
        (left, top), (right, bottom) = self._px(x0 - soft, y0 - soft), self._px(x1 + soft, y1 + soft)
        columns = slice(max(0, int(left) - 1), min(self.width, int(right) + 2))
        rows = slice(max(0, int(top) - 1), min(self.height, int(bottom) + 2))
        return (rows, columns) if columns.start < columns.stop and rows.start < rows.stop else None

    def _grid(self, box: Box) -> tuple[Plane, Plane]:
        return self._x[:, box[1]], self._y[box[0]]

    def _cover(self, box: Box, ellipse: Ellipse, soft: float) -> Plane:
        """How much of each pixel an ellipse covers (distance to an ellipse to first order, after Quilez)."""
        cx, cy, rx, ry, angle = ellipse
        px, py = self._px(cx, cy)
        x, y = self._grid(box)
        x, y = x - np.float32(px), y - np.float32(py)
        if angle:
            cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
            x, y = x * cos + y * sin, y * cos - x * sin
        a, b = np.float32(max(rx * self.scale, 0.3)), np.float32(max(ry * self.scale, 0.3))
        xx, yy = np.square(x / a), np.square(y / b)
        k0 = np.sqrt(xx + yy)
        xx /= a * a
        yy /= b * b
        k1 = np.sqrt(xx + yy)
        k1 += np.float32(1e-6)
        distance = (k0 - 1) * k0
        distance /= k1
        if soft * self.scale > 1:
            distance /= np.float32(soft * self.scale)
        return _covered(distance)

    def _paint(self, box: Box, cover: Plane, color: Color, to: Color | None, alpha: float, across: bool) -> None:
        self.touched.append(box)
        rows, columns = box
        if alpha < 1:
            cover = cover * np.float32(alpha)
        shade = None
        if to is not None:
            count = columns.stop - columns.start if across else rows.stop - rows.start
            ramp = np.arange(count, dtype=np.float32) * np.float32(1 / count)
            shade = ramp[None, :] if across else ramp[:, None]
        for channel in range(3):
            patch = self.planes[channel, rows, columns]
            if to is not None and shade is not None:
                change = (np.float32(color[channel]) + shade * np.float32(to[channel] - color[channel])) - patch
            else:
                change = np.float32(color[channel]) - patch
            change *= cover
            patch += change


def _covered(distance: Plane) -> Plane:
    """How much of a pixel is inside, from the distance of its centre to the edge."""
    cover: Plane = np.float32(0.5) - distance
    np.minimum(np.maximum(cover, 0, out=cover), 1, out=cover)
    return cover
