"""Peak memory and seconds of one large colorization, each method in a process of its own.

python -m benchmarks.memory [--megapixels 50] [--json FILE]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jgm_lib.fullres import METHODS


def one(megapixels: float, method: str, folder: str) -> dict:
    """Colorize an enlarged package photograph here; peak memory of this process in GiB."""
    from jgm_lib.cli import main
    from jgm_lib.data import samples

    photo = samples.load("china")
    scale = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
    path = Path(folder) / "large.jpg"
    photo.resize((int(photo.width * scale), int(photo.height * scale))).save(path)
    start = time.monotonic()
    code = main(["colorize", str(path), "-o", folder, "--n", "1", "--upsample", method])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "method": method,
        "megapixels": megapixels,
        "exit": code,
        "gib": round(peak, 2),
        "seconds": round(time.monotonic() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=50)
    parser.add_argument("--one", choices=METHODS, help=argparse.SUPPRESS)
    parser.add_argument("--json")
    args = parser.parse_args()
    if args.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(one(args.megapixels, args.one, folder)))
        return
    rows = []
    for method in METHODS:
        command = [
            sys.executable,
            "-m",
            "benchmarks.memory",
            "--one",
            method,
            "--megapixels",
            str(args.megapixels),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
