"""For each line "first_idx n_threads", forks a process that appends from many threads for ever.

It writes each acknowledged idx to standard output at once. Before its first one stands its process number, as
"pid ...", and after it was killed "ended". The libraries are imported once for all.
"""

import itertools
import os
import sys
import threading

from machine_learning_engineering.prediction_log import PredictionLog
from machine_learning_engineering.records import Prediction

FEATURES = {"attr_a": 1, "attr_b": "c", "scd_a": 0.55, "scd_b": 3}


def append_for_ever(folder, first_idx, n_threads):
    """Append in this process, until it is killed."""
    log = PredictionLog(
        folder, segment_bytes=4_000
    )  # some twenty records, so that kills also fall into rotations
    serial = itertools.count(first_idx)

    def append():
        while True:
            idx = next(serial)
            log.append(Prediction(idx, 0, FEATURES, 0.091, "v1"))
            os.write(1, b"%d\n" % idx)

    for _ in range(n_threads - 1):
        threading.Thread(target=append).start()
    append()


for line in sys.stdin:
    first_idx, n_threads = map(int, line.split())
    child = os.fork()
    if child == 0:
        append_for_ever(sys.argv[1], first_idx, n_threads)
    os.write(1, b"pid %d\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"ended\n")
