"""python -m jgm_course.site: the executed lessons, the docs and the API as a static site.

    python -m jgm_course.site [--out build/site] [--check FOLDER]

The site needs no network, neither to be built nor to be read. Every link inside it is followed
before it counts as built. JGM_REPOSITORY=https://github.com/NAME/PROJECT adds the buttons "open in
Colab" and "launch Binder".
"""

import argparse
import base64
import io
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from PIL import Image, ImageOps

import jgm_lib
from jgm_lib.errors import JGMError

ROOT = Path(__file__).parents[2]
DOCS = ("glossary", "paper_map", "house", "how_to_add", "workshop", "notebook_style")
PICTURE = re.compile(r'<img alt="([^"]*)"[^>]*src="data:image/(?:png|jpeg);base64,([^"]+)"')
MADE = "made-by-jgm-course-site"  # an empty file: this folder is ours to empty
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
THUMB = (320, 180)  # pixels


def build(out: Path) -> Path:
    """Prepare the source in ``out``/source, build ``out``/html, check its links; returns its index.
    Raises JGMError, also for a folder that holds anything but a site built here before."""
    source, html = out / "source", out / "html"
    emptied(out)
    prepare(source)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run([*command, source, html], capture_output=True, text=True)
    if done.returncode:
        raise JGMError(f"the site does not build:\n{done.stderr.strip()}")
    shutil.copytree(mathjax(), html / "_static" / "mathjax", dirs_exist_ok=True)
    check(html)
    return html / "index.html"


def emptied(out: Path) -> None:
    """Make the folder, or empty it if an earlier build made it. Raises JGMError for any other."""
    if os.path.lexists(out) and not out.is_dir():
        raise JGMError(f"--out {out}: is a file; need a folder")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MADE).is_file():
            raise JGMError(
                f"--out {out}: holds other things than a site built here, which would be lost; "
                "need a new or empty folder"
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MADE).touch()


def mathjax() -> Path:
    """MathJax as Jupyter packs it."""
    return Path(str(files("jupyter_server_mathjax"))) / "static"


# -- the source --------------------------------------------------------------------------------


