"""The files of the panel: what jgm colorize writes by the line that the panel shows, byte by byte."""

import base64
import html
import io
import re
import shlex
import zipfile

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from panel_maker import WAIT, png, send
from PIL import Image

from jgm_lib.cli import main, parser
from jgm_lib.cli.options import card_of, check_read, chosen
from jgm_lib.errors import JGMError
from jgm_lib.params import KNOBS, ColorizeCard, validate
from jgm_lib.widgets import album, bounds, controls, saving

LINK = re.compile(r'<a download="([^"]+)" href="data:([^;]+);base64,([^"]+)"')


def packed(panel) -> dict[str, bytes]:
    """Press the button; name -> content of every link."""
    panel.view.pack.click()
    assert panel.worker.wait(WAIT) and panel.error is None, panel.error
    found = LINK.findall(panel.view.files.value)
    return {html.unescape(name): base64.b64decode(data) for name, _, data in found}


def read(line: str) -> ColorizeCard:
    """What the command would make of a line."""
    args = parser().parse_args(shlex.split(line)[1:])
    check_read(chosen(args), [card_of(chosen(args)).sampler])
    return card_of(chosen(args))


def run_in(folder, files: dict[str, bytes], monkeypatch) -> dict[str, bytes]:
    """Unpack files and run their command there; name -> content of what it writes."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    monkeypatch.chdir(folder)
    assert main(shlex.split((folder / "command.txt").read_text())[1:]) == 0
    return {p.name: p.read_bytes() for p in (folder / saving.OUT).iterdir()}


@pytest.mark.parametrize("sampler", KNOBS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_line_is_read_back_as_the_same_settings(sampler, data):
    card = ColorizeCard(**bounds.defaults(sampler))
    for name in controls.read_by(sampler):
        if name not in ("sampler", "seed"):
            field = ColorizeCard.model_fields[name]
            stops = controls.stops(name, field.default) or list(field.annotation.__args__)
            value = data.draw(st.sampled_from(bounds.fitting(card, name, stops)))
            card = card.model_copy(update={name: value})
    card = card.model_copy(update={"seed": data.draw(st.integers(0, 2**31 - 1))})
    assert read(saving.command(card, "a photo's.jpg")) == card


def test_what_the_sampler_does_not_read_stays_out_of_the_line():
    card = ColorizeCard(lam=2.0, sampler="split", steps=7)
    line = saving.command(card, "-odd name.jpg")
    assert line == "jgm colorize './-odd name.jpg' -o colours --steps 7"


@pytest.mark.parametrize("changes", [
    {}, {"sampler": "langevin", "L": 2, "T": 2, "strength": 1.3, "gray": "bt601", "seed": 11},
])  # fmt: skip
def test_the_line_writes_the_very_files_of_the_panel(panel, changes, tmp_path, monkeypatch):
    panel.card = panel.card.model_copy(update=changes)
    panel.run_sync()
    files = packed(panel)
    with zipfile.ZipFile(io.BytesIO(files.pop("toy-1_all.zip"))) as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == files
    made = run_in(tmp_path, files, monkeypatch)
    assert set(made) == {f"toy-1_{i}.png" for i in (1, 2, "mean")[: panel.card.n + 1]}
    assert made == {n: files[n] for n in made}
    assert validate(ColorizeCard, yaml.safe_load(files["settings.yaml"])) == panel.card
    assert files["command.txt"].decode().strip() in html.unescape(panel.view.files.value)


def test_an_upload_is_written_at_its_full_size_and_named_after_it(panel, tmp_path, monkeypatch):
    send(panel, "my cat.png", png((50, 40)))
    assert panel.worker.wait(WAIT)
    files = packed(panel)
    assert "my cat.png" not in files  # the learner has it
    picture = Image.open(io.BytesIO(files["my cat_1.png"]))
    assert picture.size == (50, 40) and np.array_equal(picture, panel.result.images[0])
    (tmp_path / "my cat.png").write_bytes(png((50, 40)))
    made = run_in(tmp_path, files, monkeypatch)
    assert made and made == {n: files[n] for n in made}


def test_every_picture_of_this_library_is_its_file(tmp_path):
    for name in ("china", "camera", "toy-2"):
        photo, file = album.open_picture(name), album.read_photo(album.original(name))
        assert np.array_equal(photo.rgb(), file.rgb()) and photo.is_grey == file.is_grey
    assert album.original("mine.png") is None


def test_links_go_with_the_run_that_they_belong_to(panel):
    panel.run_sync()
    packed(panel)
    panel.view.knobs["seed"].value = 3
    assert panel.worker.wait(WAIT)
    assert panel.view.files.value == ""


def test_without_a_finished_run_there_is_one_line(panel):
    panel.view.pack.click()
    assert panel.worker.wait(WAIT)
    assert "no finished run is shown" in panel.view.message.value and not panel.view.files.value


def test_too_much_for_a_browser_names_the_command(panel, monkeypatch):
    panel.run_sync()
    monkeypatch.setattr(saving, "LARGEST", 1000)
    with pytest.raises(JGMError, match="allowed are 0 MB.* jgm colorize toy-1.png -o colours"):
        saving.written(panel._seen)


def test_an_errand_is_done_however_many_others_there_are(panel):
    done = []
    first, second = (lambda: done.append(1)), (lambda: done.append(2))
    with panel.worker._condition:
        for errand in (first, second, first):
            panel.worker.errand(errand)
    assert panel.worker.wait(WAIT) and done == [1, 2]
