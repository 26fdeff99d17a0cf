"""docs/house.md, the map of the library: which module holds what and builds on which others.

    python -m jgm_course.house          # is the page true?
    python -m jgm_course.house --write  # write it again

Everything on the page is read from the modules themselves: the first sentence of a docstring, and
the imports of its code (those inside functions too, which only wait with the loading).
"""

import argparse
import ast
import sys
from pathlib import Path

from .book import ROOT, write_text

PAGE = ROOT / "docs" / "house.md"
LIBRARY = ROOT / "jgm_lib"
HEAD = """# The map of the house

Which module of `jgm_lib` holds what, and on which others it builds. A module stands below those it
builds on, so the page can be read from top to bottom. Written by `python -m jgm_course.house
--write`; a test compares it with the code.

| module | what it holds | builds on |
|---|---|---|
"""


def modules(library: Path = LIBRARY) -> dict[str, ast.Module]:
    """Name below the library, such as "photo.read" ("photo" for its door), -> syntax tree."""
    found = {}
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(name: str, tree: ast.Module, known, package: bool, late: bool = True) -> set[str]:
    """The modules of the library that one imports. ``late``: also where a function begins."""
    here = name.split(".") if name else []
    here = here if package else here[:-1]
    nodes = ast.walk(tree) if late else top_level(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            path = node.module.split(".") if node.module else []
            if not node.level and path[0] != LIBRARY.name:
                continue  # another package's
            base = [*here[: len(here) - node.level + 1], *path] if node.level else path[1:]
            for alias in node.names:
                found.add(nearest(".".join([*base, alias.name]), known))
    return found - {name, None}


def top_level(tree: ast.Module):
    """The statements that run when the module is loaded."""
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from ast.walk(node)


def nearest(name: str, known) -> str | None:
    """The module that holds ``name``: itself, or the one it is taken from."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def graph(late: bool = True) -> dict[str, set[str]]:
    """module -> the modules it imports, the package's own door left out."""
    found = modules()
    doors = {n for n in found if n == "" or any(o.startswith(f"{n}.") for o in found)}
    return {
        name: imports(name, tree, found, name in doors, late)
        for name, tree in found.items()
        if name
    }


def in_order(edges: dict[str, set[str]]) -> list[str]:
    """All modules, each after those it builds on; ValueError names a circle."""
    done: list[str] = []
    open_: list[str] = []

    def visit(name):
        if name in done:
            return
        if name in open_:
            raise ValueError("circle: " + " -> ".join([*open_[open_.index(name) :], name]))
        open_.append(name)
        for other in sorted(edges[name]):
            visit(other)
        open_.pop()
        done.append(name)

    for name in sorted(edges):
        visit(name)
    return done


def first_sentence(tree: ast.Module) -> str:
    text = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
    end = text.find(". ")
    return (text if end < 0 else text[: end + 1]).replace("|", "\\|")


def page() -> str:
    """The whole page as Markdown."""
    found, edges = modules(), graph()
    rows = [
        f"| `{name}` | {first_sentence(found[name])} | {', '.join(sorted(edges[name]))} |"
        for name in in_order(graph(late=False))
    ]
    return HEAD + "\n".join(rows) + "\n"


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jgm_course.house", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/house.md")
    if parser.parse_args(argv).write:
        write_text(PAGE, page())
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
        print("docs/house.md is not true any more: --write", file=sys.stderr)
        return 1
    print(f"docs/house.md: {len(graph())} modules, no circle")
    return 0


if __name__ == "__main__":
    sys.exit(main())
