"""docs/how_to_add.md, carried out: every recipe on a copy of the project, word for word."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "how_to_add.md"
BLOCK = re.compile(r"^```(?P<kind>.*)\n(?P<text>(?:.*\n)*?)```$", re.M)


def recipes() -> dict[str, list[tuple[str, str]]]:
    """Heading -> its blocks, each (what follows the backticks, text)."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {name: [(m["kind"], m["text"]) for m in BLOCK.finditer(text)] for name, text in pairs}


def change(path: Path, lines: str) -> None:
    """Carry out a diff block: runs of - lines, each there exactly once, become the + lines."""
    text = path.read_text(encoding="utf-8")
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", lines, re.M):
        old, new = (re.sub(r"^[-+]", "", part, flags=re.M) for part in (old, new))
        assert text.count(old) == 1, f"{path.name}: {old!r} is not there once"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A copy without the large weights."""
    shutil.copytree(
        ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__")
    )
    large = shutil.ignore_patterns("__pycache__", "photos-64*", "scenes-64.*")
    for name in ("jgm_lib", "data_scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=large)
    return tmp_path


@pytest.mark.parametrize("name", list(recipes()))
def test_the_recipe_works_as_it_stands(name, project):
    blocks = recipes()[name]
    assert blocks[-1][0] == "python check"
    for kind, text in blocks:
        if "new=" in kind:
            path = project / kind.partition("new=")[2]
            assert not path.exists()
            path.write_text(text, encoding="utf-8")
        elif "file=" in kind:
            change(project / kind.partition("file=")[2], text)
        else:
            told = dict(PYTHONPATH=str(project), OMP_NUM_THREADS="1", ACCELERATE_USE_CPU="true")
            done = subprocess.run(
                [sys.executable, "-c", text],
                cwd=project,
                env={**os.environ, **told},
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr[-3000:]


def test_there_is_a_recipe_for_every_kind_of_part():
    parts = {"A sampler", "A network", "A loss", "A data set", "A method to compare"}
    assert parts | {"A system that learns grey to colour"} <= set(recipes())
