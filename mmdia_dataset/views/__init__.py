"""Views: what a task sees of a dialogue. Values in, values out; nothing here reads or writes a file.

turns        turns merged by speaker, the transcript
prompts      the control in words
references   how a speaker sounds elsewhere
cliptime     movie time to time within the clip
draws        random choices that depend only on seed and id
task_options  what a user may ask for
tasks        the rows of each task
"""

from mmdia_dataset.views.cliptime import ClipTime
from mmdia_dataset.views.draws import choose, draw
from mmdia_dataset.views.prompts import FIELDS, TEMPLATES, controls_of, prompt
from mmdia_dataset.views.references import Voices
from mmdia_dataset.views.task_options import CONTROLS, Control, TaskOptions
from mmdia_dataset.views.tasks import MADE_BY, TASKS, Facts, Task, lacking, task_row
from mmdia_dataset.views.turns import (
    SOUNDS,
    MergedTurn,
    Sounds,
    merged_turns,
    speaking_order,
    tag_of,
    transcript,
    turn_text,
)

__all__ = [
    "CONTROLS",
    "FIELDS",
    "MADE_BY",
    "SOUNDS",
    "TASKS",
    "TEMPLATES",
    "ClipTime",
    "Control",
    "Facts",
    "MergedTurn",
    "Sounds",
    "Task",
    "TaskOptions",
    "Voices",
    "choose",
    "controls_of",
    "draw",
    "lacking",
    "merged_turns",
    "prompt",
    "speaking_order",
    "tag_of",
    "task_row",
    "transcript",
    "turn_text",
]
