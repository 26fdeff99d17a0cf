"""The experiments by name: ``run`` one, and its numbers and figure lie in a folder.

Each is a module with ``measure(card, data) -> (rows, about)``, ``table(rows)`` and ``figure(rows)``,
which lessons call too; its knobs are a card in ``experiments.cards``. NAME.json is the same on a
second run with as many threads; what the clock says is in NAME.times.json.
"""

import datetime
import importlib
import json
import shlex
from pathlib import Path

from ..errors import JGMError
from ..figures import png_bytes
from ..files import refuse_existing, replacing_set, write_bytes
from ..params import validate
from .cards import EXPERIMENTS, ExperimentCard
from .tables import versions, write_json


def card_of(name: str, values: dict, quick: bool = False) -> ExperimentCard:
    """The card of an experiment from its defaults, its quick values and those given. JGMError."""
    if name not in EXPERIMENTS:
        raise JGMError(f"experiment {name!r} is unknown; choose {', '.join(EXPERIMENTS)}")
    kind = EXPERIMENTS[name][1]
    return validate(kind, {**(kind.quick if quick else {}), **values})


def experiment(name: str):
    """The module of an experiment."""
    return importlib.import_module(f"{__package__}.{name}")


def run(name: str, card: ExperimentCard, out, data=None, force: bool = False) -> str:
    """Measure, write NAME.json, NAME.times.json and NAME.png into the folder ``out``, all or none,
    and return the table as text. Raises JGMError, before the work for files that exist unless
    ``force``."""
    names = [f"{name}{end}" for end in (".json", ".times.json", ".png")]
    refuse_existing((Path(out) / n for n in names), force)
    rows, about = experiment(name).measure(card, data)
    text, figure = experiment(name).table(rows), experiment(name).figure(rows)
    text = "\n".join([text, *about.get("notes", [])])
    head = {"experiment": name, "command": command(name, card, data), "date": today()}
    head |= {"settings": card.model_dump(), "seeds": {"all": card.seed}}
    kept, times = without_times(rows)
    with replacing_set(out, names, force) as part:
        write_json(part / names[0], kept, **head, **about, versions=versions())
        write_json(part / names[1], times, **head)
        write_bytes(part / names[2], png_bytes(figure, dpi=120))
    return text


def without_times(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    """The rows without their "seconds", and those with what tells the rows apart."""
    kept = [{k: v for k, v in r.items() if k != "seconds"} for r in rows]
    names = ("prior", "method", "column", "setting", "factor", "value", "step", "part", "sigma")
    names += ("seconds",)
    return kept, [{k: r[k] for k in names if k in r} for r in rows if "seconds" in r]


def command(name: str, card: ExperimentCard, data=None) -> str:
    """What repeats the experiment; of the data only the name."""
    words = ["jgm", "experiment", name]
    words += [] if data is None else ["--data", Path(data).name]
    changed = card.model_dump(exclude_defaults=True)
    words += [w for k, v in changed.items() for w in ("--set", f"{k}={json.dumps(v)}")]
    return shlex.join(words)


def today() -> str:
    return datetime.date.today().isoformat()
