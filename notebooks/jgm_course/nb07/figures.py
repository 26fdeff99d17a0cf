"""Lesson 07: exact Gaussian laws of Algorithm 1, joint or divided, and sweeps with a known truth."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from jgm_lib.baselines import Sampled
from jgm_lib.constraint import Observation
from jgm_lib.data.toy import ToyScenes, admissible_share
from jgm_lib.divide import Divided
from jgm_lib.experiments.paper import TABLE_III
from jgm_lib.experiments.sources import Pictures
from jgm_lib.joint import join
from jgm_lib.metrics import bootstrap_interval, ciede2000, colourfulness, psnr
from jgm_lib.noise import sigma_ladder, step_sizes, version_seeds
from jgm_lib.operators import gray, gray_weights
from jgm_lib.score import GaussianDenoiser
from jgm_lib.settings import compared

from ..plots import line, panels

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "gradients-scenes-64.json"

# -- the exact laboratory ------------------------------------------------------------------------


class Law(NamedTuple):
    """A Gaussian: mean (D,), covariance (D,D)."""

    mean: torch.Tensor
    cov: torch.Tensor


class Rat:
    """A Gaussian prior of tiny colour pictures, and the exact priors of its gradients.

    ``side`` pixels a side; colours correlated like those of photographs, neighbours alike within
    about ``reach`` pixels. ``joint`` denoises nine channels, ``divided`` three and six apart.
    """

    def __init__(
        self, side: int = 4, reach: float = 1.5, variance: float = 0.05, scale: float = 1.0
    ):
        self.side, self.f = side, gray_weights()
        at = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
        near = torch.exp(-torch.cdist(at, at).square() / 2 / reach**2)
        colours = torch.tensor([[1, 0.8, 0.5], [0.8, 1, 0.75], [0.5, 0.75, 1]], dtype=at.dtype)
        D = 3 * side**2
        cov = variance * (torch.kron(colours, near) + 0.02 * torch.eye(D).double())
        self.law = Law(torch.full((D,), 0.5).double(), cov)
        J = join(torch.eye(D).double().view(D, 3, side, side), scale).flatten(1).T  # (3D,D)
        mean, cov9 = (J @ self.law.mean).view(9, side, side), J @ cov @ J.T
        self.joint = GaussianDenoiser(mean, cov9, scale)
        self.divided = Divided(
            GaussianDenoiser(mean[:3], cov9[:D, :D], scale),
            GaussianDenoiser(mean[3:], cov9[D:, D:], scale),
        )

    def truth(self, seed: int = 0):
        """A picture (1,3,S,S) of the prior and its grey (1,1,S,S)."""
        g = torch.Generator().manual_seed(seed)
        z = torch.randn(len(self.law.mean), generator=g, dtype=torch.float64)
        x = self.law.mean + torch.linalg.cholesky(self.law.cov) @ z
        x = x.view(1, 3, self.side, self.side)
        return x, gray(x, self.f)

    def posterior(self, y) -> Law:
        """The law of x given F x = y, exactly."""
        D = len(self.law.mean)
        F = gray(torch.eye(D).double().view(D, 3, self.side, self.side), self.f).flatten(1).T
        gain = torch.linalg.solve(F @ self.law.cov @ F.T, F @ self.law.cov).T
        mean = self.law.mean + gain @ (y.flatten() - F @ self.law.mean)
        return Law(mean, self.law.cov - gain @ F @ self.law.cov)


def affine(function, shape):
    """(M, c) with function(v) = M v + c on float64 tensors (B,*shape): zero and the unit vectors."""
    D = int(np.prod(shape))
    probes = torch.cat([torch.zeros(1, D), torch.eye(D)]).double()
    out = function(probes.view(-1, *shape)).flatten(1)
    return (out[1:] - out[0]).T, out[0]


def chain_law(
    model, y, f, *, sigma_1=1.0, sigma_L=0.01, L=10, T=100, epsilon=5.4e-6, lam=1.0, lam_grad=None
) -> Law:
    """The law of X after Algorithm 1 with feedback "none" on a Gaussian score: no sampling.

    A step is affine in X, so mean and covariance follow by X <- M X + c + sqrt(alpha) z.
    """
    shape, seen = (model.channels, *y.shape[-2:]), Observation(y, f).within(model.domain)
    pull = y.new_full((model.channels, 1, 1), lam if lam_grad is None else lam_grad)
    pull[:3] = lam
    D = int(np.prod(shape))
    eye = torch.eye(D).double()
    mean, cov = torch.zeros(D).double(), eye * 4 / 12  # uniform in [-1,1]
    sigmas = sigma_ladder(sigma_1, sigma_L, L)
    for sigma, alpha in zip(sigmas, step_sizes(sigmas, epsilon), strict=True):

        def drift(X, sigma=sigma):
            off = pull * seen.pull(X)
            return (model.denoise(X, sigma) - X - off) / sigma**2

        A, b = affine(drift, shape)
        M, c, Q = repeat((eye + alpha / 2 * A, alpha / 2 * b, alpha * eye), T)
        mean, cov = M @ mean + c, M @ cov @ M.T + Q
    return Law(mean, cov)


def repeat(step, n: int):
    """n times the affine step (M, c, Q): mean <- M mean + c, cov <- M cov M^T + Q, by doubling."""
    if n == 1:
        return step
    M, c, Q = repeat(step, n // 2)
    M, c, Q = M @ M, M @ c + c, M @ Q @ M.T + Q
    if n % 2:
        M1, c1, Q1 = step
        M, c, Q = M1 @ M, M1 @ c + c1, M1 @ Q @ M1.T + Q1
    return M, c, Q


def picture_law(law: Law, model, side: int, beta: float) -> Law:
    """The law of the fused picture (Eq 14)."""
    M, c = affine(lambda X: model.domain.picture(X, beta), (9, side, side))
    return Law(M @ law.mean + c, M @ law.cov @ M.T)


def chroma_part(law: Law, side: int) -> Law:
    """What is left of a picture's law without its grey, which every sampler puts right at the end."""
    M, _ = affine(lambda x: x - x.mean(1, keepdim=True), (3, side, side))
    return Law(M @ law.mean, M @ law.cov @ M.T)


