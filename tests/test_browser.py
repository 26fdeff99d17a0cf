"""The panel as a person meets it: headless Chromium on JupyterLab and on Voila.

Counts and order are asserted, seconds are only reported. Skipped, with the reason, where Chromium
or playwright is missing (Debian: apt-get install chromium). JGM_SCREENSHOTS=folder keeps pictures.
"""

import base64
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from jgm_course import start as start_lab
from jgm_lib import checkpoints
from jgm_lib.networks import build
from jgm_lib.study import Ballots, Study, path_of, study_of, write_versions

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--disable-default-apps", "--disable-domain-reliability",
         "--no-first-run", "--no-pings", "--metrics-recording-only"]  # fmt: skip
WAIT = 60_000  # milliseconds, at most
SETTINGS = {"n": 1, "sampler": "langevin", "L": 4, "T": 6, "epsilon": 1e-5}
LONG = {**SETTINGS, "L": 100, "T": 1000}

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny untrained network: the colours are nonsense, everything else is real."""
    torch.manual_seed(0)
    settings = {"widths": [8, 16], "channels": 9}
    card = {"name": "tiny", "network": "unet", "settings": settings, "size": 32}
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    return str(checkpoints.save(path, build("unet", **settings), card))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A server process on this machine, its output in a file, ended at the end of a test."""

    def __init__(self, command, url: str, folder: Path):
        self.url, self.log = url, folder / "server.log"
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = subprocess.Popen(
            command, stdout=self.log.open("w"), cwd=folder, stderr=subprocess.STDOUT, env=env
        )
        self._until_it_answers()

    def _until_it_answers(self) -> None:
        """Anything but the page, which would get a kernel."""
        for _ in range(600):
            try:
                urllib.request.urlopen(urljoin(self.url, "/api"), timeout=10).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.2)
        raise AssertionError(f"{self.url} never answered: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    """A page that may talk to this machine only and remembers every console error."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})

    def local_only(route):
        if re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", route.request.url):
            return route.continue_()
        return route.fulfill(status=200, body="")  # fonts and such that are nice to have

    context.route("**/*", local_only)
    page = context.new_page()
    page.errors = []
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.errors.append(str(e)))
    page.set_default_timeout(WAIT)
    yield page
    context.close()


