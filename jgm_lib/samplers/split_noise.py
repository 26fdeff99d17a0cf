"""Split noise levels: anneal the chroma alone, the luma clean."""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch

from ..errors import JGMError
from ..operators import from_basis, to_basis
from ..settings import SplitSettings
from .common import State, check_finite, seen_by, state, step_to


class _Conditional:
    """The chroma denoiser of p(colour | grey): luma channels clean, chroma channels at sigma."""

    def __init__(self, model, seen, sigma_y):
        self.model, self.seen, self.sigma_y = model, seen, sigma_y
        self.chroma = [c for c in range(seen.domain.channels) if c % 3]
        self.knows_gray = getattr(model, "any_gray", False)  # takes the photograph under any F

    def state(self, V, clean):
        """Chroma V (B,2G,H,W) and the clean chroma estimate -> X (B,3G,H,W), RGB layout.

        The mean of a colour is its grey minus the weights' share of its chroma; for equal
        weights that share is zero. For other F this is approximate where the network knew one F.
        """
        return self._with_mean(V, -self.seen.error(self._with_mean(clean, 0.0)))

    def _with_mean(self, V, mean):
        """Chroma V (B,2G,H,W) and the mean of the three colours (B,G,H,W) -> X, RGB layout."""
        B, _, H, W = V.shape
        U = V.new_zeros(B, self.seen.domain.channels, H, W)
        U[:, self.chroma] = V
        U[:, 0::3] = math.sqrt(3) * mean
        return from_basis(U)

    def __call__(self, V, sigma, clean):
        """E[chroma | chroma + sigma z, grey]; ``clean`` is the last estimate, for the mean."""
        X = self._with_mean(V, self.seen.Y) if self.knows_gray else self.state(V, clean)
        return to_basis(self.model.denoise(X, sigma, self.sigma_y))[:, self.chroma]


def split(model, seen, noise, **settings) -> Iterator[State]:
    """Anneal the chroma noise alone, the luma channels clean: draws from p(colour | grey), up to the
    errors of the network and of few steps; ``lookahead`` below 1 draws paler.

    Two noise speeds after Batzolis et al. 2021 (arXiv 2111.13606). ``settings``: the fields of
    ``SplitSettings``. ``solver``: "ancestral" (one evaluation a step; ``eta`` 1 fresh noise, 0 Euler
    on the ODE); "multistep" the same with the estimate extrapolated from the last two (DPM-Solver++
    2M, Lu et al. 2022), which keeps more variance at few steps, by the share ``lookahead`` (0 is
    "ancestral", 1 the whole); "heun" (probability-flow ODE, two evaluations a step but one in the
    last). ``beta`` > 0 fuses the output by Eq 14. Exact for the F of the training set; others are
    approximate before the final projection.
    """
    s = SplitSettings(**settings)
    seen, sigmas = seen_by(model, seen, s), s.sigmas()
    check_luma(seen.domain)
    D = _Conditional(model, seen, s.sigma_y)
    V = sigmas[0] * noise.normal(seen.like[:, D.chroma])
    clean, nfe = torch.zeros_like(V), 0
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        last, clean, nfe = clean, D(V, sigma, clean), nfe + 1
        if s.solver == "heun":
            V, used = _heun_step(D, V, clean, sigma, sigma_next)
            nfe += used
        else:
            ahead = clean
            if s.solver == "multistep" and i and sigma_next:
                amid = _extrapolate(clean, last, sigmas[i - 1], sigma, sigma_next)
                ahead = torch.lerp(clean, amid, s.lookahead)
            V = step_to(ahead, ahead, V, sigma, sigma_next, s.eta, noise)
        x = seen.domain.picture(D.state(clean, clean), s.beta)
        check_finite(V, x, step=i + 1, sigma=f"{sigma:.4g}")
        yield state(D.state(V, clean), seen.finish(x), seen, sigma, i + 1, nfe)


def check_luma(domain) -> None:
    if not domain.rotates:
        raise JGMError(
            f"sampler split: domain {domain.name!r} has no luma channel to keep clean; "
            "choose another sampler"
        )


def _extrapolate(clean, last, sigma_last, sigma, sigma_next):
    """The estimate amid the coming step, on a line in ln sigma through the last two estimates."""
    coming, past = math.log(sigma / sigma_next), math.log(sigma_last / sigma)
    return clean + coming / (2 * past) * (clean - last)


def _heun_step(D, V, clean, sigma, sigma_next):
    """One Heun step of dV/dsigma = (V - D)/sigma (Karras et al. 2022, Algorithm 1)."""
    slope = (V - clean) / sigma
    ahead = V + (sigma_next - sigma) * slope
    if sigma_next == 0:
        return ahead, 0
    slope_ahead = (ahead - D(ahead, sigma_next, clean)) / sigma_next
    return V + (sigma_next - sigma) * (slope + slope_ahead) / 2, 1