def root(C):
    """The symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh((C + C.T) / 2)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def wasserstein(a: Law, b: Law) -> float:
    """Wasserstein-2 distance of two Gaussians, a number in the unit of the pixels (RMS)."""
    half = root(a.cov)
    cross = root(half @ b.cov @ half)
    d2 = (a.mean - b.mean).square().sum() + torch.trace(a.cov + b.cov - 2 * cross)
    return float((d2.clamp(min=0) / len(a.mean)).sqrt())


def joint_covariance(rat: Rat):
    """(9 S S, 9 S S) covariance of X = [x, gradients] under the rat."""
    J, _ = affine(lambda x: join(x, rat.joint.gradient_scale), (3, rat.side, rat.side))
    return J @ rat.law.cov @ J.T


# -- sweeps with a known truth -------------------------------------------------------------------


class Bench:
    """Toy scenes, whose admissible colours are known: ``run`` a sampler, ``measure`` a picture."""

    def __init__(self, model, scenes: int, seed: int, size: int = 32):
        self.model, self.f, self.nfe = model, gray_weights(), 0
        self.batch = ToyScenes(size).sample(scenes, 4 * 10**6 + seed)
        pictures = Pictures.of_truth(self.batch.images)
        self.y, self.seeds = pictures.y, version_seeds(seed, 1, pictures.keys)

    def run(self, name: str, **settings):
        """The last State of a sampler on all scenes."""
        for state in Sampled(self.model, name, compared(name, **settings)).states(
            self.y, self.seeds
        ):
            pass
        self.nfe += state.nfe
        return state

    def measure(self, x) -> dict:
        """Means over the scenes: single draws, no choosing. "interval": of the admissible share, 95 %."""
        truth = self.batch.images
        share = admissible_share(x, self.batch.labels, per="pixel").numpy()
        return {
            "psnr": float(psnr(x, truth).mean()),
            "delta_e": float(ciede2000(x, truth).mean()),
            "admissible": float(share.mean()),
            "interval": bootstrap_interval(share),
            "colour": float(colourfulness(x).mean() / colourfulness(truth).mean()),
        }

    def luma_gap(self, X, beta: float) -> float:
        """RMS |F x - y| of the fused picture before the last projection puts it right."""
        return Observation(self.y, self.f).residual(self.model.domain.picture(X, beta))


def text_table(rows: dict, first: str = "") -> str:
    """Rows of ``Bench.measure`` as text."""
    lines = [f"{first:28s} {'PSNR':>6s} {'dE2000':>7s} {'admissible, 95 %':>20s} {'colour':>7s}"]
    for name, r in rows.items():
        share = f"{r['admissible']:.2f} ({r['interval'][0]:.2f} to {r['interval'][1]:.2f})"
        lines.append(
            f"{name:28s} {r['psnr']:6.2f} {r['delta_e']:7.1f} {share:>20s} {r['colour']:7.2f}"
        )
    return "\n".join(lines)


def sweep_figure(curves: dict, xlabel: str, grey: dict) -> Figure:
    """Delta E 2000 and admissible share against a knob: name -> (values, rows), values in steps."""
    fig, axes = panels(1, 2, 3.6, 2.7)
    labels = (("delta_e", "colour difference dE2000"), ("admissible", "admissible pixels, share"))
    ticks = sorted({v for values, _ in curves.values() for v in values})
    for axis, (key, label) in zip(axes, labels, strict=True):
        for k, (name, (values, rows)) in enumerate(curves.items()):
            at = [ticks.index(v) for v in values]
            axis.plot(at, [r[key] for r in rows], label=name, **line(k, markers=True))
            if key == "admissible":
                low, high = zip(*(r["interval"] for r in rows), strict=True)
                axis.vlines(np.add(at, 0.06 * k), low, high, color=line(k)["color"], linewidth=1)
        axis.axhline(grey[key] if key == "delta_e" else 1.0, color="0.6", linewidth=1)
        axis.set(xlabel=xlabel, ylabel=label, ylim=(0, None))
        axis.set_xticks(range(len(ticks)), [f"{v:g}" for v in ticks])
    axes[0].legend(fontsize=8)
    return fig


def table_iii_figure() -> Figure:
    """Table III of the paper as bars: PSNR and SSIM of JGM-divide and JGM on four sets."""
    fig, axes = panels(1, 2, 4.2, 2.7)
    for axis, column, label, low in zip(axes, (0, 1), ("PSNR dB", "SSIM"), (14, 0.6), strict=True):
        for k, (name, hatch) in enumerate((("divide", ""), ("JGM", "//"))):
            values = [row[name][column] for row in TABLE_III.values()]
            at = np.arange(len(values)) + 0.38 * k
            style = dict(color=line(k)["color"], edgecolor="black", hatch=hatch)
            axis.bar(at, values, 0.36, label=f"JGM{'-divide' if name == 'divide' else ''}", **style)
        axis.set_xticks(np.arange(4) + 0.19, list(TABLE_III))
        axis.set(ylabel=label, ylim=(low, None))
    axes[0].legend(fontsize=8)
    return fig
