"""The house as a whole: its map is true, nothing goes in circles, rooms stay small."""

import ast

import pytest

from jgm_course import house

LINES = 250  # of a module: read over one coffee
FUNCTION = 40  # lines of a function, docstring and signature included


def test_the_map_is_what_the_code_is():
    assert house.PAGE.read_text(encoding="utf-8") == house.page()


def test_a_module_stands_below_those_it_is_loaded_with():
    edges = house.graph(late=False)
    order = house.in_order(edges)
    assert sorted(order) == sorted(edges) and len(order) > 60
    assert all(order.index(o) < order.index(n) for n, others in edges.items() for o in others)


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="circle: a -> b -> c -> a"):
        house.in_order({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})


@pytest.mark.parametrize(
    "code, found",
    [
        ("from .errors import JGMError", {"errors"}),
        ("from . import errors, noise", {"errors", "noise"}),
        ("from .photo.read import Photo", {"photo.read"}),
        ("def f():\n    from .noise import g", {"noise"}),
        ("from jgm_lib.noise import g", {"noise"}),
        ("import os\nfrom torch import nn", set()),
    ],
)
def test_imports_are_found(code, found):
    known = {"errors", "noise", "photo", "photo.read", "here"}
    assert house.imports("here", ast.parse(code), known, package=False) == found
    room = code.replace("from .", "from ..")  # a whole name is the same everywhere
    assert house.imports("photo.read", ast.parse(room), known, package=False) == found - {
        "photo.read"
    }
    late = house.imports("here", ast.parse(code), known, package=False, late=False)
    assert late == (set() if code.startswith("def") else found)


def test_modules_are_read_over_one_coffee():
    long = {
        str(p.relative_to(house.LIBRARY)): n
        for p in house.LIBRARY.rglob("*.py")
        if (n := len(p.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert long == {}


def test_functions_are_short():
    lengths = {
        f"{name}.{node.name}": node.end_lineno - node.lineno + 1
        for name, tree in house.modules().items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert len(lengths) > 500
    assert {n: k for n, k in lengths.items() if k > FUNCTION} == {}
