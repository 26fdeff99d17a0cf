"""Base of the exercise checkers: `Hint`, `close`, and the `exercise` decorator that registers them.

A checker is proven by tests/test_exercises.py: it accepts the lesson's solution, rejects the stub,
and rejects each named wrong answer with a hint that names the mistake.
"""

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Hint(AssertionError):
    """An answer is not right yet; the message names the mistake."""


@dataclass(frozen=True)
class Exercise:
    """One registered exercise; ``wrong`` maps a name to (answer, word the hint must contain)."""

    notebook: str
    name: str
    check: Callable
    wrong: dict[str, tuple[Callable, str]]


REGISTRY: dict[tuple[str, str], Exercise] = {}


def exercise(notebook: str, name: str, wrong: dict[str, tuple[Callable, str]]):
    """Register ``check_NAME(answer)`` for the solution ``name`` of lesson ``notebook`` ("02")."""
    if len(wrong) < 2:
        raise ValueError(f"exercise {notebook} {name}: name at least two wrong answers")

    def register(check):
        quiet = _as_hints(check, name)
        REGISTRY[notebook, name] = Exercise(notebook, name, quiet, dict(wrong))
        return quiet

    return register


def _as_hints(check, name):
    """The checker with every failure of the answer turned into a Hint."""

    @functools.wraps(check)
    def run(answer):
        try:
            check(answer)
        except Hint as hint:
            raise Hint(f"{name}: {hint}") from None
        except NotImplementedError:
            raise Hint(f"{name}: not written yet; replace `raise NotImplementedError`") from None
        except Exception as error:
            raise Hint(
                f"{name}: your answer stopped with {type(error).__name__}: {error}"
            ) from error
        print(f"{name}: correct")

    return run


def _numbers(value) -> np.ndarray:
    """Any number, array or tensor as a float64 array."""
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return np.asarray(value, dtype=np.float64)


def close(got, expected, hint: str, rtol: float = 1e-4, atol: float = 1e-6) -> None:
    """Raise Hint(hint) unless shapes agree and numbers are close."""
    got, expected = _numbers(got), _numbers(expected)
    if got.shape != expected.shape:
        raise Hint(f"the shape is {got.shape}, it should be {expected.shape}")
    if not np.allclose(got, expected, rtol=rtol, atol=atol):
        raise Hint(hint)


def load_all() -> dict[tuple[str, str], Exercise]:
    """Import the checkers of every lesson, nbNN/checks.py, and return what is registered there."""
    course = __name__.rpartition(".")[0]
    for folder in sorted(Path(__file__).parent.glob("nb[0-9][0-9]")):
        importlib.import_module(f"{course}.{folder.name}.checks")
    return {k: e for k, e in REGISTRY.items() if e.check.__module__.startswith(f"{course}.")}
