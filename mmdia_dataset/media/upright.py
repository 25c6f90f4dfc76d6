"""Pictures as a viewer sees them: upright, with square pixels, deinterlaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mmdia_dataset.media.reading.clock import exact

__all__ = ["Frame", "Upright", "rgb_of"]

Frame: TypeAlias = VideoFrame
"""A decoded picture, for those who do not import av."""

# Exact rounding, so that a machine's vector instructions make no difference.
_SCALING = "bicubic+accurate_rnd+full_chroma_int+bitexact"
_WHOLE = "estdif"
_TURNS = {90: "cclock", 270: "clock"}  # by what a player turns it, counterclockwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Upright:
    """How to show a recording's pictures; every picture is treated on its own.

    Pictures are rotated as the file asks. Pixels that are not square become square by changing the width. Pictures
    flagged as interlaced are deinterlaced by interpolation (libavfilter's estdif), at the same rate. Tone and colours
    do not change.

    Attributes:
        aspect: width of a pixel over its height.
        height: lines wanted, of the upright picture; None for as many as there are.
        even: whether both sides must be even, as 4:2:0 needs; an odd line or column is cut off where nothing is scaled.
        form: pixel format wanted, None for the picture's own.
        chains: the chain of filters of the last picture, for those like it; None if they need none.
    """

    aspect: Fraction
    height: int | None = None
    even: bool = False
    form: str | None = None
    chains: dict[object, Graph | None] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls, video: VideoStream, height: int | None = None, *, even: bool = False, form: str | None = None
    ) -> Upright:
        """For the pictures of a track."""
        aspect = exact(video.sample_aspect_ratio or video.codec_context.sample_aspect_ratio)
        return cls(aspect=aspect or Fraction(1), height=height, even=even, form=form)

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The picture as it should be shown; the same object if nothing needs to change."""
        # Deinterlacing gives a picture only after the next one, or at the end: each has a chain of its own there.
        alone, shape = frame.interlaced_frame, (frame.width, frame.height, frame.rotation)
        form = (*shape, frame.format.name, frame.colorspace, frame.color_range)
        if alone or form not in self.chains:
            steps = self._steps(frame)
            self.chains.clear()
            self.chains[form] = _chain(frame, steps) if steps else None
        graph = self.chains[form]
        if graph is None:
            return frame
        graph.push(frame)
        if alone:
            self.chains.clear()
            graph.push(None)
        shown = graph.pull()
        assert isinstance(shown, VideoFrame)  # noqa: S101 - a graph of pictures
        return shown

    def size(self, width: int, height: int, rotation: int) -> tuple[int, int]:
        """Width and height of the upright picture made from one of the given size and rotation in degrees."""
        wide, high = Fraction(width) * self.aspect, Fraction(height)
        if rotation % 180:
            wide, high = high, wide
        scale = Fraction(self.height) / high if self.height else Fraction(1)
        if self.even and scale == 1 == self.aspect:
            return max(2, int(wide) // 2 * 2), max(2, int(high) // 2 * 2)
        return self._side(wide * scale), self._side(high * scale)

    def _side(self, length: Fraction) -> int:
        return max(2, round(length / 2) * 2) if self.even else max(1, round(length))

    def _steps(self, frame: VideoFrame) -> list[tuple[str, str]]:
        """The filters a picture has to pass."""
        rotation = round(frame.rotation) % 360
        width, height = self.size(frame.width, frame.height, rotation)
        if rotation % 180:
            width, height = height, width
        steps: list[tuple[str, str]] = []
        if frame.interlaced_frame:
            steps.append((_WHOLE, "mode=frame:deint=interlaced"))
        if self.aspect == 1 and not self.height:
            if (width, height) != (frame.width, frame.height):
                steps.append(("crop", f"{width}:{height}:0:0"))
        elif (width, height) != (frame.width, frame.height):
            steps.append(("scale", f"{width}:{height}:flags={_SCALING}"))
        if rotation in _TURNS:
            steps.append(("transpose", f"dir={_TURNS[rotation]}"))
        elif rotation == 180:
            steps += [("hflip", ""), ("vflip", "")]
        if self.form and frame.format.name != self.form:
            steps += [("scale", f"flags={_SCALING}"), ("format", self.form)]
        return steps


def _chain(frame: VideoFrame, steps: list[tuple[str, str]]) -> Graph:
    graph, clock = Graph(), exact(frame.time_base) or Fraction(1, 1000)
    graph.threads = 1  # sharing out a picture costs more than it gains
    # With its matrix and range, else scaling brings it to the matrix of BT.601; `Graph.add_buffer` does not take them.
    form = f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={clock}"
    last = graph.add("buffer", f"{form}:colorspace={int(frame.colorspace)}:range={int(frame.color_range)}")
    for name, arguments in [*steps, ("buffersink", "")]:
        following = graph.add(name, arguments)
        last.link_to(following)
        last = following
    graph.configure()
    return graph


def rgb_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """A picture as (height, width, 3) uint8 RGB, by the colour matrix it names."""
    # Without threads of its own: a forked process would wait for those that only its parent has.
    rgb = frame.reformat(format="rgb24", threads=1)
    return rgb.to_ndarray().astype(np.uint8, copy=False)
