"""make demo: lesson 05 through papermill with the bundled weights; leaves its results in out/."""

import argparse
import sys
import time
from pathlib import Path

from papermill.exceptions import PapermillExecutionError

from . import book
from .pairs import combined, execute

LESSON = "05_colorize"


def run(out: Path) -> list[Path]:
    """Execute the lesson with its results in ``out``; the paths of everything left there."""
    out.mkdir(parents=True, exist_ok=True)
    source = book.ROOT / "notebooks" / f"{LESSON}.py"
    notebook = combined(source, source.with_suffix(".ipynb"))
    target = out / f"{LESSON}.ipynb"
    execute(notebook, source.parent, {"out": str(out.resolve())}, target)
    return sorted(p for p in out.iterdir() if p.is_file())


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description="Colorize real photographs: lesson 05 as a demo.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder (default out/)")
    args = parser.parse_args(argv)
    start = time.monotonic()
    try:
        paths = run(args.out)
    except PapermillExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(str(p) for p in paths))
    print(f"done in {time.monotonic() - start:.0f} s; open the contact sheet first")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
