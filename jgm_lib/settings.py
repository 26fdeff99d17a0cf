"""What each sampler can be told: names, defaults and limits, in one place and without torch.

The samplers take these fields as keyword arguments, the cards read their defaults, and both are
checked here: what a card lets through, its sampler runs.
"""

from dataclasses import dataclass
from typing import ClassVar

from .errors import JGMError
from .ladder import check_consistent, share_of
from .noise import check_stability, karras_sigmas, sigma_ladder

FEEDBACK = ("none", "level", "step", "renoise")
SOLVERS = ("ancestral", "multistep", "heun")


def check_ratio(**values) -> None:
    """JGMError unless each number lies from 0 to its top: ``eta=(0.5, 1)``."""
    for name, (value, top) in values.items():
        if not 0 <= value <= top:
            raise JGMError(f"{name}={value}: need a number from 0 to {top:g}")


@dataclass(frozen=True)
class NullspaceSettings:
    """Of ``nullspace``; the other fast samplers have these too. ``knobs``: those on the card."""

    knobs: ClassVar = ("steps", "eta", "sigma_max", "sigma_min")

    steps: int = 20  # noise levels
    sigma_max: float = 60.0  # the first, intensity
    sigma_min: float = 0.03  # the last, intensity
    rho: float = 7.0  # how they are spaced, see ``karras_sigmas``
    eta: float = 1.0  # fresh noise a step: 0 the probability-flow ODE, 1 ancestral
    beta: float = 0.0  # weight of the gradients in the fusion (Eq 14); 0 leaves it out
    boundary: str = "neumann"  # edge rule of Eq 14

    def __post_init__(self):
        check_ratio(eta=(self.eta, 1))
        self.sigmas()

    def sigmas(self) -> list[float]:
        """The noise levels and a final 0: steps + 1 numbers. JGMError for levels that are none."""
        return karras_sigmas(self.steps, self.sigma_max, self.sigma_min, self.rho)


@dataclass(frozen=True)
class CorrectorSettings(NullspaceSettings):
    """Of ``predictor_corrector``."""

    knobs: ClassVar = (*NullspaceSettings.knobs, "corrections")

    corrections: int = 1  # Langevin steps on each level
    delta: float = 0.1  # their size in units of sigma^2

    def __post_init__(self):
        super().__post_init__()
        check_ratio(delta=(self.delta, 3.99))
        if self.corrections < 0:
            raise JGMError(f"corrections={self.corrections}: need at least 0")


@dataclass(frozen=True)
class SplitSettings(NullspaceSettings):
    """Of ``split``."""

    knobs: ClassVar = (*NullspaceSettings.knobs, "solver", "lookahead")

    solver: str = "multistep"  # one of SOLVERS
    lookahead: float = 1.0  # second-order share of multistep: 0 pale and safe, 1 all the variance
    sigma_y: float = 0.002  # noise that the network is told for the luma, intensity

    def __post_init__(self):
        if self.solver not in SOLVERS:
            raise JGMError(f"solver={self.solver!r} is unknown; choose {', '.join(SOLVERS)}")
        super().__post_init__()
        check_ratio(lookahead=(self.lookahead, 1))
        if not 0 < self.sigma_y < float("inf"):
            raise JGMError(f"sigma_y={self.sigma_y}: need a finite number > 0")


@dataclass(frozen=True)
class LangevinSettings:
    """Of ``langevin``; the defaults are Algorithm 1 as printed, with the step of the LSUN code."""

    knobs: ClassVar = (
        *("lam", "beta", "sigma_1", "sigma_L", "L", "T", "epsilon", "feedback", "boundary"),
        *("consistent", "final_denoise"),
    )

    sigma_1: float = 1.0  # first noise level, intensity
    sigma_L: float = 0.01  # last noise level, intensity
    L: int = 10  # noise levels
    T: int = 100  # steps a level
    epsilon: float = 5.4e-6  # step size at sigma_L, intensity^2: twice the code's number
    lam: float = 1.0  # lambda_0, weight of the photograph; 1 is the flat-prior posterior
    lam_grad: float | None = None  # another one for the two gradient groups; None: the same
    beta: float = 5.9  # weight of the gradients in the fusion (Eq 14)
    feedback: str = "level"  # one of FEEDBACK
    boundary: str = "neumann"  # edge rule of Eq 14
    consistent: bool = False  # a new level each step, and just the noise it needs
    final_denoise: bool = False  # the last step returns the denoised picture

    def __post_init__(self):
        if self.feedback not in FEEDBACK:
            raise JGMError(f"feedback={self.feedback!r} is unknown; choose {', '.join(FEEDBACK)}")
        sigma_ladder(self.sigma_1, self.sigma_L, self.L)  # raises for levels that are none
        if self.T < 1:
            raise JGMError(f"T={self.T}: need at least 1 step a level")
        lam, lam_grad = self.pull
        if not self.epsilon >= 0 or not all(w >= 0 for w in self.pull):
            raise JGMError(
                f"epsilon={self.epsilon}, lambda={lam}, on gradients {lam_grad}: need >= 0"
            )
        check_stability(self.epsilon, self.sigma_L, max(self.pull))
        if self.consistent:
            gaps = max(1, self.L * self.T - 1)  # between the levels, which are equally far apart
            ratio = (self.sigma_1 / self.sigma_L) ** (1 / gaps) if self.L * self.T > 1 else 1.0
            for weight in self.pull:
                check_consistent(self.share, weight, ratio)

    @property
    def pull(self) -> tuple[float, float]:
        """lambda of the intensity group and of the gradient groups."""
        return self.lam, self.lam if self.lam_grad is None else self.lam_grad

    @property
    def share(self) -> float:
        """h, how far a step goes to the denoised state."""
        return share_of(self.epsilon, self.sigma_L)

    def sigmas(self) -> list[float]:
        """The noise level of every step, L T of them: each of L levels T times, or, ``consistent``,
        a new one each step."""
        if self.consistent:
            return sigma_ladder(self.sigma_1, self.sigma_L, self.L * self.T)
        return [s for s in sigma_ladder(self.sigma_1, self.sigma_L, self.L) for _ in range(self.T)]


EVALUATED = {"steps": 50, "sigma_max": 20.0}  # what ``jgm evaluate`` gives nullspace
COMPARED = {"sigma_max": 10.0, "sigma_min": 0.01}  # inside the training of toy-32 and scenes-64


def compared(sampler: str, **settings) -> dict:
    """Settings as the lessons and ``baselines`` compare samplers: the fast ones on the levels of
    ``COMPARED``, whatever prior they are given."""
    return settings if sampler == "langevin" else {**COMPARED, **settings}


SETTINGS = {
    "split": SplitSettings,
    "nullspace": NullspaceSettings,
    "langevin": LangevinSettings,
    "predictor_corrector": CorrectorSettings,
}
