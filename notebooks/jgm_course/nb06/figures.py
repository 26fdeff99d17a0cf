"""Lesson 06: an exact prior, variance step by step, and the figures."""

import math

import torch
from matplotlib.figure import Figure

from jgm_lib.operators import to_basis
from jgm_lib.score import GaussianDenoiser

from .bench import Bench, causes_figure, quality_figure, table

__all__ = ["Bench", "causes_figure", "quality_figure", "table"]


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


def error_figure(sigmas, errors: dict, grey: float) -> Figure:
    """RMS error of each guess, name -> list, against sigma, and the error of no colour at all."""
    fig = Figure(figsize=(5.5, 2.8), layout="constrained")
    ax = fig.subplots()
    looks = ("#000000", ":", "^"), ("#D55E00", "--", "s"), ("#0072B2", "-", "o")
    for (name, row), (color, style, mark) in zip(errors.items(), looks, strict=True):
        ax.semilogx(sigmas, row, color=color, linestyle=style, marker=mark, label=name)
    ax.axhline(grey, color="0.6", linewidth=1, label="no colour at all")
    ax.set(xlabel="chroma noise sigma", ylabel="RMS error of the guess", ylim=(0, None))
    ax.legend(fontsize=8)
    return fig