class Panel:
    """What a person sees of the panel and does to it."""

    def __init__(self, page):
        self.page, self.box = page, page.locator(".jgm-panel")
        self.box.wait_for()

    def say(self) -> str:
        """The line beside the progress bar."""
        return self.box.locator(".jgm-progress").inner_text()

    def wait_for(self, pattern: str) -> re.Match:
        """Wait until the line reads so."""
        found = self.page.wait_for_function(
            "p => { const t = document.querySelector('.jgm-progress').textContent;"
            " return new RegExp(p).test(t) && t }",
            arg=pattern,
        )
        return re.search(pattern, found.json_value())

    def runs(self) -> int:
        """The number of the run that finished last."""
        return int(self.wait_for(r"^Run (\d+) done")[1])

    def slider(self, name: str):
        return self.box.locator(".widget-hslider").filter(
            has=self.page.locator(f".widget-label:text-is('{name}')")
        )

    def value(self, name: str) -> str:
        return self.slider(name).locator(".widget-readout").inner_text().strip()

    def drag(self, name: str, seconds: float = 1.0, values: int = 30) -> None:
        """Take the handle, move it through many values, let go."""
        track = self.slider(name).locator(".noUi-target").bounding_box()
        handle = self.slider(name).locator(".noUi-handle").bounding_box()
        y = handle["y"] + handle["height"] / 2
        mouse = self.page.mouse
        mouse.move(handle["x"] + handle["width"] / 2, y)
        mouse.down()
        for i in range(values):
            share = 0.02 + 0.6 * i / (values - 1)
            mouse.move(track["x"] + share * track["width"], y)
            self.page.wait_for_timeout(1000 * seconds / values)
        mouse.up()

    def picture(self) -> str:
        return self.box.locator("img.jgm-board").get_attribute("src")

    def settled(self, name: str) -> None:
        """Wait until the verdict names the value that the slider shows."""
        self.page.wait_for_function(
            "want => document.querySelector('.jgm-panel').innerText.includes(want)",
            arg=f"{name} = {self.value(name)},",
        )

    def upload(self, path: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.box.locator("button", has_text="Your photo").click()
        chooser.value.set_files(str(path))

    def shoot(self, name: str) -> None:
        if folder := os.environ.get("JGM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


def drag_both(panel: Panel, where: str) -> None:
    """Thirty values a second on two sliders: a handful of full runs, the last value wins."""
    for name in ("λ₀", "β"):
        before, first, picture = panel.runs(), panel.value(name), panel.picture()
        start = time.monotonic()
        panel.drag(name)
        panel.settled(name)
        full = panel.runs() - before
        print(
            f"\n{where} {name}: {first} -> {panel.value(name)}, {full} full runs, "
            f"{time.monotonic() - start:.1f} s"
        )
        assert panel.value(name) != first
        assert 1 <= full <= 5
        assert panel.picture() != picture


def pictures_for_upload(folder: Path) -> tuple[Path, Path]:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    good, bad = folder / "mine.png", folder / "broken.png"
    Image.fromarray(pixels).save(good)
    bad.write_bytes(b"\x89PNG\r\n\x1a\nand then nothing sensible")
    return good, bad


def upload_both(panel: Panel, folder: Path) -> None:
    good, bad = pictures_for_upload(folder)
    before, picture = panel.runs(), panel.picture()
    panel.upload(good)
    panel.page.wait_for_function(
        "n => { const m = document.querySelector('.jgm-panel').innerText.match(/Run (\\d+) done/);"
        " return m && Number(m[1]) > n }",
        arg=before,
    )
    assert panel.box.locator("select").first.input_value() == "your photo: mine.png"
    assert panel.picture() != picture
    panel.upload(bad)
    alert = panel.box.locator(".jgm-error")
    alert.wait_for()
    assert alert.get_attribute("role") == "alert"
    assert "broken.png" in alert.inner_text() and "Traceback" not in alert.inner_text()


# -- Voila -------------------------------------------------------------------------------------


@pytest.fixture
def app(weights, tmp_path):
    servers = []

    def start(settings, *more):
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "jgm_lib.app",
            "--no-browser",
            "--port",
            str(port),
            "--weights",
            weights,
            "--picture",
            "toy-1",
            "--settings",
            json.dumps(settings),
            *more,
        ]
        servers.append(Server(command, f"http://127.0.0.1:{port}/", tmp_path))
        return servers[-1]

    pytest.importorskip("voila", reason="voila is not installed")
    yield start
    for server in servers:
        server.stop()


def test_voila_drag_and_upload(app, tab, tmp_path):
    tab.goto(app(SETTINGS).url)
    panel = Panel(tab)
    panel.runs()
    panel.shoot("voila-start")
    drag_both(panel, "Voila")
    upload_both(panel, tmp_path)
    panel.shoot("voila-bad-file")
    assert tab.errors == []


def give_file(page, path: Path, way: str) -> None:
    """Drop a file on the picture, or paste it."""
    script = """([data, name, way]) => {
      const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), files = new DataTransfer();
      files.items.add(new File([bytes], name, {type: 'image/png'}));
      const about = {bubbles: true, cancelable: true, dataTransfer: files, clipboardData: files};
      const board = document.querySelector('.jgm-board');
      if (way === 'paste') return document.body.dispatchEvent(new ClipboardEvent('paste', about));
      for (const kind of ['dragover', 'drop']) board.dispatchEvent(new DragEvent(kind, about));
    }"""
    data = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(script, [data, f"{way}.png", way])


def saved(panel: Panel) -> dict[str, bytes]:
    """Press the button and every link; name -> what the browser saved."""
    panel.box.locator("button", has_text="Prepare download").click()
    links, files = panel.box.locator(".jgm-files a"), {}
    links.first.wait_for()
    for link in links.all():
        with panel.page.expect_download() as download:
            link.click()
        files[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    return files


def check_files(files: dict[str, bytes], stem: str, size: tuple[int, int]) -> None:
    """One version, its mean, all in an archive, the settings, a command that can be read."""
    pictures = {f"{stem}_1.png", f"{stem}_mean.png"}
    assert pictures | {f"{stem}_all.zip", "settings.yaml", "command.txt"} <= set(files)
    with zipfile.ZipFile(io.BytesIO(files.pop(f"{stem}_all.zip"))) as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == files
    assert {Image.open(io.BytesIO(files[n])).size for n in pictures} == {size}
    assert files["command.txt"].decode().startswith(f"jgm colorize {stem}.png -o ")


def grave(page) -> dict:
    """What axe finds serious or worse."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    return {v["id"]: [n["html"][:120] for n in v["nodes"][:3]]
            for v in found if v["impact"] in ("serious", "critical")}  # fmt: skip


def look_large(panel: Panel) -> None:
    """A click enlarges to full size; arrow keys move the curtain; Escape closes, twice over."""
    for _ in range(2):
        panel.box.locator(".jgm-board").click()
        view = panel.page.locator("dialog.jgm-large[open]")
        view.wait_for()
        view.locator("input[type=range]").focus()
        panel.page.keyboard.press("ArrowRight")
        assert view.evaluate("v => v.style.getPropertyValue('--cut')") == "51%"
        size = view.locator("img.jgm-after").first.evaluate(
            "i => [i.naturalWidth, i.naturalHeight]"
        )
        assert size == [640, 427]
        assert grave(panel.page) == {}
        panel.shoot("large")
        panel.page.keyboard.press("Escape")
        view.wait_for(state="detached")


def test_voila_files_large_view_drop_paste_and_access(app, tab, tmp_path):
    """What a person does beside dragging: thumbnails, the large view, saving, dropping, pasting, the
    keyboard, a phone; and what axe finds."""
    tab.goto(app({"n": 1, "steps": 3}).url)
    panel = Panel(tab)
    panel.runs()
    tab.wait_for_function("document.querySelector('.jgm-panel').dataset.jgm === 'on'")
    assert grave(tab) == {}
    panel.box.locator("button.jgm-thumb-china").click()
    panel.wait_for(r"^Run 2 done")
    look_large(panel)
    check_files(saved(panel), "china", (640, 427))
    handle = panel.slider("steps").get_by_role("slider", name="steps")
    handle.focus()
    tab.keyboard.press("ArrowRight")
    panel.wait_for(r"^Run 3 done: 1 version, 4 evaluations")
    assert handle.get_attribute("aria-valuetext") == panel.value("steps") == "4"
    good, _ = pictures_for_upload(tmp_path)
    for number, way in ((4, "drop"), (5, "paste")):
        give_file(tab, good, way)
        panel.wait_for(rf"^Run {number} done")
        assert panel.box.locator("select").first.input_value() == f"your photo: {way}.png"
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    board = panel.box.locator(".jgm-board").bounding_box()
    assert board["y"] + board["height"] < 844  # the picture first, the controls below
    assert panel.slider("steps").bounding_box()["y"] > board["y"] + board["height"]
    panel.shoot("phone")
    assert tab.errors == []


def test_voila_stop_and_a_file_that_is_too_large(app, tab, tmp_path):
    tab.goto(app(LONG).url)
    panel = Panel(tab)
    panel.wait_for(r"^step \d+ of 100000")
    panel.box.locator("button", has_text="Stop").click()
    panel.wait_for(r"^Stopped")
    large = tmp_path / "large.jpg"
    large.write_bytes(b"\xff\xd8\xff" + bytes(25_000_000))
    panel.upload(large)
    alert = panel.box.locator(".jgm-error")
    alert.wait_for()
    assert "25.0 MB; allowed are 20 MB" in alert.inner_text()
    assert panel.say().startswith("Not done")
    assert tab.errors == []


def kernel_of(tab) -> str:
    """The address of the page's kernel."""
    text = tab.locator("#jupyter-config-data").text_content()
    return tab.url.split("?")[0] + "api/kernels/" + json.loads(text)["kernelId"]


def ends(tab, kernel: str) -> bool:
    """Does the server forget the kernel within some seconds? It is asked with the page's cookies."""
    for _ in range(100):
        if tab.context.request.get(kernel).status == 404:
            return True
        tab.wait_for_timeout(200)
    return False


def kernels(server) -> list[psutil.Process]:
    """The processes of all pages: forks of the warm process, which is a child of the server."""
    own = psutil.Process(server.process.pid)
    return [fork for child in own.children() for fork in child.children()]


def test_voila_a_page_left_frees_its_kernel_at_once(app, tab):
    """Loaded anew, then closed; behind a token, as in a room."""
    server = app(SETTINGS, "--ip", "0.0.0.0", "--token", "a-token-for-this-test")
    tab.goto(server.url + "?token=a-token-for-this-test")
    Panel(tab).runs()
    first = kernel_of(tab)
    assert tab.context.request.get(first).ok and len(kernels(server)) == 1
    tab.reload()
    Panel(tab).runs()
    assert kernel_of(tab) != first and ends(tab, first) and tab.errors == []
    second, other = kernel_of(tab), tab.context.new_page()
    tab.close(run_before_unload=True)
    assert ends(other, second)
    gone = time.monotonic() + 20
    while kernels(server) and time.monotonic() < gone:
        time.sleep(0.2)
    assert kernels(server) == []


def test_voila_a_page_whose_kernel_ended_says_so_and_starts_again(app, tab):
    server = app(SETTINGS)
    tab.goto(server.url)
    Panel(tab).runs()
    note = tab.locator(".jgm-ended")
    assert not note.is_visible()
    kernels(server)[0].kill()
    note.get_by_text("This page was closed because nobody used it").wait_for()
    Panel(tab).shoot("voila-ended")
    note.get_by_role("button", name="Start again").click()
    Panel(tab).runs()
    assert not note.is_visible() and len(kernels(server)) == 1


def test_voila_a_page_says_when_the_server_is_silent(app, tab):
    server = app(SETTINGS)
    tab.goto(server.url)
    Panel(tab).runs()
    note = tab.locator(".jgm-ended")
    os.kill(server.process.pid, signal.SIGSTOP)
    tab.route(
        "**/api/kernels/*", lambda route: route.abort()
    )  # a stopped server leaves one waiting
    note.get_by_text("The server does not answer").wait_for()
    os.kill(server.process.pid, signal.SIGCONT)
    tab.unroute("**/api/kernels/*")
    note.wait_for(state="hidden")


def test_voila_separate_kernels_stand_ready(app, tab):
    """Where kernels cannot fork: the panel of the next visitor is made beforehand."""
    server = app(SETTINGS, "--separate")
    own = psutil.Process(server.process.pid)
    deadline = time.monotonic() + 60
    while not own.children() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(own.children()) == 1, "nobody came yet"
    tab.goto(server.url)
    Panel(tab).runs()
    assert kernel_of(tab) and tab.errors == []


def test_voila_elsewhere_asks_for_a_token(app):
    server = app(SETTINGS, "--ip", "0.0.0.0", "--token", "a-token-for-this-test")
    page = urllib.request.urlopen(server.url).read().decode()
    assert "jgm-panel" not in page and "password" in page.lower()
    kernels = server.url + "api/kernels/00000000-0000-0000-0000-000000000000/channels"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(kernels)
    assert error.value.code in (401, 403)


# -- JupyterLab --------------------------------------------------------------------------------


PANEL_CELL = """from jgm_lib.params import ColorizeCard
from jgm_lib.widgets import ColorizePanel
panel = ColorizePanel(ColorizeCard(**{card!r}), picture="toy-1").start()
panel"""
OTHER_CELL = 'print("kernel is free:", 6 * 7, panel.done is None)'


STUDY_CELL = """import numpy as np
from jgm_lib.study import Ballots, Study
from jgm_lib.widgets.study_panel import StudyPanel
plan = Study("room", ("boat", "hill"), ("first", "second", "third"), seed=1)
shade = {m: np.full((3, 40, 60), 0.2 + 0.3 * i) for i, m in enumerate(plan.methods)}
ballots = Ballots("votes.sqlite", plan)
StudyPanel(plan, dict.fromkeys(plan.pictures, shade), ballots, first=3)"""


def panel_cells(settings, weights: str) -> list[str]:
    return [PANEL_CELL.format(card={**settings, "weights": weights}), OTHER_CELL]


def notebook(cells: list[str]) -> dict:
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": source,
            }
            for i, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": spec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def lab(weights, tmp_path):
    servers = []

    def start(settings=None, cells=None):
        folder = tmp_path / "notebooks"
        folder.mkdir()
        cells = cells or panel_cells(settings, weights)
        (folder / "panel.ipynb").write_text(json.dumps(notebook(cells)))
        port = free_port()
        options = ["--no-browser", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root",
                   "--IdentityProvider.token=lab-token-for-tests", f"--notebook-dir={folder}",
                   *start_lab.OPTIONS]  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = Server(command, f"http://127.0.0.1:{port}/api", tmp_path)
        servers.append(server)
        server.page = f"http://127.0.0.1:{port}/lab/tree/panel.ipynb?token=lab-token-for-tests"
        return server

    yield start
    for server in servers:
        server.stop()


def run_cell(page, number: int) -> None:
    """Shift+Enter in a cell, again if JupyterLab was not ready to take it."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    for _ in range(10):
        cell.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        for _ in range(40):
            if re.search(r"[*\d]", cell.locator(".jp-InputArea-prompt").inner_text()):
                return
            page.wait_for_timeout(50)
    raise AssertionError(f"cell {number} does not run: {cell.inner_text()}")


def open_lab(tab, server) -> Panel:
    open_notebook(tab, server)
    return Panel(tab)


def open_notebook(tab, server) -> None:
    """Open the page and run the first cell."""
    tab.goto(server.page)
    tab.locator(".jp-Notebook .jp-CodeCell").nth(1).wait_for()
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
    page = json.loads(tab.locator("#jupyter-config-data").text_content())
    assert page["news"] == {"disabled": True}, "else a pop-up asks about news"
    tab.errors.clear()  # what JupyterLab itself says while it starts is not ours
    run_cell(tab, 0)


def test_lab_drag_and_upload(lab, tab, tmp_path):
    panel = open_lab(tab, lab(SETTINGS))
    panel.runs()
    panel.box.scroll_into_view_if_needed()
    drag_both(panel, "JupyterLab")
    panel.shoot("lab")
    upload_both(panel, tmp_path)
    assert tab.errors == []


def test_lab_files_and_drop(lab, tab, tmp_path):
    """The same without a server extension in JupyterLab."""
    panel = open_lab(tab, lab({"n": 1, "steps": 3}))
    panel.runs()
    tab.wait_for_function("document.querySelector('.jgm-panel').dataset.jgm === 'on'")
    give_file(tab, pictures_for_upload(tmp_path)[0], "drop")
    panel.wait_for(r"^Run 2 done")
    check_files(saved(panel), "drop", (60, 40))
    panel.box.locator("button", has_text="Enlarge").click()
    tab.locator("dialog.jgm-large[open]").wait_for()
    panel.shoot("lab-large")
    assert tab.errors == []


def test_lab_kernel_stays_free_and_stop_stops(lab, tab):
    panel = open_lab(tab, lab(LONG))
    panel.wait_for(r"^step \d+ of 100000")
    start = time.monotonic()
    run_cell(tab, 1)
    output = tab.locator(".jp-OutputArea-output", has_text="kernel is free: 42 True")
    output.wait_for()
    print(f"\nwhile a run was under way another cell answered in {time.monotonic() - start:.2f} s")
    panel.wait_for(r"^step \d+ of 100000")  # still at work
    panel.box.locator("button", has_text="Stop").click()
    panel.wait_for(r"^Stopped")
    assert tab.errors == []


def shades(box) -> list[int]:
    """The grey levels of the versions on the screen, left to right."""
    script = """i => { const c = document.createElement('canvas').getContext('2d');
        c.drawImage(i, 0, 0); return c.getImageData(5, 5, 1, 1).data[0] }"""
    return [img.evaluate(script) for img in box.locator("img").all()]


class StudyScreen:
    """What an observer sees and does."""

    def __init__(self, page):
        self.page, self.box = page, page.locator(".jgm-study")
        self.box.wait_for()

    def press(self, name: str) -> None:
        self.box.get_by_role("button", name=name, exact=True).click()

    def see(self, text: str) -> None:
        self.box.get_by_text(text).first.wait_for()

    def give(self, scores) -> None:
        """Click each slider at its score, column by column."""
        for k, score in enumerate(scores):
            track = self.box.locator(".noUi-target").nth(k)
            track.scroll_into_view_if_needed()
            place = track.bounding_box()
            self.page.mouse.click(
                place["x"] + score / 100 * place["width"], place["y"] + place["height"] / 2
            )

    def said(self, wanted) -> bool:
        """Do the numbers beside the sliders become ``wanted``?"""
        for _ in range(100):
            texts = self.box.locator(".jgm-score").all_inner_texts()
            if all(t.isdigit() for t in texts) and near(list(map(int, texts)), wanted):
                return True
            self.page.wait_for_timeout(100)
        return False

    def shows(self, expected) -> bool:
        """Do the pictures become these grey levels? The words above them change first."""
        for _ in range(100):
            found = shades(self.box)
            if len(found) == len(expected) and np.abs(np.array(found) - expected).max() <= 1:
                return True
            self.page.wait_for_timeout(100)
        return False

    def shoot(self, name: str) -> None:
        if folder := os.environ.get("JGM_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


SCORES = [10, 20, 30, 40, 60, 70, 80, 90, 5]  # three versions, three questions


def near(scores, wanted) -> bool:
    """A click lands within two points of where it is aimed."""
    return np.shape(scores) == np.shape(wanted) and np.abs(np.subtract(scores, wanted)).max() <= 2


def test_lab_study_panel(lab, tab, tmp_path):
    """An observer gets a number and judges two pictures by mouse: nothing unanswered is taken,
    every score is filed under its letter, each picture stands where the blinded plan says."""
    open_notebook(tab, lab(cells=[STUDY_CELL, OTHER_CELL]))
    screen = StudyScreen(tab)
    plan = Study("room", ("boat", "hill"), ("first", "second", "third"), seed=1)
    screen.press("Begin")
    for number, trial in enumerate(plan.trials(3), start=1):
        screen.see(f"Picture {number} of 2")
        screen.see("You are observer 3")
        expected = [round(255 * (0.2 + 0.3 * plan.methods.index(m))) for m in trial.methods]
        assert screen.shows(expected)
        screen.press("Next")
        screen.see("missing: A 1, A 2, A 3, B 1, B 2, B 3, C 1, C 2, C 3")
        screen.give(SCORES)
        assert screen.said(SCORES)
        screen.shoot(f"study-{number}")
        screen.press("Next")
    screen.see("Thank you")
    votes = Ballots(tmp_path / "notebooks" / "votes.sqlite", plan).votes()
    assert [(v.observer, v.trial, v.label) for v in votes] == [
        (3, t, k) for t in (0, 1) for k in "ABC"
    ]
    assert near([v.scores for v in votes], 2 * np.reshape(SCORES, (3, 3)).tolist())
    assert tab.errors == []


@pytest.fixture
def study_server(tmp_path):
    """The page on a folder of pictures, its plan and votes; servers end with the test."""
    pytest.importorskip("voila", reason="voila is not installed")
    rng, servers = np.random.default_rng(0), []
    made = {
        p: {f"secret{m}": rng.random((3, 128, 128)) for m in range(3)} for p in ("boat", "hill")
    }
    write_versions(tmp_path / "room", made)
    plan, _ = study_of(tmp_path / "room")

    def start(*more):
        port = free_port()
        command = [sys.executable, "-m", "jgm_lib.study_page", "room", "--votes", "votes"]
        command += ["--no-browser", "--port", str(port), *more]
        servers.append(Server(command, f"http://127.0.0.1:{port}/", tmp_path))
        return servers[-1].url

    yield start, plan, path_of(tmp_path / "votes", plan)
    for server in servers:
        server.stop()


def test_voila_study_page(study_server, tab):
    """Two observers get two numbers; pictures are large and larger by a click; Back shows what was
    said; a page opened anew goes on; nothing the browser gets names a method."""
    start, plan, path = study_server
    heard = []
    tab.on("websocket", lambda ws: ws.on("framereceived", lambda text: heard.append(str(text))))
    url = start()
    tab.goto(url)
    screen = StudyScreen(tab)
    screen.shoot("page-welcome")
    screen.press("Begin")
    screen.see("You are observer 0")
    look = screen.box.locator("img").first
    assert look.bounding_box()["width"] >= 320
    screen.shoot("page-screen")
    look.click()
    assert look.bounding_box()["width"] >= 640
    screen.shoot("page-enlarged")
    look.click()
    assert look.bounding_box()["width"] == 320
    screen.give(SCORES)
    screen.press("Next")
    screen.see("Picture 2 of 2")
    screen.press("Back")
    screen.see("Picture 1 of 2")
    assert screen.said(SCORES) and tab.errors == []
    tab.goto(url)
    again = StudyScreen(tab)
    again.box.locator("input[type=number]").fill("0")
    again.box.locator("input[type=number]").press("Enter")
    again.press("Go on")
    again.see("Picture 2 of 2")
    again.give(SCORES)
    again.press("Next")
    again.see("Thank you")
    again.shoot("page-end")
    assert tab.errors == []
    tab.goto(url)
    other = StudyScreen(tab)
    other.press("Begin")
    other.see("You are observer 1")
    votes = Ballots(path, plan).votes()
    assert len(votes) == 6 and near(
        [v.scores for v in votes], 2 * np.reshape(SCORES, (3, 3)).tolist()
    )
    told = [text for text in [*heard, tab.content()] if "waybill" in text]
    assert heard and told == []
    assert tab.errors == []


def test_voila_study_desk(study_server, tab):
    start, plan, path = study_server
    ballots = Ballots(path, plan)
    ballots.record(ballots.join(), 0, {k: (1, 2, 3) for k in plan.labels})
    tab.goto(start("--desk"))
    desk = tab.locator(".jgm-desk")
    desk.get_by_text("0 observers have finished, 1 not yet: 0 (1 of 2)").wait_for()
    desk.get_by_role("button", name="Export CSV").click()
    desk.get_by_text("3 votes written to").wait_for()
    assert len(path.with_suffix(".csv").read_text().splitlines()) == 4
    assert tab.errors == []
