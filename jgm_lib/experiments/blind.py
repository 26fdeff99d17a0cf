"""Fig 10 and Section V.C as numbers: blind colorization, what a wrong F and what a film costs.

Every picture is grayed by each F and coloured as if each had been the one; then photographed on a
simulated film and aged (``data.film``, ``data.aging``), for which F is the least of the troubles. At
last F is guessed from the results (``graying``). Without ``data`` on ToyScenes. All at the prior's
size and with the same noise for a picture, so differences are paired.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure

from ..colorize import Colorizer
from ..constraint import Observation
from ..data.aging import photographed
from ..data.film import film_response, film_weights, tone_inverse
from ..data.toy import admissible_share
from ..errors import JGMError
from ..figures import line, panels
from ..metrics import bootstrap_interval, ciede2000, paired_difference
from ..noise import SeededNoise, version_seeds
from ..operators import gray
from ..samplers import SAMPLERS
from ..settings import compared
from .bench import score
from .cards import BlindCard
from .coverage import landscapes
from .graying import calibrated, denoising_loss, guessed, rolls
from .methods import reduced
from .sources import Pictures

FIRST = 9 * 10**6  # landscapes that no training and no lesson shows
CURVE = {"gamma": 1.2, "toe": 0.5, "shoulder": 0.5}  # the film's, as in lesson 10
PAIRED = ("psnr", "chroma_psnr", "delta_e", "colourfulness", "admissible", "replica")


@dataclass(frozen=True)
class Case:
    """Photographs y (N,1,S,S) of the truth (N,3,S,S), ``made`` in some way, and the F assumed."""

    made: str
    truth: torch.Tensor
    y: torch.Tensor
    assumed: tuple[str, ...]


def measure(card: BlindCard, data=None) -> tuple[list[dict], dict]:
    """The rows; weights, pictures and, by prior and sampler, how well F is guessed. ``data``: a
    folder or packed set; None for ToyScenes. Raises JGMError."""
    check(card)
    colorizers = {name: colorizer_of(name, paths) for name, paths in card.weights.items()}
    side = next(iter(colorizers.values())).seen_side
    pictures, labels = subject_of(card, side, data)
    rows, guesses, cases = [], [], cases_of(pictures.truth, card)
    for name, colorizer in colorizers.items():
        for way in card.ways:
            drawn = Drawn(colorizer, way, card, pictures.keys, labels)
            values, losses, own = drawn.all(cases)
            rows += [{"prior": name, "method": way, **r} for r in rows_of(values, own, card.seed)]
            guesses.append({"prior": name, "method": way, **guesses_of(losses, card)})
    sha = {name: c.card["sha256"] for name, c in colorizers.items()}
    return rows, {"weights": sha, "guesses": guesses, **pictures.about()}


def check(card: BlindCard) -> None:
    """JGMError for an F, a film or a sampler that there is not."""
    for name in (*card.grays, *card.films):
        film_weights(name)
    for way in card.ways:
        if way not in SAMPLERS:
            raise JGMError(f"ways: {way!r} is unknown; choose {', '.join(SAMPLERS)}")


def colorizer_of(name: str, paths: list[str]) -> Colorizer:
    """Raises JGMError for several trainings, and for weights that are no prior."""
    if len(paths) != 1:
        raise JGMError(f"weights {name!r}: given {len(paths)} times; blind takes one each")
    return Colorizer.from_pretrained(paths[0])


def subject_of(card: BlindCard, side: int, data=None):
    """The pictures, and of landscapes the labels."""
    if data is not None:
        return Pictures.of(data, side, card.pictures), None
    truth, labels = landscapes(side, card.pictures, FIRST + card.seed)
    return Pictures.of_truth(truth), labels


def cases_of(truth: torch.Tensor, card: BlindCard) -> list[Case]:
    """Every F with every F; each film as it is and with its curve undone; worn photographs."""
    grays = tuple(card.grays)
    cases = [Case(f, truth, gray(truth, film_weights(f).to(truth)), grays) for f in grays]
    for film in card.films:
        y = film_response(truth, card.seed, f=film, grain=0.02, **CURVE)
        undone = tone_inverse(y.double(), **CURVE).to(y)
        both = tuple(dict.fromkeys((grays[0], film)))
        cases += [Case(f"{film} film", truth, y, both)]
        cases += [Case(f"{film} film, curve undone", truth, undone, both)]
    toned, worn = photographed(
        truth, torch.Generator().manual_seed(card.seed), any_gray=0.0, aged=1.0
    )
    return [*cases, Case("aged", toned, worn.clamp(0, 1), grays[:1])]


@dataclass
class Drawn:
    """Colourings of the cases by one prior and sampler; of landscapes with ``labels``."""

    colorizer: Colorizer
    way: str
    card: BlindCard
    keys: list[int]
    labels: torch.Tensor | None

    def all(self, cases: list[Case]) -> tuple[dict, np.ndarray, dict]:
        """(made, assumed) -> metric -> (N,); the losses (made,assumed,N) of the plain F; and what
        the rows of a case have besides."""
        values, own, losses, plain = {}, {}, [], len(self.card.grays)
        for k, case in enumerate(cases):
            for f in case.assumed:
                start = time.monotonic()
                x, nfe = self.colours(case.y, f)
                seconds = (time.monotonic() - start) / len(x) / self.card.n
                own[case.made, f] = {"nfe": nfe, "seconds": seconds}
                values[case.made, f] = self.scores(x, case, f)
                if k < plain:
                    losses.append(self.loss(x))
        return values, np.stack(losses).reshape(plain, plain, -1), own

    @torch.no_grad()
    def colours(self, y: torch.Tensor, f: str) -> tuple[torch.Tensor, int]:
        """Versions (N,n,3,s,s) of photographs y (N,1,S,S), as if y = F x, and the evaluations."""
        parts = []
        for i in range(0, len(y), self.card.batch):
            own = slice(i, i + self.card.batch)
            state = self.last(y[own], self.keys[own], film_weights(f))
            parts.append(state.x.float().cpu().unflatten(0, (-1, self.card.n)))
        return torch.cat(parts), state.nfe

    def last(self, y, keys, f):
        """The sampler's last state for photographs y (B,1,S,S)."""
        side, n = self.colorizer.side, self.card.n
        model = self.colorizer.seeing(y, side, side, n)
        small = reduced(y, side).repeat_interleave(n, 0).to(self.colorizer.device)
        noise = SeededNoise(version_seeds(self.card.seed, n, keys))
        settings = compared(self.way, steps=self.card.steps)
        for state in SAMPLERS[self.way](model, Observation(small, f), noise, **settings):
            pass
        return state

    def scores(self, x: torch.Tensor, case: Case, f: str) -> dict:
        """Metric -> (N,), means over the versions; "replica": dE2000 of no colours at all."""
        side = self.colorizer.side
        truth, y = reduced(case.truth, side), reduced(case.y, side)
        each = [score(v, truth, y, film_weights(f)) for v in x.unbind(1)]
        found = {k: np.mean([e[k] for e in each], axis=0) for k in each[0]}
        found["replica"] = ciede2000(y.expand_as(truth), truth)
        if self.labels is not None:
            labels = self.labels.repeat_interleave(x.shape[1], 0)
            share = admissible_share(x.flatten(0, 1), labels, per="pixel")
            found["admissible"] = share.view(len(x), -1).mean(1).numpy()
        return found

    def loss(self, x: torch.Tensor) -> np.ndarray:
        """(N,): the mean denoising loss of the versions of each picture."""
        model, card = self.colorizer.model, self.card
        return np.mean(
            [denoising_loss(model, v, self.keys, card.levels, card.seed) for v in x.unbind(1)],
            axis=0,
        )


