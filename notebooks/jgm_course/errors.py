"""Friendly errors inside a notebook: one clear line first, the whole trace with %tb."""

import sys

from jgm_lib.errors import JGMError
from jgm_lib.params import Card, check_parameters, validate

from .checking import Hint

BEGUN = "_jgm_begun"


def _one_line(shell, etype, value, trace, tb_offset=None):
    """Show `Name: message`; keep the trace for %tb; the cell still counts as failed."""
    sys.last_type, sys.last_value, sys.last_traceback = etype, value, trace
    sys.last_exc = value
    lines = [f"{etype.__name__}: {value}", "(run %tb in a new cell for the whole trace)"]
    shell._showtraceback(etype, value, lines)
    return lines


def quiet_errors() -> None:
    """From now on a JGMError or a Hint shows as one line. Does nothing outside IPython."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((JGMError, Hint), _one_line)


def begin(card: type[Card], namespace: dict) -> Card:
    """The cell after the parameters: quiet errors, then validate. Returns the filled card.

    Call ``begin(CARD, globals())``. In a fresh kernel every plain value must be a field of
    ``card``, so that a name papermill added by mistake stops here. When a reader comes back to
    the cell later on, the lesson's own variables exist as well: then only the card's names are
    checked.
    Raises JGMError in one line that names the allowed names or range.
    """
    quiet_errors()
    if namespace.get(BEGUN):
        values = {k: namespace[k] for k in card.model_fields if k in namespace}
        return validate(card, values)
    filled = check_parameters(card, namespace)
    namespace[BEGUN] = True
    return filled
