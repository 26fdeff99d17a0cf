"""Lesson 07: the stored results of experiments read back, and the columns of Fig 9."""

import json
from pathlib import Path

from jgm_lib.experiments.cards import AblationCard
from jgm_lib.experiments.factors import AUTHORS, bases

FOLDER = Path(__file__).parents[3] / "docs" / "results"


def stored(name: str) -> dict:
    """What ``jgm experiment`` wrote: docs/results/NAME.json."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def row(found: dict, setting: str, factor: str, value) -> dict:
    """One row of ``ablation``."""
    wanted = (setting, factor, value)
    return next(r for r in found["rows"] if (r["setting"], r["factor"], r["value"]) == wanted)


def told(three, digits: int = 2) -> str:
    """A difference with its interval, as text."""
    return "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*three, d=digits)


def optima(found: dict) -> str:
    """The sweeps of ``ablation``, a line a factor and setting: the value of least colour difference
    on these pictures and those that cannot be told from it."""
    lines = []
    sweeps = dict.fromkeys(
        (r["factor"], r["setting"])
        for r in found["rows"]
        if r["factor"] and not isinstance(r["value"], str)
    )
    for factor, setting in sweeps:
        own = [r for r in found["rows"] if (r["factor"], r["setting"]) == (factor, setting)]
        best = next(r["value"] for r in own if r.get("optimum"))
        ties = [f"{r['value']:.3g}" for r in own if r.get("tied") and not r["optimum"]]
        out = [f"{r['value']:.3g}" for r in own if r["diverged"]]
        text = f"{factor:17s} {setting:9s} least at {best:.3g}"
        text += f"; not told from it: {', '.join(ties)}" if ties else ""
        lines.append(text + (f"; unstable: {', '.join(out)}" if out else ""))
    return "\n".join(lines)


def fig_nine(bench, T: int, nfe: int) -> dict:
    """The columns of Fig 9 for the scenes of a ``Bench``, at both settings of ``ablation``, T steps
    a level of the one and nfe evaluations of the other: label -> pictures (B,3,H,W)."""
    shown = {"grey": bench.y.expand(-1, 3, -1, -1)}
    for setting, base in bases(AblationCard(T=T, nfe=nfe)).items():
        name = "code" if setting == AUTHORS else "temper"
        for label, change in (("no DC2", {"lam_grad": 0.0}), ("JGM", {})):
            shown[f"{label}, {name}"] = bench.run("langevin", **base, **change).x
    return shown | {"truth": bench.batch.images}