# -- numbers -----------------------------------------------------------------------------------


def rows_of(values: dict, own: dict, seed: int) -> list[dict]:
    """{metric: [mean, low, high]} a case, and "cost": of a wrong F over the right one, of films and
    age over the clean photograph under the first F, picture by picture."""
    clean = next(iter(values))
    rows = []
    for (made, assumed), found in values.items():
        row = {"made": made, "assumed": assumed, **own[made, assumed], "n": len(found["psnr"])}
        for key, v in found.items():
            row[key] = [float(v.mean()), *bootstrap_interval(v, seed=seed)]
        right = (made, made) if (made, made) in values else clean
        if right != (made, assumed):
            keys = [k for k in PAIRED if k in found]
            cost = {k: [*paired_difference(found[k], values[right][k], seed)] for k in keys}
            row["cost"] = {"minus": list(right), **cost}
        rows.append(row)
    return rows


def guesses_of(losses: np.ndarray, card: BlindCard) -> dict:
    """The mean losses (made,assumed), and how well they guess as they are and calibrated: single
    pictures, and rolls where there are enough pictures for one."""
    found: dict = {"loss": losses.mean(-1).tolist()}
    for name, own in (("as it is", losses), ("calibrated", calibrated(losses))):
        found[name] = {"single": guessed(own, card.grays)}
        if losses.shape[-1] >= card.roll:
            found[name]["roll"] = guessed(rolls(own, card.roll, card.seed), card.grays)
    return found


