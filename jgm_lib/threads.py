"""How many threads torch starts and how they wait, decided before torch loads; what the user's own
environment says stays.

OpenMP's threads spin while they wait, which is quickest on an idle machine and takes the cores from
everybody else on a busy one: a notebook beside a notebook, thirty visitors of one page. Here they sleep.
"""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container, Linux: "200000 100000" is two cores
SHARE = 4  # threads of one visitor of a page, at most: pictures of 64 x 64 gain little from more


def visible() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allowed(quota: Path = QUOTA) -> int:
    """Cores that it may keep busy: a container sees all cores of the machine and gets its quota."""
    try:
        limit, period = quota.read_text().split()
        return max(1, min(visible(), int(limit) // int(period)))
    except (OSError, ValueError):  # no container, or "max 100000"
        return visible()


def settle(environ=os.environ) -> None:
    """The policy of every process: wait without spinning; under a quota, no more threads than it."""
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if (cores := allowed()) < visible():
        environ.setdefault("OMP_NUM_THREADS", str(cores))


def share(environ=os.environ) -> None:
    """The policy of a process that others work beside: half the cores, at most ``SHARE``."""
    environ.setdefault("OMP_NUM_THREADS", str(max(1, min(SHARE, allowed() // 2))))
