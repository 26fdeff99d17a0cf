"""One control for each knob of the card, its range and explanation taken from the card itself; and
the card as text."""

import ipywidgets as w
import yaml

from ..errors import JGMError
from ..params import KNOBS, ColorizeCard, limits, validate
from ..samplers import presets

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
OWN = "your own"  # settings that are no preset
NAMES |= {k: k for knobs in KNOBS.values() for k in knobs if k not in NAMES}
COMMON = ("sampler", "gray", "border", "n", "seed", "strength")
SERIES = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # a decade in steps of about a quarter
WIDE = {"description_width": "86px"}
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
    elif (low, high) == (0, 1):
        stops = {round(i / 20, 2) for i in range(21)}
    else:
        floor = {"lam": 0.05, "beta": 0.01, "epsilon": 1e-8}.get(name, low)
        stops = {*series(floor, high), *([0.0] if low == 0 else [])}
    return sorted({*stops, value})


def text(value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def control(name: str, value) -> w.Widget:
    """The widget of one knob; ``set_value`` changes it from Python."""
    field = ColorizeCard.model_fields[name]
    common = {"description": NAMES[name], "tooltip": explain(name), "style": WIDE, "layout": FULL}
    if isinstance(value, bool):
        return w.Dropdown(options=[("off", False), ("on", True)], value=value, **common)
    if isinstance(value, str):
        return w.Dropdown(options=list(field.annotation.__args__), value=value, **common)
    if name == "seed":
        low, high = limits(ColorizeCard, name)
        return w.BoundedIntText(value=value, min=low, max=high, **common)
    stops = [(text(v), v) for v in options(name, value)]
    return w.SelectionSlider(options=stops, value=value, continuous_update=True, **common)


def explain(name: str) -> str:
    """The card's own words on a knob: effect, unit, range."""
    field = ColorizeCard.model_fields[name]
    unit = (field.json_schema_extra or {}).get("unit", "")
    found = {type(m).__name__ for m in field.metadata}
    low, high = limits(ColorizeCard, name) if {"Ge", "Le"} <= found else (None, None)
    span = f" ({low:g} to {high:g})" if found else ""
    return f"{field.description}{', ' + unit if unit else ''}{span}"


def set_value(widget: w.Widget, value) -> None:
    """Put a value into a control; a slider gets a new stop if it had none there."""
    if isinstance(widget, w.SelectionSlider) and value not in [v for _, v in widget.options]:
        values = sorted({*(v for _, v in widget.options), value})
        widget.options = [(text(v), v) for v in values]
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


def preset_of(card: ColorizeCard) -> str:
    """The name of the preset of Algorithm 1 that the card's settings are, or OWN."""
    for name, values in presets.NAMED.items():
        if all(getattr(card, k) == v for k, v in values.items()):
            return name
    return OWN


def preset_control() -> w.Dropdown:
    """The choice among the presets of Algorithm 1."""
    words = "sets the knobs below: Algorithm 1 as printed, as in the authors' code, well tempered"
    named = {"description": "preset", "tooltip": words, "style": WIDE, "layout": FULL}
    return w.Dropdown(options=[OWN, *presets.NAMED], value=OWN, **named)


def read_by(sampler: str) -> tuple[str, ...]:
    """The knobs that this sampler looks at."""
    return (*COMMON, *KNOBS[sampler])


def remark_on(card: ColorizeCard) -> str:
    """What one should know before moving a slider: why Algorithm 1 as printed paints rainbows."""
    if card.sampler != "langevin" or card.feedback != "level" or card.consistent:
        return ""
    return (
        "Expect rainbows: with feedback <i>level</i> the gradients are taken from the noisy picture, "
        "and their noise, louder and dependent, is none that the network saw in training (lesson 06). "
        "<i>none</i> and <i>renoise</i> paint none, nor does the preset <i>tempered</i>."
    )
