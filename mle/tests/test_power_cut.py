"""What was acknowledged survives a power cut, which `kill -9` cannot show: everything was synced before."""

import pytest
from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.records import Prediction
from machine_learning_engineering.segments import SegmentWriter, replace_file
from power_cut import Disk, present


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def test_every_acknowledged_prediction_lasts(disk, tmp_path):
    with PredictionLog(tmp_path / "log") as log:
        for idx in range(3):
            log.append(Prediction(idx, 1, {"a": idx}, 0.5, "v"))

            assert disk.lasting(tmp_path / "log") == present(tmp_path / "log")
            (content,) = present(tmp_path / "log").values()
            assert content.count(b"\n") == idx + 1


def test_every_new_segment_lasts_with_its_name_and_content(disk, tmp_path):
    writer = SegmentWriter(tmp_path / "log", segment_bytes=3)

    for n_blocks in range(1, 6):
        writer.append(b"12")

        assert disk.lasting(tmp_path / "log") == present(tmp_path / "log")
        assert len(present(tmp_path / "log")) == (n_blocks + 1) // 2

    writer.close()


def test_a_file_is_replaced_by_what_already_lasts_and_its_name_lasts_too(disk, tmp_path):
    path = tmp_path / "folder" / "reference.json"
    for content in (b"old", b"new"):
        replace_file(path, content)

        assert disk.moves[-1].target == path
        assert disk.moves[-1].lasting == {"": content}
        assert disk.lasting(path.parent) == {"reference.json": content}
        assert present(path.parent) == {"reference.json": content}
