"""A kernel without network: sockets blocked inside Python, and a network namespace where allowed.

`sitecustomize.py` in this folder is loaded by every Python that has the folder on PYTHONPATH.
"""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from ..book import ROOT

HERE = Path(__file__).parent
KEEP = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "OMP_NUM_THREADS", "TMPDIR")
SIOCSIFFLAGS, IFF_UP_RUNNING = 0x8914, 0x41


def environment(home: Path, plots: Path, extra_path: str = "") -> dict[str, str]:
    """Variables of a kernel with empty caches and blocked sockets.

    ``home`` is a new empty folder. ``plots`` holds matplotlib's font list, the one cache that
    several runs may share, for it says nothing about a lesson and costs seconds to build.
    """
    kept = {k: os.environ[k] for k in KEEP if k in os.environ}
    path = os.pathsep.join(p for p in (str(HERE), str(ROOT), extra_path) if p)
    return {**kept, "HOME": str(home), "MPLCONFIGDIR": str(plots), "PYTHONPATH": path}


def loopback_up() -> None:
    """A new network namespace starts with its loopback down, and a kernel talks over loopback."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP_RUNNING))


def namespace_prefix() -> tuple[list[str], str]:
    """How to start a command in its own network namespace: (prefix, ""), or ([], why not)."""
    if not shutil.which("unshare"):
        return [], "no unshare command"
    prefix = ["unshare", "--map-root-user", "--net"]
    probe = [
        *prefix,
        sys.executable,
        "-c",
        "from jgm_course import offline as o; o.loopback_up()",
    ]
    done = subprocess.run(probe, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        return [], (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
    return prefix, ""
