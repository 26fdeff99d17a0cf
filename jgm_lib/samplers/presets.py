"""Named settings of the samplers, each with where it comes from: values of ColorizeCard.

ColorizeCard(**presets.tempered(145), n=4)      Colorizer.colorize(photo, **presets.TEMPERED)
"""

from ..errors import JGMError
from ..ladder import epsilon_of
from ..params import ColorizeCard

PAPER = {"sampler": "langevin", **ColorizeCard(sampler="langevin").settings()}  # as printed
PAPER.pop("boundary")  # the edges are anybody's choice
AUTHORS_LSUN = {**PAPER, "feedback": "none"}  # their code: bedroom, church
AUTHORS_COCO = {**AUTHORS_LSUN, "epsilon": 3.114e-5}

SHARE = 0.9  # h, how far a step goes to the denoised state; chosen by benchmarks/temper_settings.py
SIGMA_1 = 20.0  # intensity: the largest in training (two chromas lie up to 41 apart)


def tempered(nfe: int, share: float = SHARE) -> dict:
    """Algorithm 1 in ``nfe`` evaluations, each the consistent step to a new level.

    As many levels as there are evaluations, from the largest sigma of the training down, lambda
    such that a step renews the luma noise whole (1 - h (1 + lambda) = 0), denoised end. ``share``
    is h, a temperature: the chain tends to 1 - h/2 of the posterior's variance, so a smaller one is
    more colourful and farther from the truth; where two levels are farther apart than it reaches,
    the ancestral share is taken. Raises JGMError for nfe outside 2 to 1000 or h outside (0, 1].
    """
    if isinstance(nfe, bool) or not isinstance(nfe, int) or not 2 <= nfe <= 1000:
        raise JGMError(f"nfe={nfe!r}: need a whole number from 2 to 1000")
    if not 0 < share <= 1:
        raise JGMError(f"share={share}: need a number above 0, at most 1")
    kept = (0.01 / SIGMA_1) ** (1 / (nfe - 1))  # sigma'/sigma
    share = max(share, 1 - kept**2)
    return {
        **PAPER,
        **dict(sigma_1=SIGMA_1, L=nfe, T=1, epsilon=epsilon_of(share, 0.01)),
        **dict(lam=1 / share - 1, beta=1.0, feedback="none"),
        **dict(consistent=True, final_denoise=True),
    }


TEMPERED = tempered(145)
NAMED = {
    "as printed": PAPER,
    "authors, LSUN": AUTHORS_LSUN,
    "authors, COCO": AUTHORS_COCO,
    "tempered": TEMPERED,
}
