"""Peak memory and seconds of one large colorization, each method in a process of its own.

python -m benchmarks.memory [--megapixels 12] [--json FILE]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jgm_course.book import ROOT
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.photo.enlarge import METHODS

from .common import parser_of, report, row


def peak_mb() -> float:
    """Peak resident memory of this process, 10^6 bytes.

    Linux: VmHWM, which starts anew with the program. ru_maxrss does not: it keeps the peak of the
    process that started this one (and counts bytes on macOS).
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def one(path: str, method: str, folder: str) -> dict:
    """Colorize a photograph here, one version and the mean: peak memory and seconds."""
    from jgm_lib.cli import main

    start = time.perf_counter()
    code = main(["colorize", path, "-o", folder, "--n", "1", "--upsample", method])
    return {"exit": code, "mb": peak_mb(), "seconds": time.perf_counter() - start}


def apart(path: Path, method: str) -> dict:
    """``one`` in a fresh process. Raises JGMError with its last line if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.memory", "--one", str(path), method, folder]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"exit": 1}
    if found["exit"]:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise JGMError(f"memory of {method}: {last}")
    return found


def enlarged(megapixels: float, folder: str) -> Path:
    """A package photograph at another size, as a JPEG file."""
    photo = samples.load("china")
    scale = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
    path = Path(folder) / "photograph.jpg"
    photo.resize((round(photo.width * scale), round(photo.height * scale))).save(path)
    return path


def measure(megapixels: float = 12) -> list[dict]:
    """Two rows a method: MB and seconds of one run, the file read, coloured and written."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = enlarged(megapixels, folder)
        for method in METHODS:
            found = apart(path, method)
            what = f"{megapixels:g} megapixels, chroma by {method}"
            rows += [
                row(f"{what}: peak memory", found["mb"], "MB"),
                row(f"{what}: read, colour, write", found["seconds"], "s"),
            ]
    return rows


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(*args.one)))
        return
    try:
        report(measure(args.megapixels), args.json)
    except JGMError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
