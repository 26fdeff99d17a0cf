"""Sweep a lesson over a grid of parameters; every run is one line of JSON in a registry.

    python -m jgm_course.sweep --lesson 05 --set lam=0.5,1,2 --set beta=1,5.9 --out out/sweep
    python -m jgm_course.sweep grid.yaml --out out/sweep

grid.yaml has lesson, grid (name: list of values), and if wanted fixed, data (paths), timeout.
A run that is in the registry already is skipped; a run that fails is recorded and the rest go on.
Several sweeps may work on one folder at once, such as one a GPU: each run is done by one of them.
Beside the registry: table.md, table.csv, gallery.html.
"""

import argparse
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml
from pydantic import Field

from jgm_lib import __version__
from jgm_lib.errors import JGMError
from jgm_lib.files import DAMAGED, file_sha256
from jgm_lib.locks import locked
from jgm_lib.params import Card, validate

from . import book, sweep_pages
from .worker import start

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class SweepCard(Card):
    """What to sweep."""

    lesson: str = Field(description="05 or 05_colorize")
    grid: dict[str, list] = Field(description="parameter: list of values; all combinations are run")
    fixed: dict = Field(default_factory=dict, description="parameters that all runs share")
    data: list[str] = Field(default_factory=list, description="files or folders to hash")
    timeout: float = Field(3600.0, gt=0, description="seconds a run may take")


def number(value):
    """YAML reads 1e-3 as text; a parameter that looks like a number is one."""
    return float(value) if isinstance(value, str) and NUMBER.fullmatch(value) else value


def points(card: SweepCard) -> list[dict]:
    """All combinations of the grid, the last name fastest, each with the fixed values."""
    both = set(card.grid) & set(card.fixed)
    if both or not all(card.grid.values()):
        raise JGMError(f"sweep: {', '.join(sorted(both)) or 'a name without values'}; each name "
                       "must stand once, in grid with at least one value or in fixed")  # fmt: skip
    values = [[number(v) for v in vs] for vs in card.grid.values()]
    fixed = {k: number(v) for k, v in card.fixed.items()}
    return [{**fixed, **dict(zip(card.grid, v, strict=True))} for v in itertools.product(*values)]


def code_version(root: Path = book.ROOT) -> str:
    """`git describe` of a checkout, else the version of the package."""
    command = ["git", "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return done.stdout.strip()


def data_hash(paths) -> str:
    """One hash of names and contents of all files; "none" without data. Raises JGMError."""
    if not paths:
        return "none"
    total = hashlib.sha256()
    for path in map(Path, paths):
        if not path.exists():
            raise JGMError(f"sweep data {path}: not found")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"{file.relative_to(path.parent)} {file_sha256(file)}\n".encode())
    return total.hexdigest()[:16]


def key_of(lesson: Path, parameters: dict, code: str, data: str) -> str:
    """The same lesson text, parameters, code and data make the same run."""
    about = [lesson.stem, file_sha256(lesson), parameters, code, data]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def read_registry(path: Path) -> dict[str, dict]:
    """Runs by key, the latest of each; a last line cut off by a crash is left out."""
    if not path.exists():
        return {}
    records = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            records[record["key"]] = record
        except (ValueError, KeyError, TypeError):
            if place < len(lines):
                raise JGMError(f"{path.name} line {place}: not a run; mend or remove it") from None
    return records


