"""The blocks of RefineNet: convolutions, normalization told the noise level, and the decoder's parts.

Every normalization is told the noise level k; all activations are ELU.
"""

import torch
from torch import nn
from torch.nn import functional as F


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
