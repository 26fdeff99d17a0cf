"""The paper's network as its authors ran it: a dilated RefineNet with ten discrete noise levels.

The paper says only "UNet-type, instance normalization, dilated convolutions"; the layout is that
of NCSN (Song and Ermon 2019, arXiv 1907.05600). The encoder halves the picture once and then
widens its view by dilation; the decoder merges its four stages from coarse to fine.
Every normalization is told the noise level k; all activations are ELU. w = ``ngf`` below.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..domain import domain_of
from ..errors import JGMError
from ..losses import level_objective
from .refine_blocks import LevelNorm, Refine, ResBlock, conv

SIGMAS = tuple(10 ** (-2 * k / 9) for k in range(10))  # 1 to 0.01, geometric
TOLERANCE = 1e-4  # relative: float32 and JSON round a level, nothing else may
SMALLEST = 4  # pixels a side: below, the halved map leaves instance norm nothing to average


class RefineNet(nn.Module):
    """The score s(X, sigma_k) of the joint tensor, for one list of noise levels (Section III.B).

    ``domain``: a name of ``DOMAINS``, or its ``channels``; joint without either; ``ngf`` 128 is the authors' width;
    ``sigmas`` the levels, falling; ``gradient_scale`` of the gradient channels of X, 0.5 in the
    authors' files. Nine channels, ngf 128, ten levels: 30,131,465 parameters.

    ``scaled_start`` (not the authors') lets the last normalization start at gamma_k = 1/sigma_k:
    the score is as large as 1/sigma, and Adam needs tens of thousands of steps to grow a gamma from
    1 to 100. The network, its size and what it can represent are the same.
    """

    objective = staticmethod(level_objective)
    memory_format = torch.contiguous_format  # its instance norms take twice as long channels last

    def __init__(
        self,
        channels=None,
        ngf=128,
        sigmas=SIGMAS,
        gradient_scale=0.5,
        scaled_start=False,
        domain=None,
    ):
        super().__init__()
        self.sigmas, self.domain = check_sigmas(sigmas), domain_of(domain, channels, gradient_scale)
        self.channels, self.gradient_scale = self.domain.channels, self.domain.scale
        w, n = check_width(ngf), len(self.sigmas)
        self.stem = conv(self.channels, w)
        v = 2 * w
        self.stages = nn.ModuleList(
            [
                nn.ModuleList([ResBlock(w, w, n), ResBlock(w, w, n)]),
                nn.ModuleList([ResBlock(w, v, n, down=True), ResBlock(v, v, n)]),
                nn.ModuleList(
                    [ResBlock(v, v, n, down=True, dilation=2), ResBlock(v, v, n, dilation=2)]
                ),
                nn.ModuleList(
                    [ResBlock(v, v, n, down=True, dilation=4), ResBlock(v, v, n, dilation=4)]
                ),
            ]
        )
        self.refine = nn.ModuleList(
            [
                Refine([v], v, n),
                Refine([v, v], v, n),
                Refine([v, v], w, n),
                Refine([w, w], w, n, last=True),
            ]
        )
        self.head_norm, self.head = LevelNorm(w, n), conv(w, self.channels)
        if scaled_start:
            self.scale_last_gamma()

    @torch.no_grad()
    def scale_last_gamma(self) -> None:
        gamma = self.head_norm.embed.weight.chunk(3, dim=1)[0]  # (levels,w), a view
        gamma /= torch.tensor(self.sigmas)[:, None]

    def network_input(self, X: torch.Tensor) -> torch.Tensor:
        """X -> 2 X' - 1, where X' is X as the authors store it: x itself, and s g + 1/2."""
        shift = torch.zeros(self.channels, dtype=X.dtype, device=X.device)
        shift[: self.domain.intensities] = 1.0  # 2x - 1; and 2 (s g + 1/2) - 1 = 2 s g
        return 2 * X - shift[:, None, None]

    def forward(self, X: torch.Tensor, level_index) -> torch.Tensor:
        """The score: X (B,C,H,W) of any size, level_index an int or (B,) integers -> (B,C,H,W).

        Not divided by sigma: what comes out is the score itself. Sides under 4 pixels are
        edge-padded. Raises JGMError for another channel count or a level that is not there.
        """
        k = self.check_input(X, level_index)
        H, W = X.shape[-2:]
        h = F.pad(
            self.network_input(X),
            (0, max(0, SMALLEST - W), 0, max(0, SMALLEST - H)),
            mode="replicate",
        )
        h, skips = self.stem(h), []
        for stage in self.stages:
            for block in stage:
                h = block(h, k)
            skips.append(h)  # (B,w,H,W), then three times (B,2w,H/2,W/2)
        h = self.refine[0]([skips.pop()], k)
        for step in self.refine[1:]:
            h = step([skips.pop(), h], k)
        return self.head(F.elu(self.head_norm(h, k)))[..., :H, :W]

    def denoise(self, X: torch.Tensor, sigma, sigma_y=None) -> torch.Tensor:
        """E[X_clean | X] = X + sigma^2 s(X, sigma) (Tweedie): X (B,C,H,W), sigma float or (B,).

        Raises JGMError for a sigma outside ``self.sigmas``, and for sigma_y other than sigma:
        this network only knows the paper's case, one noise level for all channels.
        """
        k = self.level(sigma).expand(len(X))
        if sigma_y is not None and not torch.equal(self.level(sigma_y).expand(len(X)), k):
            raise JGMError(
                "RefineNet has one noise level for all channels: sigma_y must be sigma; "
                "the split sampler needs a UNet checkpoint"
            )
        exact = torch.tensor(self.sigmas)[k].to(X)
        return X + exact.square()[:, None, None, None] * self(X, k)

    def level(self, sigma) -> torch.Tensor:
        """The index of each sigma in ``self.sigmas``: float or (B,) -> () or (B,) long, on CPU."""
        sigma = torch.as_tensor(sigma).detach().cpu().double()
        error = (sigma[..., None] / torch.tensor(self.sigmas, dtype=torch.float64) - 1).abs()
        miss = ~(error.amin(-1) <= TOLERANCE)  # also true for NaN
        if bool(miss.any()):
            allowed = ", ".join(f"{s:.4g}" for s in self.sigmas)
            raise JGMError(
                f"sigma={float(sigma[miss].flatten()[0]):.6g} is not a level of this "
                f"RefineNet, which was trained on {allowed} only"
            )
        return error.argmin(-1)

    def check_input(self, X: torch.Tensor, level_index) -> torch.Tensor:
        if X.ndim != 4 or X.shape[1] != self.channels or 0 in X.shape[2:]:
            raise JGMError(f"X of shape {tuple(X.shape)}: need (B,{self.channels},H,W)")
        k = torch.as_tensor(level_index)
        if k.is_floating_point() or not bool(((k >= 0) & (k < len(self.sigmas))).all()):
            raise JGMError(f"level_index={level_index}: need integers 0 to {len(self.sigmas) - 1}")
        return k.to(X.device).expand(len(X))


def check_sigmas(sigmas) -> tuple[float, ...]:
    sigmas = tuple(float(s) for s in sigmas)
    falling = all(a > b for a, b in zip(sigmas, sigmas[1:], strict=False))
    if not sigmas or not falling or not 0 < sigmas[-1] <= sigmas[0] < float("inf"):
        raise JGMError(f"sigmas={sigmas}: need at least one level, falling and above 0")
    return sigmas


def check_width(ngf: int) -> int:
    if not isinstance(ngf, int) or ngf < 2:
        raise JGMError(f"ngf={ngf}: need a whole number of at least 2")
    return ngf
