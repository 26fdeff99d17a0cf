"""The sample lesson, executed once a session and copied for every test that breaks it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from jgm_course import book, exercises, pairs

SAMPLE = Path(__file__).parent / "sample_course"
sys.path.append(str(SAMPLE))  # the linter imports the sample's card and checkers


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "lessons"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert pairs.make([], folder) == []
    assert exercises.main(["--folder", str(folder)]) == 0
    return folder


class Course:
    """A copy of the sample course, to be broken."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.py, self.ipynb = folder / "90_sample.py", folder / "90_sample.ipynb"

    def edit(self, old: str, new: str) -> None:
        text = self.py.read_text()
        assert old in text
        self.py.write_text(text.replace(old, new, 1))

    def cell(self, text: str, before: str = "# %% [markdown]\n# ## What to expect") -> None:
        """Insert a cell."""
        self.edit(before, f"{text}\n\n{before}")

    def change_pair(self, change) -> None:
        nb = json.loads(self.ipynb.read_text())
        change(nb)
        self.ipynb.write_text(json.dumps(nb))

    def nb(self):
        """The source as a notebook that can be run."""
        nb = book.read_source(self.py)
        nb.nbformat_minor = 5
        pairs.stable_ids(nb)
        return nb


@pytest.fixture
def course(made, tmp_path):
    shutil.copytree(made, tmp_path / "lessons")
    return Course(tmp_path / "lessons")