def append(path: Path, record: dict) -> None:
    """Add one line, in a single write; ends a line that a crash left open first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(record, sort_keys=True) + "\n"
    if path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size:
        whole = path.read_bytes().rpartition(b"\n")
        book.write_text(path, (whole[0] + whole[1]).decode())
    with open(path, "ab", buffering=0) as file:
        file.write(line.encode())


def run_point(lesson: Path, parameters: dict, out: Path, key: str, timeout: float) -> dict:
    """One run: executed notebook and thumbnail beside the registry, numbers returned."""
    notebook = out / "runs" / f"{key}.ipynb"
    notebook.parent.mkdir(parents=True, exist_ok=True)
    result = start(lesson, parameters, notebook, timeout, {**os.environ, "MPLBACKEND": "agg"})
    picture = sweep_pages.thumbnail(notebook, out / "pictures" / f"{key}.png")
    return {
        "parameters": parameters,
        **{k: result[k] for k in ("ok", "error", "seconds", "cpu_seconds", "peak_mb")},
        "metrics": result["numbers"],
        "notebook": f"runs/{key}.ipynb" if notebook.exists() else None,
        "picture": f"pictures/{key}.png" if picture else None,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def run_once(lesson: Path, parameters: dict, out: Path, key: str, about: dict, card, old) -> dict:
    """The record of one run; runs it unless the registry has one that is not the failed ``old``.

    The caller holds the run's lock, so what is there now no other sweep is changing.
    """
    record = read_registry(out / "registry.jsonl").get(key)
    if record is None or record == old:
        record = {"key": key, **about, **run_point(lesson, parameters, out, key, card.timeout)}
        with locked(out / "locks" / "registry"):
            append(out / "registry.jsonl", record)
        print(f"{parameters}: {record['error'] or record['metrics']}", flush=True)
    return record


def sweep(card: SweepCard, out: Path, folder: Path = book.FOLDER, retry: bool = False) -> dict:
    """Run what is not in the registry yet and write the pages; returns the runs of this grid.

    ``retry`` runs failed ones again.
    """
    (lesson,) = book.lessons([card.lesson], folder)
    about = {"lesson": lesson.stem, "code": code_version(), "data": data_hash(card.data)}
    todo = {key_of(lesson, p, about["code"], about["data"]): p for p in points(card)}
    before = read_registry(out / "registry.jsonl")
    failed = {k: r for k, r in before.items() if retry and not r["ok"]}
    chosen = {}
    for wait in (False, True):  # first what no other sweep is at, then wait for what they are at
        for key in [k for k in todo if k not in chosen]:
            with locked(out / "locks" / key, wait) as ours:
                if ours:
                    task = lesson, todo[key], out, key, about, card, failed.get(key)
                    chosen[key] = run_once(*task)
    with locked(out / "locks" / "registry"):
        sweep_pages.write(out, list(read_registry(out / "registry.jsonl").values()))
    return {key: chosen[key] for key in todo}


def parse_sets(texts) -> dict[str, list]:
    """`lam=1,2` as {"lam": [1, 2]}; raises JGMError."""
    grid = {}
    for text in texts:
        name, equals, values = text.partition("=")
        try:
            grid[name] = yaml.safe_load(f"[{values}]")
        except yaml.YAMLError:
            equals = ""
        if not equals or not name.isidentifier():
            raise JGMError(f"{text!r}: allowed is NAME=VALUE,VALUE,...")
    return grid


def read_card(options) -> SweepCard:
    """The card from the YAML file or from --lesson, --set and --data."""
    if options.grid is None:
        values = {"grid": parse_sets(options.set), "data": options.data}
        return validate(SweepCard, values | ({"lesson": options.lesson} if options.lesson else {}))
    try:
        values = yaml.safe_load(options.grid.read_text(encoding="utf-8"))
    except (*DAMAGED, yaml.YAMLError) as error:
        raise JGMError(f"{options.grid}: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise JGMError(f"{options.grid}: must hold lesson and grid")
    return validate(SweepCard, values)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m jgm_course.sweep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("grid", nargs="?", type=Path, help="YAML file")
    parser.add_argument("--lesson", help="05 or 05_colorize")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=V,V", help="grid")
    parser.add_argument("--data", action="append", default=[], help="file or folder to hash")
    parser.add_argument("--out", type=Path, required=True, help="folder of the registry")
    parser.add_argument("--folder", type=Path, default=book.FOLDER, help="the lessons")
    parser.add_argument("--retry", action="store_true", help="run failed ones again")
    options = parser.parse_args(arguments)
    try:
        runs = sweep(read_card(options), options.out, options.folder, options.retry)
    except JGMError as error:
        print(error, file=sys.stderr)
        return 2
    failed = sum(not r["ok"] for r in runs.values())
    print(f"{len(runs)} runs, {failed} failed; {options.out / 'gallery.html'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
