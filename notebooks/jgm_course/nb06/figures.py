"""Lesson 06: exact conditional scores, variance step by step, and the quality / NFE curve."""

import math

import torch
from matplotlib.figure import Figure

from jgm_lib.joint import join
from jgm_lib.noise import SeededNoise, karras_sigmas
from jgm_lib.operators import from_basis, gray, gray_weights, to_basis
from jgm_lib.samplers import known_luma, project
from jgm_lib.score import GaussianDenoiser

from .bench import Bench, quality_curves, quality_figure, shares_figure, table

__all__ = ["Bench", "quality_curves", "quality_figure", "shares_figure", "table"]


# -- the exact laboratory ------------------------------------------------------------------------


def gaussian_rat(seed: int = 0, side: int = 2) -> GaussianDenoiser:
    """A Gaussian prior of tiny colour pictures (3,side,side) with a random covariance."""
    n = 3 * side * side
    A = torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mean = torch.full((3, side, side), 0.5, dtype=torch.float64)
    return GaussianDenoiser(mean, 0.02 * (A @ A.T) / n + 0.002 * torch.eye(n, dtype=A.dtype))


def blocks(rat):
    """Mean and covariance of the rat in the rotated basis, cut into luma (y) and chroma (c)."""
    pixels = rat.mean[0].numel()
    mean = to_basis(rat.mean[None]).flatten()
    C = rat.cov
    return (
        mean[:pixels],
        mean[pixels:],
        C[:pixels, :pixels],
        C[pixels:, :pixels],
        C[pixels:, pixels:],
    )


def given_luma(rat, luma):
    """Mean and covariance of the chroma given the clean luma (pixels,), by the Schur complement."""
    m_y, m_c, C_yy, C_cy, C_cc = blocks(rat)
    gain = torch.linalg.solve(C_yy, C_cy.T).T
    return m_c + gain @ (luma - m_y), C_cc - gain @ C_cy.T


def conditional_score(rat, luma, chroma, sigma):
    """grad log p_sigma(chroma | luma), exactly: chroma (2 pixels,) noisy, luma (pixels,) clean."""
    mean, cov = given_luma(rat, luma)
    noisy_cov = cov + sigma**2 * torch.eye(len(mean), dtype=mean.dtype)
    return -torch.linalg.solve(noisy_cov, chroma - mean)


def split_score(rat, luma, chroma, sigma, sigma_y):
    """The chroma part of the joint score with luma noise sigma_y, seen at the clean luma."""
    shape = rat.mean.shape
    X = from_basis(torch.cat([luma, chroma]).view(1, *shape))
    moved = to_basis(rat.denoise(X, sigma, sigma_y) - X).flatten()
    return moved[len(luma) :] / sigma**2


def luma_noise_error(rat, sigma: float, levels, seed: int = 1) -> list[float]:
    """|split score - conditional score| / |conditional score| for each sigma_y."""
    gen = torch.Generator().manual_seed(seed)
    m_y, m_c, *_ = blocks(rat)
    luma = m_y + 0.1 * torch.randn(m_y.shape, generator=gen, dtype=torch.float64)
    chroma = m_c + sigma * torch.randn(m_c.shape, generator=gen, dtype=torch.float64)
    exact = conditional_score(rat, luma, chroma, sigma)
    return [
        float((split_score(rat, luma, chroma, sigma, s) - exact).norm() / exact.norm())
        for s in levels
    ]


def slope(x, y) -> float:
    """The slope between the two ends in a log-log plot."""
    return math.log(y[-1] / y[0]) / math.log(x[-1] / x[0])


def kept_variance(
    sigmas, S: float, rule: str = "ancestral", eta: float = 1.0, lookahead: float = 1.0
) -> float:
    """The variance of a sampler's output over the true variance S, exactly, for p = N(0, S).

    The exact denoiser is x S/(S + sigma^2), so every step is a matrix on (state, last estimate) and
    fresh noise; no picture is drawn. ``rule``: "ancestral", "multistep" (the estimate extrapolated
    from the last two, by the share ``lookahead``), "heun", or "constant": fresh noise eta sigma', as DDRM and DDNM use, instead
    of eta sigma' sqrt(1 - sigma'^2/sigma^2).
    """
    P = torch.tensor([[S + sigmas[0] ** 2, 0.0], [0.0, 0.0]], dtype=torch.float64)
    for i, (s, t) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        up = 0.0 if rule == "heun" else eta * t
        up *= 1 if rule == "constant" else math.sqrt(1 - (t / s) ** 2)
        ahead = 0.0
        if rule == "multistep" and i and t:
            ahead = lookahead * math.log(s / t) / (2 * math.log(sigmas[i - 1] / s))
        M = _step_matrix(S, s, t, up, ahead, rule == "heun")
        P = M @ P @ M.T
        P[0, 0] += up**2
    return float(P[0, 0]) / S


