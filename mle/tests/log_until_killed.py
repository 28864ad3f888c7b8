"""Appends from many threads for ever; writes each acknowledged idx to standard output at once."""

import itertools
import os
import sys
import threading

from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.records import Prediction

folder, first_idx, n_threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
log = PredictionLog(folder, segment_bytes=20_000)  # small, so that kills also fall into rotations
serial = itertools.count(first_idx)
features = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


def append_for_ever():
    while True:
        idx = next(serial)
        log.append(Prediction(idx, 0, features, 0.091, "v1"))
        os.write(1, b"%d\n" % idx)


for _ in range(n_threads):
    threading.Thread(target=append_for_ever).start()
