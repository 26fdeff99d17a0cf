"""One control for each knob of the card, its range and explanation taken from the card itself; and
the card as text."""

import ipywidgets as w
import yaml

from ..errors import JGMError
from ..params import KNOBS, ColorizeCard, limits, validate
from . import bounds

NAMES = {
    "sampler": "sampler",
    "gray": "F (graying)",
    "border": "border",
    "n": "versions",
    "seed": "seed",
    "strength": "colour strength",
    "lam": "λ₀",
    "beta": "β",
    "sigma_1": "σ₁",
    "sigma_L": "σ_L",
    "L": "L",
    "T": "T",
    "epsilon": "ε",
    "feedback": "feedback",
    "boundary": "boundary",
    "consistent": "consistent",
    "final_denoise": "end denoised",
    "steps": "steps",
    "eta": "η",
    "sigma_max": "σ max",
    "sigma_min": "σ min",
    "solver": "solver",
    "lookahead": "lookahead",
    "corrections": "corrections",
}
NAMES |= {k: k for knobs in KNOBS.values() for k in knobs if k not in NAMES}
COMMON = ("sampler", "gray", "border", "n", "seed", "strength")
SERIES = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # a decade in steps of about a quarter
WIDE = {"description_width": "100px"}
FULL = {"width": "100%", "margin": "1px 0"}


def series(low: float, high: float, whole: bool = False) -> list:
    """Round values from low to high, ten a decade, both ends included."""
    values = {low, high}
    for power in range(-9, 5):
        values |= {float(f"{m}e{power}") for m in SERIES}
    inside = sorted(v for v in values if low <= v <= high)
    return sorted({int(v) for v in inside if v == int(v)}) if whole else [float(v) for v in inside]


def options(name: str, value) -> list:
    """The stops of a knob's slider: all of its range, 0 where allowed, and the value it has."""
    low, high = limits(ColorizeCard, name)
    if isinstance(value, int):
        small = list(range(int(low), 13)) if low < 12 else []
        stops = {*small, *series(max(low, 1), high, whole=True)}
    elif name in ("eta", "lookahead", "strength"):  # shares: even steps
        stops = {round(i / 20, 2) for i in range(round(20 * high) + 1)}
    else:
        floor = {"lam": 0.05, "beta": 0.01, "epsilon": 1e-8}.get(name, low)
        stops = {*series(floor, high), *([0.0] if low == 0 else [])}
    return sorted({*stops, value})


def stops(name: str, value) -> list | None:
    """All values that a slider or a switch offers; None for other controls."""
    if isinstance(value, bool):
        return [False, True]
    return None if isinstance(value, str) or name == "seed" else options(name, value)


def text(value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def control(name: str, value) -> w.Widget:
    """The widget of one knob; ``offer`` changes its values from Python."""
    field = ColorizeCard.model_fields[name]
    common = {"description": NAMES[name], "tooltip": explain(name), "style": WIDE, "layout": FULL}
    if isinstance(value, str):
        return w.Dropdown(options=list(field.annotation.__args__), value=value, **common)
    if name == "seed":
        low, high = limits(ColorizeCard, name)
        return w.BoundedIntText(value=value, min=low, max=high, **common)
    named = [(text(v), v) for v in stops(name, value)]
    if isinstance(value, bool):
        return w.Dropdown(options=named, value=value, **common)
    return w.SelectionSlider(options=named, value=value, continuous_update=True, **common)


def explain(name: str) -> str:
    """The card's own words on a knob: effect, unit, range."""
    field = ColorizeCard.model_fields[name]
    unit = (field.json_schema_extra or {}).get("unit", "")
    found = {type(m).__name__ for m in field.metadata}
    low, high = limits(ColorizeCard, name) if {"Ge", "Le"} <= found else (None, None)
    span = f" ({low:g} to {high:g})" if found else ""
    return f"{field.description}{', ' + unit if unit else ''}{span}"


def offer(widget: w.Widget, values, value) -> None:
    """The values that a slider or a switch may have, and the one it has. Observers are told of both
    changes, so whoever calls keeps them quiet."""
    named = tuple((text(v), v) for v in values)
    if tuple(widget.options) != named:
        with widget.hold_sync():  # one message: a hand on another slider is not disturbed
            widget.options = named
            widget.value = value
    widget.value = value


def text_of(card: ColorizeCard) -> str:
    """A card as YAML, which ``card_of`` and papermill read back."""
    return yaml.safe_dump(card.model_dump(), sort_keys=False)


def card_of(text: str) -> ColorizeCard:
    """The card that YAML text describes. Raises JGMError for text that describes none."""
    try:
        values = yaml.safe_load(text[:20_000])
    except (yaml.YAMLError, RecursionError) as error:
        line = " ".join(str(error).split())
        raise JGMError(f"card: not readable as YAML ({line[:200]})") from None
    if not isinstance(values, dict) or not all(isinstance(k, str) for k in values):
        raise JGMError("card: need lines such as `beta: 5.9`")
    return validate(ColorizeCard, values)


def read_by(sampler: str) -> tuple[str, ...]:
    """The knobs that this sampler looks at."""
    return (*COMMON, *KNOBS[sampler])


def preset_control() -> w.Dropdown:
    """The choice among the presets."""
    words = "sets the sampler, its knobs and the colour strength"
    named = {"description": "preset", "tooltip": words, "style": WIDE, "layout": FULL}
    return w.Dropdown(options=[bounds.OWN, *bounds.PRESETS], value=bounds.OWN, **named)
