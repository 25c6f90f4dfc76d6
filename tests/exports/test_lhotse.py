"""lhotse reads its manifests back. It needs torch, so it is no part of the test extra: tools/export_readers.py."""

import numpy as np
import pytest
import soundfile

import mmdia_dataset
from mmdia_dataset.built.clipset import ClipSet
from tests.support.worlds import make_world

lhotse = pytest.importorskip("lhotse", reason="python tools/export_readers.py makes an environment with lhotse")


def test_lhotse_reads_recordings_and_supervisions(tmp_path):
    world = make_world(tmp_path)
    built = tmp_path / "built"
    mmdia_dataset.rebuild(world.release, world.media, built, mode="audio")
    report = mmdia_dataset.export(built, to="lhotse", out=tmp_path / "out")
    assert len(report.files) == 8
    for split in ("train", "validation", "test", "hard"):
        recordings = lhotse.load_manifest(tmp_path / "out" / f"mm-dia_recordings_{split}.jsonl.gz")
        supervisions = lhotse.load_manifest(tmp_path / "out" / f"mm-dia_supervisions_{split}.jsonl.gz")
        recordings = recordings.with_path_prefix(tmp_path / "out")
        assert isinstance(recordings, lhotse.RecordingSet)
        assert isinstance(supervisions, lhotse.SupervisionSet)
        lhotse.validate_recordings_and_supervisions(recordings, supervisions)
        cuts = lhotse.CutSet.from_manifests(recordings=recordings, supervisions=supervisions)
        clips = {clip.id: clip for clip in ClipSet(built).clips(split)}
        assert {cut.recording_id for cut in cuts} == set(clips)
        for cut in cuts:
            clip = clips[cut.recording_id]
            assert [one.text for one in cut.supervisions] == [turn.text for turn in clip.turns]
            assert [one.speaker for one in cut.supervisions] == [f"{clip.movie}/Anna", f"{clip.movie}/Eve"]
            sound, _ = soundfile.read(built / clip.audio.path, dtype="float32", always_2d=True)
            np.testing.assert_allclose(cut.load_audio(), sound.T, atol=1e-6)
