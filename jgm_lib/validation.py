"""Cards: the base of all, and every fault of one in a clear line."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import JGMError


class Card(BaseModel):
    """Base of all cards: unknown names are refused, values are never silently converted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def knob(default, low, high, effect: str, unit: str = ""):
    """A number with its range, unit and effect, for sliders and --help."""
    return Field(default, ge=low, le=high, description=effect, json_schema_extra={"unit": unit})


def check_larger(card: Card, first: str, second: str) -> None:
    """ValueError unless the first of two knobs is the larger one."""
    a, b = getattr(card, first), getattr(card, second)
    if not a > b:
        raise ValueError(f"{first}={a}, {second}={b}: need {first} > {second}")


def limits(card: type[Card], name: str) -> tuple[float, float]:
    """The allowed range of a numeric knob, for a slider."""
    found = {type(m).__name__: m for m in card.model_fields[name].metadata}
    return found["Ge"].ge, found["Le"].le


def _allowed(card: type[Card], name: str) -> str:
    """The range of a knob in brackets; nothing for a field that has none."""
    try:
        low, high = limits(card, name)
    except (KeyError, AttributeError):
        return ""
    return f" (allowed: {low} to {high})"


def one_line(
    error: ValidationError, card: type[Card], says: str = "{name}={value!r}", spelled=str
) -> str:
    """A pydantic error as one clear line: what, where, what is allowed. ``says``, ``spelled``: how
    a value and a name are written where they were given."""
    parts = []
    for e in error.errors():
        where = ".".join(map(str, e["loc"]))
        text = e["msg"].removeprefix("Value error, ")
        if e["type"] == "extra_forbidden":
            parts.append(f"{where}: unknown name (allowed: {', '.join(card.model_fields)})")
        elif not where:  # a rule between several fields names them itself
            parts.append(text)
        else:
            text = text[0].lower() + text[1:] + _allowed(card, where)
            value = says.format(name=spelled(where), value=e.get("input"))
            parts.append(f"{value}: {text}")
    return "; ".join(parts)


def validate(card: type[Card], values: dict) -> Card:
    """Build a card from a dict; every fault in one JGMError line."""
    try:
        return card(**values)
    except ValidationError as error:
        raise JGMError(f"{card.__name__}: {one_line(error, card)}") from None


def _is_literal(value) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, list, tuple, dict))


def check_parameters(card: type[Card], namespace: dict) -> Card:
    """Validate a notebook's parameters cell: call with ``globals()`` in the cell right after it.

    papermill only warns about a name that the notebook does not declare; here every plain value
    defined so far must be a field of ``card``. Raises JGMError with one line for all faults.
    """
    hidden = {"In", "Out"}
    values = {
        k: v
        for k, v in namespace.items()
        if not k.startswith("_") and k not in hidden and _is_literal(v)
    }
    return validate(card, values)
