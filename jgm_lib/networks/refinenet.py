"""The paper's network as its authors ran it: a dilated RefineNet with ten discrete noise levels.

The paper says only "UNet-type, instance normalization, dilated convolutions"; the layout is that
of NCSN (Song and Ermon 2019, arXiv 1907.05600). The encoder halves the picture once and then
widens its view by dilation; the decoder merges its four stages from coarse to fine.
Every normalization is told the noise level k; all activations are ELU. w = ``ngf`` below.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ..errors import JGMError
from ..losses import level_objective

SIGMAS = tuple(10 ** (-2 * k / 9) for k in range(10))  # 1 to 0.01, geometric
TOLERANCE = 1e-4  # relative: float32 and JSON round a level, nothing else may
SMALLEST = 4  # pixels a side: below, the halved map leaves instance norm nothing to average


def conv(c_in: int, c_out: int, kernel: int = 3, dilation: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps the picture's size."""
    return nn.Conv2d(
        c_in, c_out, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=bias
    )


class LevelNorm(nn.Module):
    """InstanceNorm++: gamma_k (h + alpha_k m) + beta_k, one gamma, alpha and beta a noise level.

    h is instance-normalized, which forgets each channel's mean; m brings the means back,
    standardized over the channels. Without m the network could not tell dark from bright.
    """

    def __init__(self, c: int, levels: int):
        super().__init__()
        self.embed = nn.Embedding(levels, 3 * c)  # gamma, alpha, beta
        nn.init.normal_(self.embed.weight[:, : 2 * c], 1.0, 0.02)
        nn.init.zeros_(self.embed.weight[:, 2 * c :])

    def forward(self, x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        m = x.mean((2, 3))  # (B,C)
        m = (m - m.mean(1, keepdim=True)) / (m.var(1, keepdim=True) + 1e-5).sqrt()
        gamma, alpha, beta = self.embed(k).chunk(3, dim=1)  # (B,C) each
        h = F.instance_norm(x) + (alpha * m)[:, :, None, None]
        return gamma[:, :, None, None] * h + beta[:, :, None, None]


class ResBlock(nn.Module):
    """Twice norm - ELU - conv, plus a shortcut.

    ``down`` widens the channels at the second convolution and halves the picture by mean pooling;
    with a dilation it keeps the picture's size and the dilation does the widening of the view.
    """

    def __init__(self, c_in: int, c_out: int, levels: int, down: bool = False, dilation: int = 1):
        super().__init__()
        middle = c_in if down else c_out
        self.norm1, self.conv1 = LevelNorm(c_in, levels), conv(c_in, middle, dilation=dilation)
        self.norm2, self.conv2 = LevelNorm(middle, levels), conv(middle, c_out, dilation=dilation)
        kernel = 1 if dilation == 1 else 3
        self.skip = conv(c_in, c_out, kernel, dilation) if down else nn.Identity()
        self.pool = nn.AvgPool2d(2) if down and dilation == 1 else nn.Identity()

    def forward(self, x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.elu(self.norm1(x, k)))
        h = self.conv2(F.elu(self.norm2(h, k)))
        return self.pool(h) + self.pool(self.skip(x))


class ResidualUnits(nn.Module):
    """RCU: ``blocks`` times x + two of [norm - ELU - conv without bias]."""

    def __init__(self, c: int, blocks: int, levels: int):
        super().__init__()
        self.norms = nn.ModuleList(LevelNorm(c, levels) for _ in range(2 * blocks))
        self.convs = nn.ModuleList(conv(c, c, bias=False) for _ in range(2 * blocks))

    def forward(self, x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        for i in range(0, len(self.convs), 2):
            h = self.convs[i](F.elu(self.norms[i](x, k)))
            x = x + self.convs[i + 1](F.elu(self.norms[i + 1](h, k)))
        return x


class Fusion(nn.Module):
    """MSF: norm - conv - resize each input to one size and sum them."""

    def __init__(self, c_in: list[int], c_out: int, levels: int):
        super().__init__()
        self.norms = nn.ModuleList(LevelNorm(c, levels) for c in c_in)
        self.convs = nn.ModuleList(conv(c, c_out) for c in c_in)

    def forward(self, inputs: list[torch.Tensor], k: torch.Tensor, size) -> torch.Tensor:
        total = 0
        for x, norm, convolve in zip(inputs, self.norms, self.convs, strict=True):
            h = convolve(norm(x, k))
            total = total + F.interpolate(h, size=size, mode="bilinear", align_corners=True)
        return total


class ChainedPooling(nn.Module):
    """CRP: two rounds of norm - 5x5 mean - conv, each added: context from ever wider windows."""

    def __init__(self, c: int, levels: int):
        super().__init__()
        self.norms = nn.ModuleList(LevelNorm(c, levels) for _ in range(2))
        self.convs = nn.ModuleList(conv(c, c, bias=False) for _ in range(2))

    def forward(self, x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        x = path = F.elu(x)
        for norm, convolve in zip(self.norms, self.convs, strict=True):
            path = convolve(F.avg_pool2d(norm(path, k), 5, stride=1, padding=2))
            x = x + path
        return x


class Refine(nn.Module):
    """One decoder step: RCU on each input, MSF to the first input's size, CRP, RCU."""

    def __init__(self, c_in: list[int], c_out: int, levels: int, last: bool = False):
        super().__init__()
        self.adapt = nn.ModuleList(ResidualUnits(c, 2, levels) for c in c_in)
        self.fuse = Fusion(c_in, c_out, levels) if len(c_in) > 1 else None
        self.pool = ChainedPooling(c_out, levels)
        self.out = ResidualUnits(c_out, 3 if last else 1, levels)

    def forward(self, inputs: list[torch.Tensor], k: torch.Tensor) -> torch.Tensor:
        h = [unit(x, k) for unit, x in zip(self.adapt, inputs, strict=True)]
        h = self.fuse(h, k, inputs[0].shape[-2:]) if self.fuse else h[0]
        return self.out(self.pool(h, k), k)


class RefineNet(nn.Module):
    """The score s(X, sigma_k) of the joint tensor, for one list of noise levels (Section III.B).

    ``channels`` 9 (joint), 6 (gradients) or 3 (intensity); ``ngf`` 128 is the authors' width;
    ``sigmas`` the levels, falling; ``gradient_scale`` of the gradient channels of X, 0.5 in the
    authors' files. Nine channels, ngf 128, ten levels: 30,131,465 parameters.

    ``scaled_start`` (not the authors') lets the last normalization start at gamma_k = 1/sigma_k:
    the score is as large as 1/sigma, and Adam needs tens of thousands of steps to grow a gamma from
    1 to 100. The network, its size and what it can represent are the same.
    """

    objective = staticmethod(level_objective)
    memory_format = torch.contiguous_format  # its instance norms take twice as long channels last

    def __init__(self, channels=9, ngf=128, sigmas=SIGMAS, gradient_scale=0.5, scaled_start=False):
        super().__init__()
        self.sigmas = check_sigmas(sigmas)
        self.channels, self.gradient_scale = channels, float(gradient_scale)
        w, n = check_width(channels, ngf), len(self.sigmas)
        self.stem = conv(channels, w)
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
        self.head_norm, self.head = LevelNorm(w, n), conv(w, channels)
        if scaled_start:
            self.scale_last_gamma()

    @torch.no_grad()
    def scale_last_gamma(self) -> None:
        gamma = self.head_norm.embed.weight.chunk(3, dim=1)[0]  # (levels,w), a view
        gamma /= torch.tensor(self.sigmas)[:, None]

    def network_input(self, X: torch.Tensor) -> torch.Tensor:
        """X -> 2 X' - 1, where X' is X as the authors store it: x itself, and s g + 1/2."""
        shift = torch.zeros(self.channels, dtype=X.dtype, device=X.device)
        if self.channels != 6:  # 2x - 1 for the intensities; 2 (s g + 1/2) - 1 = 2 s g otherwise
            shift[:3] = 1.0
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


def check_width(channels: int, ngf: int) -> int:
    if channels not in (3, 6, 9):
        raise JGMError(f"channels={channels}: choose 9 (joint), 6 (gradients) or 3 (intensity)")
    if not isinstance(ngf, int) or ngf < 2:
        raise JGMError(f"ngf={ngf}: need a whole number of at least 2")
    return ngf