def _step_matrix(S, s, t, up, ahead, heun):
    """(state, last estimate) before the step -> after it, without the fresh noise."""
    keep = S / (S + s * s)  # the estimate is keep times the state
    if heun:
        slope = (1 - keep) / s
        mid = 1 + (t - s) * slope
        factor = mid if t == 0 else 1 + (t - s) * (slope + mid * t / (S + t * t)) / 2
        return torch.tensor([[factor, 0.0], [keep, 0.0]], dtype=torch.float64)
    old = math.sqrt(max(0.0, t * t - up * up)) / s  # share of the state that stays
    row = [(1 - old) * (1 + ahead) * keep + old, -(1 - old) * ahead]
    return torch.tensor([row, [keep, 0.0]], dtype=torch.float64)


def few_steps(S: float, nfe) -> dict:
    """rule -> (evaluations, variance kept) on Karras levels: what ``variance_figure`` draws."""
    rows = {
        name: (list(nfe), [kept_variance(karras_sigmas(n), S, rule, eta) for n in nfe])
        for name, rule, eta in (
            ("ancestral", "ancestral", 1.0),
            ("ODE, Euler", "ancestral", 0.0),
            ("multistep", "multistep", 1.0),
            ("constant share", "constant", 1.0),
        )
    }
    half = [n // 2 for n in nfe]
    rows["ODE, Heun"] = (
        [2 * n - 1 for n in half],
        [kept_variance(karras_sigmas(n), S, "heun") for n in half],
    )
    return rows


def variance_figure(rows) -> Figure:
    """rows: name -> (list of NFE, list of kept variance)."""
    fig = Figure(figsize=(6, 2.8), layout="constrained")
    ax = fig.subplots()
    looks = (
        ("#0072B2", "-", "o"),
        ("#000000", ":", "^"),
        ("#CC79A7", "-", "v"),
        ("#009E73", "-.", "D"),
        ("#D55E00", "--", "s"),
    )
    for (name, (n, kept)), (color, style, mark) in zip(rows.items(), looks, strict=False):
        ax.semilogx(n, kept, color=color, linestyle=style, marker=mark, label=name)
    ax.axhline(1, color="0.6", linewidth=1)
    ax.set(
        xlabel="evaluations (NFE)", ylabel="variance kept", ylim=(0, 1.6), yticks=[0, 0.5, 1, 1.5]
    )
    ax.legend(fontsize=8, ncols=2)
    return fig


# -- on the trained network ----------------------------------------------------------------------


@torch.no_grad()
def guesses(model, x, sigma: float, seed: int = 0) -> dict:
    """What the network guesses of colour pictures x (B,3,H,W) at chroma noise sigma, three ways.

    "luma noisy": the same noise on all nine channels (the paper's case); "re-stacked": the gradients
    are those of the noisy picture, as Algorithm 1 stacks them; "luma clean". All get the known grey put
    in afterwards, so that only the chroma differs. name -> (B,3,H,W).
    """
    f = gray_weights()
    Y, X = known_luma(gray(x, f), model), _joint(model, x)
    z = to_basis(SeededNoise(range(seed, seed + len(x))).normal(X))
    chroma = z.clone()
    chroma[:, 0::3] = 0
    noisy = X + sigma * from_basis(z)
    seen = {
        "luma noisy": (noisy, sigma),
        "re-stacked": (join(noisy[:, :3], model.gradient_scale), sigma),
        "luma clean": (X + sigma * from_basis(chroma), 0.002),
    }
    return {k: project(model.denoise(V, sigma, s), Y, f)[:, :3] for k, (V, s) in seen.items()}


def _joint(model, x):
    from jgm_lib.losses import model_tensor

    return model_tensor(model, x)


def chroma_errors(model, x, sigmas, seed: int = 0) -> dict:
    """RMS error of each of the ``guesses`` at each sigma: name -> list."""
    found = [guesses(model, x, s, seed) for s in sigmas]
    return {k: [float((g[k] - x).square().mean().sqrt()) for g in found] for k in found[0]}


def error_figure(sigmas, errors: dict, grey: float) -> Figure:
    """``chroma_errors`` against sigma, and the error of no colour at all."""
    fig = Figure(figsize=(5.5, 2.8), layout="constrained")
    ax = fig.subplots()
    looks = ("#000000", ":", "^"), ("#D55E00", "--", "s"), ("#0072B2", "-", "o")
    for (name, row), (color, style, mark) in zip(errors.items(), looks, strict=True):
        ax.semilogx(sigmas, row, color=color, linestyle=style, marker=mark, label=name)
    ax.axhline(grey, color="0.6", linewidth=1, label="no colour at all")
    ax.set(xlabel="chroma noise sigma", ylabel="RMS error of the guess", ylim=(0, None))
    ax.legend(fontsize=8)
    return fig
