"""`python -m tests.forms`: every form of serving, and right-sizing, through a real Airflow, some at a time.

Exits with 1 when one goes wrong. Words restrict it to the stories whose name holds one of them. What the cluster logged
is in `forms` of FRUGAL_HOME.
"""

from __future__ import annotations

import shutil
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from demo.home import Home
from tests.forms.cluster import Cluster
from tests.forms.stories import STORIES, Story

AT_A_TIME = 4


def main(words: list[str]) -> int:
    """0 when every story went as told."""
    home = Home.load().path
    shutil.rmtree(home / "forms", ignore_errors=True)
    (home / "forms").mkdir(parents=True)
    cluster = Cluster(home / "forms", home / "envs")
    started = time.monotonic()

    def play(story: Story) -> bool:
        try:
            story(cluster)
            verdict = "right"
        except Exception:
            verdict = traceback.format_exc()
        print(f"{time.monotonic() - started:5.0f} s  {story.__name__}: {verdict}", flush=True)
        return verdict == "right"

    chosen = [each for each in STORIES if not words or any(w in each.__name__ for w in words)]
    with cluster.programs:
        cluster.start()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            right = list(pool.map(play, chosen))
    print(f"{sum(right)} of {len(right)} forms right")
    return int(not right or not all(right))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