# -- to read -----------------------------------------------------------------------------------


def table(rows: list[dict]) -> str:
    """The rows as text; the costs of a wrong F, of a film and of age beside them."""
    head = f"{'prior':10s} {'method':10s} {'made by':32s} {'assumed':15s} {'PSNR':>6s} "
    head += f"{'dE2000':>6s} {'grey':>6s} {'colour':>6s} {'cost in dE2000, 95 %':>24s} "
    lines = [head + f"{'in the grey':>12s}" + (" admissible" if "admissible" in rows[0] else "")]
    for r in rows:
        text = f"{r['prior']:10s} {r['method']:10s} {r['made']:32s} {r['assumed']:15s} "
        text += f"{r['psnr'][0]:6.2f} {r['delta_e'][0]:6.2f} {r['replica'][0]:6.2f} "
        text += f"{r['colourfulness'][0]:6.1f} {cost_text(r, 'delta_e'):>24s} "
        text += f"{r['cost']['replica'][0] if 'cost' in r else 0:+12.2f}"
        lines.append(text + (f" {r['admissible'][0]:10.2f}" if "admissible" in r else ""))
    return "\n".join(lines)


def cost_text(row: dict, key: str) -> str:
    if "cost" not in row:
        return ""
    mean, low, high = row["cost"][key]
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def figure(rows: list[dict]) -> Figure:
    """The cost in dE2000 of every case with one, a line a case, a colour a prior and sampler."""
    costly = [r for r in rows if "cost" in r]
    cases = list(dict.fromkeys((r["made"], r["assumed"]) for r in costly))
    ways = list(dict.fromkeys((r["prior"], r["method"]) for r in costly))
    fig, axis = panels(1, 1, 7.0, 0.26 * len(cases) + 1)
    for k, way in enumerate(ways):
        own = [r for r in costly if (r["prior"], r["method"]) == way]
        at = [-cases.index((r["made"], r["assumed"])) - 0.18 * k for r in own]
        mean, low, high = np.transpose([r["cost"]["delta_e"] for r in own])
        style = line(k, markers=True) | {"linestyle": "none", "label": ", ".join(way)}
        axis.errorbar(mean, at, xerr=np.abs([mean - low, high - mean]), capsize=2, **style)
    axis.axvline(0, color="0.6", linewidth=1)
    axis.set_yticks([-i for i in range(len(cases))], [f"{m}, taken for {a}" for m, a in cases])
    axis.set(xlabel="cost in dE2000, 95 % over pictures")
    axis.legend(fontsize=8)
    return fig
