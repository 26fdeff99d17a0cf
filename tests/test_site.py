"""The static site: every link inside leads somewhere, nothing comes from elsewhere, and it can be read
by all."""

import json
import re
import shutil
from pathlib import Path

import pytest

from jgm_course import site
from jgm_lib.errors import JGMError

pytest.importorskip("myst_nb")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LESSONS = sorted(p.stem for p in (site.ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    return site.build(tmp_path_factory.mktemp("site")).parent


# -- what is built


def test_every_lesson_has_its_page_its_card_and_its_picture(html):
    index = (html / "index.html").read_text(encoding="utf-8")
    for name in LESSONS:
        assert f'href="notebooks/{name}.html"' in index
        assert (html / "_images" / f"{name}.jpg").stat().st_size > 1000
        page = (html / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        assert page.count("data:image/png;base64,") + page.count("_images/") >= 2, name


def test_glossary_paper_map_and_api_are_there(html):
    assert 'id="chroma"' in (html / "docs" / "glossary.html").read_text(encoding="utf-8")
    assert "Eq 14" in (html / "docs" / "paper_map.html").read_text(encoding="utf-8")
    api = (html / "api" / "samplers.html").read_text(encoding="utf-8")
    assert 'id="jgm_lib.samplers.algorithm1.langevin"' in api and "Algorithm 1" in api
    assert "Eq 14" in (html / "api" / "method.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(html):
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]*\ssrc="(https?:)?//|<link[^>]*rel="stylesheet"[^>]*href="(https?:)?//'
    )
    for page in html.rglob("*.html"):
        if "_static" not in page.parts:
            assert not loads.search(page.read_text(encoding="utf-8")), page


def test_the_search_index_knows_the_lessons(html):
    text = (html / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert "null" in " ".join(index["terms"]) and len(index["docnames"]) > len(LESSONS) + 10


# -- where it is built


@pytest.mark.parametrize("name", ["mine/notes.txt", "source/conf.py", "html/index.html"])
def test_a_folder_with_other_things_is_never_emptied(name, tmp_path, capsys):
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("mine")
    assert site.main(["--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "would be lost; need a new or empty folder" in error and error.count("\n") == 1
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_is_no_place_for_a_site(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for out in ("file", "file/below"):
        assert site.main(["--out", str(tmp_path / out)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_an_earlier_build_is_emptied(tmp_path):
    site.emptied(tmp_path / "new")
    (tmp_path / "new" / "html").mkdir()
    site.emptied(tmp_path / "new")
    assert [p.name for p in (tmp_path / "new").iterdir()] == [site.MADE]


# -- the check


def page(folder, name, body):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"<html><body>{body}</body></html>")


def test_good_links_of_all_kinds_pass(tmp_path):
    page(
        tmp_path, "a.html", '<h1 id="top">A</h1><a href="b/c%20d.html#x">c</a><a href="#top">t</a>'
    )
    page(
        tmp_path,
        "b/c d.html",
        '<p id="x">x</p><a href="../a.html">a</a><a href="https://e.org/x">e</a>',
    )
    page(
        tmp_path,
        "e.html",
        '<img alt="" src="data:image/png;base64,AA"><a href="mailto:a@b.c">m</a>',
    )
    site.check(tmp_path)


@pytest.mark.parametrize(
    "body, says",
    [
        ('<a href="missing.html">x</a>', "missing.html"),
        ('<a href="#nowhere">x</a>', "#nowhere"),
        ('<img alt="x" src="gone.png">', "gone.png"),
        ('<a href="../a.html">outside</a>', "../a.html"),
        ('<img src="data:image/png;base64,AA">', "without alt"),
    ],
)
def test_dead_links_and_pictures_without_words_are_named(body, says, tmp_path, capsys):
    page(tmp_path, "good.html", "fine")
    page(tmp_path, "a.html", body)
    with pytest.raises(JGMError, match="a.html: ") as error:
        site.check(tmp_path)
    assert says in str(error.value) and "good" not in str(error.value)
    assert site.main(["--check", str(tmp_path)]) == 2 and says in capsys.readouterr().err


def test_a_folder_without_pages_does_not_pass(tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "missing"):
        assert site.main(["--check", str(folder)]) == 2
        assert capsys.readouterr().err == f"error: {folder}: no pages there\n"


def test_links_that_leave_the_site_go_to_the_repository_or_become_words(tmp_path, monkeypatch):
    pages, text = {"docs/glossary.md"}, "[a](glossary.md#x) [b](../jgm_lib/cli) [c](https://e.org)"
    monkeypatch.setattr(site, "REPOSITORY", "")
    told = site.inside(text, Path("docs/house.md"), pages, tmp_path)
    assert told == "[a](glossary.md#x) b [c](https://e.org)"
    monkeypatch.setattr(site, "REPOSITORY", "https://host/me/it")
    told = site.inside(text, Path("docs/house.md"), pages, tmp_path)
    assert "[b](https://host/me/it/blob/main/jgm_lib/cli)" in told


# -- in a browser


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium")
    with sync.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def opened(browser, path: Path, width=1280):
    """A page, and the addresses that it asked for."""
    tab, asked = browser.new_page(viewport={"width": width, "height": 900}), []
    tab.on("request", lambda r: asked.append(r.url))
    failed = []
    tab.on("requestfailed", lambda r: failed.append(r.url) if r.url != "about:blank" else None)
    tab.set_default_timeout(120_000)
    tab.goto(path.as_uri(), wait_until="load")

    return tab, asked, failed


def test_equations_are_drawn_without_network(html, browser):
    tab, asked, failed = opened(browser, html / "notebooks" / "01_score_matching.html")
    tab.wait_for_function(
        "document.querySelectorAll('.MathJax .math, .MathJax_Display').length > 20", timeout=60_000
    )
    assert "\\(" not in tab.locator("article").inner_text()
    assert not failed and all(
        url.startswith(("file:", "data:", "blob:", "about:")) for url in asked
    )
    tab.close()


def test_no_page_is_wider_than_a_phone(html, browser):
    tab, wide = browser.new_page(viewport={"width": 390, "height": 844}), []
    for page in sorted(p for p in html.rglob("*.html") if "_static" not in p.parts):
        tab.goto(page.as_uri(), wait_until="load", timeout=120_000)
        if tab.evaluate("document.documentElement.scrollWidth") > 390:
            wide.append(page.relative_to(html).as_posix())
    tab.close()
    assert not wide


@pytest.mark.parametrize("width", [1280, 1920])
def test_no_page_is_wider_than_the_window(html, browser, width):
    for name in ("index.html", "notebooks/05_colorize.html", "api/method.html"):
        tab = opened(browser, html / name, width)[0]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
        tab.close()


def test_no_path_of_this_machine_is_shown(html):
    for page in html.rglob("*.html"):
        assert str(site.ROOT) not in page.read_text(encoding="utf-8"), page


@pytest.mark.parametrize(
    "name", ["index.html", "notebooks/08_comparison.html", "docs/glossary.html", "api/method.html"]
)
def test_axe_finds_nothing_serious(html, browser, name):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = opened(browser, html / name)[0]
    found = axe.Axe().run(tab).response["violations"]
    grave = {
        v["id"]: [n["html"][:120] for n in v["nodes"][:3]]
        for v in found
        if v["impact"] in ("serious", "critical")
    }
    assert not grave, grave
    tab.close()
