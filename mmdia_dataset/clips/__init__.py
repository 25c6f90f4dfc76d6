"""Recording + time map + spans -> clips: right to the frame and the sample, or refused with a reason.

What exactly is cut: the time map leads from movie time to recording time. The frames of a clip are those with a
timestamp in [start, end); t0 is the time of the first of them, t1 that of the frame after the last, and the sound is
[t0, t1). At the end of a recording t1 is the end of its last frame, and a span may run over it by at most one frame.

- ``copy``: an MP4 file with the recording's own packets, not re-encoded. It begins at the keyframe before t0 and holds
  sound from about 100 ms earlier; edit lists hide both. The hidden frames are still in the file. Sound that MP4 can't
  hold is kept without loss as FLAC; if it can't hold the picture, the clip is encoded. The result says so.
- ``encode``: a re-encoded MP4 file: the same frames, or those shown at a steady rate; nothing is hidden in it.
- ``audio``: a WAV or FLAC file, exact to the sample; the volume is not changed.
- ``keyframes``: JPEG or PNG files. The picture at a moment is the one shown then, or the nearest keyframe with its
  own time. Pictures are rotated upright and deinterlaced, with square pixels.

Every copied clip is read back before it counts as made: exactly the expected frames at the expected times, full length.
What can be noticed without decoding is described in `mmdia_dataset.media.reading.stretches`.

A file appears under its name only when it is whole. At most one clip is in memory, once as packets and once as a file.
"""

from mmdia_dataset.clips.copying import instead
from mmdia_dataset.clips.cutting import cut
from mmdia_dataset.clips.results import (
    Fallback,
    MadeClip,
    Moment,
    RefusedClip,
    SettingsDict,
    Still,
    Wish,
)
from mmdia_dataset.clips.settings import (
    AudioSettings,
    CopySettings,
    EncodeSettings,
    KeyframeSettings,
    Settings,
)

__all__ = [
    "AudioSettings",
    "CopySettings",
    "EncodeSettings",
    "Fallback",
    "KeyframeSettings",
    "MadeClip",
    "Moment",
    "RefusedClip",
    "Settings",
    "SettingsDict",
    "Still",
    "Wish",
    "cut",
    "instead",
]