def prepare(source: Path) -> None:
    """Lay out the source: settings, lessons, docs, the API, and an index with a card a lesson."""
    for folder in ("notebooks", "docs", "api"):
        (source / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "docs" / "site", source, dirs_exist_ok=True)
    lessons = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    pages = {f"notebooks/{p.name}" for p in lessons} | {f"docs/{d}.md" for d in DOCS}
    pages |= {"README.md", "index.md"}
    for path in lessons:
        shutil.copy(path, source / "notebooks")
    for name in (*(f"docs/{d}.md" for d in DOCS), "README.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        (source / name).write_text(inside(text, Path(name), pages, source), encoding="utf-8")
    cards = [card_of(path, source) for path in lessons]
    trees = {
        "Lessons": [f"notebooks/{p.stem}" for p in lessons],
        "Words and ways": [*(f"docs/{d}" for d in DOCS), "README"],
        "Library": write_api(source / "api"),
    }
    index = (ROOT / "docs" / "site" / "index.md").read_text(encoding="utf-8")
    index = index.replace("LESSONS", page_of(cards, trees))
    (source / "index.md").write_text(index, encoding="utf-8")


def inside(text: str, name: Path, pages: set, source: Path) -> str:
    """Links of a page as they hold in the site: to its pages, to pictures that are copied there,
    and of anything else the words alone."""

    def link(match):
        target = os.path.normpath((name.parent / match[1]).as_posix())
        if target in pages:
            return match[0]
        if target.endswith((".jpg", ".png")) and (ROOT / target).is_file():
            (source / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / target, source / target)
            return match[0]
        return f"]({REPOSITORY}/blob/main/{target})" if REPOSITORY else "](#)"

    return re.sub(r"\[([^\]]*)\]\(#\)", r"\1", LINK.sub(link, text))


REPOSITORY = os.environ.get("JGM_REPOSITORY", "").rstrip("/")


def card_of(path: Path, source: Path) -> tuple[str, str, str]:
    """Of a lesson: its title, its first sentence, and a thumbnail of its first picture."""
    notebook = nbformat.read(path, as_version=4)
    title, _, rest = notebook.cells[0].source.partition("\n")
    told = re.match(r".*?[.?!](?= |$)", " ".join(rest.split()))[0]
    found = PICTURE.search("".join(_html(notebook)))
    thumb = f"_static/{path.stem}.jpg"
    if not found:
        raise JGMError(f"{path.name}: has no picture for its thumbnail")
    image = Image.open(io.BytesIO(base64.b64decode(found[2]))).convert("RGB")
    ImageOps.fit(image, THUMB, centering=(0, 0)).save(source / thumb, quality=85)
    return title.lstrip("# "), told, thumb


def _html(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield output.get("data", {}).get("text/html", "")


def page_of(cards, trees: dict) -> str:
    """The grid of cards and the hidden tables of contents of the index, all flat: the theme draws a
    nested one with unnamed buttons."""
    grid = [":::::{grid} 1 2 3 3\n"]
    for (title, told, thumb), page in zip(cards, trees["Lessons"], strict=True):
        link = f":link: {page}\n:link-type: doc\n:img-top: {thumb}\n:img-alt: {title}"
        grid.append(f"::::{{grid-item-card}} {title}\n{link}\n\n{told}\n::::\n")
    grid.append(":::::\n")
    for caption, names in trees.items():
        lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```\n"]
        grid.append("\n".join(lines))
    return "\n".join(grid)


def write_api(folder: Path) -> list[str]:
    """A page a room of the library: its modules with their public names, from the docstrings;
    returns the pages."""
    rooms: dict = {}
    for module in pkgutil.walk_packages(jgm_lib.__path__, "jgm_lib."):
        if not module.name.split(".")[-1].startswith("_"):
            room = module.name.split(".")[1]
            rooms.setdefault(room if _is_room(room) else "method", []).append(module)
    for room, modules in rooms.items():
        parts = [f"# {room}\n"]
        for module in modules:  # what a room hands on is told where it is written
            members = "" if module.ispkg else "   :members:\n"
            about = f"```{{eval-rst}}\n.. automodule:: {module.name}\n{members}```\n"
            parts.append(f"## {module.name}\n\n{about}")
        (folder / f"{room}.md").write_text("\n".join(parts), encoding="utf-8")
    return [f"api/{room}" for room in sorted(rooms)]


def _is_room(name: str) -> bool:
    return (Path(jgm_lib.__file__).parent / name / "__init__.py").is_file()


# -- its links ---------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.ids, self.nameless = [], {""}, 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[k] for k in ("href", "src") if attrs.get(k)]
        self.ids |= {attrs[k] for k in ("id", "name") if attrs.get(k)}
        self.nameless += tag == "img" and "alt" not in attrs


def check(html: Path) -> None:
    """Raise JGMError naming every link of the site that leads nowhere, every file that would come
    from elsewhere, and every picture without words."""
    pages = {p.resolve(): Page(p) for p in html.rglob("*.html") if "_static" not in p.parts}
    if not pages:
        raise JGMError(f"{html}: no pages there")
    faults = [
        f"{p.name}: {page.nameless} pictures without alt"
        for p, page in pages.items()
        if page.nameless
    ]
    for path, page in pages.items():
        faults += [f"{path.name}: {link}" for link in page.links if _dead(link, path, pages)]
    if faults:
        raise JGMError("dead links in the site:\n" + "\n".join(sorted(set(faults))))


def _dead(link: str, path: Path, pages: dict) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target in pages:
        return unquote(parts.fragment) not in pages[target].ids
    return not target.is_file()


def main(argv=None) -> int:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument(
        "--out",
        default="build/site",
        help="new or empty folder, or one of an earlier build (default %(default)s)",
    )
    p.add_argument("--check", metavar="FOLDER", help="only follow the links of a site")
    args = p.parse_args(argv)
    try:
        if args.check:
            check(Path(args.check))
            return 0
        print(build(Path(args.out).absolute()))
        return 0
    except (JGMError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
