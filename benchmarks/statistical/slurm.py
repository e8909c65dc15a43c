"""The second benchmark on a Slurm cluster. NOT TRIED: there was no cluster; Dask's LocalCluster is what the tests run.

    python benchmarks/statistical/slurm.py --jobs 40 --queue normal

Needs dask-jobqueue and a folder that all nodes share, with this repository and its environment. Each job of the queue
starts one worker with one process and one thread; the cells of the sweep go to them as they come free. What is
finished is kept in results/unfinished-axes: kill and start again, and it goes on. To try without a cluster, put
``distributed.LocalCluster(n_workers=2, threads_per_worker=1)`` where `SLURMCluster` stands.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> int:
    """Start the workers, run, and leave."""
    from dask_jobqueue import SLURMCluster  # type: ignore[import-not-found]  # of no other use here
    from distributed import Client

    from benchmarks.statistical.axes import RESULTS, run

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10)
    parser.add_argument("--queue", default=None)
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--walltime", default="01:00:00")
    given = parser.parse_args()
    with (
        SLURMCluster(queue=given.queue, cores=1, processes=1, memory=given.memory, walltime=given.walltime) as cluster,
        Client(cluster) as client,
    ):
        cluster.scale(jobs=given.jobs)
        print(*run(RESULTS, client.get_executor(), progress=True), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
