"""EfficientNet-Lite (Tan and Le 2019, arXiv 1905.11946; Lite: no squeeze-and-excite, ReLU6).

Only the part that gives features; batch norms are folded into the convolutions, so the network is
plain convolutions with bias. Frozen: it was trained on ImageNet and is never trained here.
"""

import math
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

FOLDER = Path(__file__).parents[1] / "weights" / "backbone"
SCALES = {"lite0": (1.0, 1.0), "lite2": (1.1, 1.2)}  # name -> width, depth; the bundled ones
STAGES = (  # of lite0: repeats, kernel, stride of the first, expansion, channels out
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
TAPPED = (2, 4, 6)  # stages whose ends are the features, at strides 8, 16 and 32
BATCH_NORM_EPS = 1e-3


def stages_of(name: str) -> list[tuple]:
    """``STAGES`` of a network by name: channels times its width, to multiples of 8; repeats times
    its depth, rounded up, but for the first and the last stage (the rule of the Lite networks)."""
    width, depth = SCALES[name]
    last = len(STAGES) - 1
    return [
        (
            n if i in (0, last) else math.ceil(n * depth),
            kernel,
            stride,
            expansion,
            _eights(c * width),
        )
        for i, (n, kernel, stride, expansion, c) in enumerate(STAGES)
    ]


def _eights(c: float) -> int:
    """The multiple of 8 nearest to c, at least 8 and not below 0.9 c."""
    near = int(c + 4) // 8 * 8
    return near + 8 if near < 0.9 * c else near


def taps(name: str) -> dict[int, int]:
    """Blocks (counted from 1) whose outputs are the features -> their channels."""
    stages = stages_of(name)
    return {sum(n for n, *_ in stages[: i + 1]): stages[i][-1] for i in TAPPED}


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME does: the odd row and column lie below and right."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        k, s = self.kernel_size[0], self.stride[0]
        H, W = x.shape[-2:]
        if s == 1:
            return F.conv2d(x, self.weight, self.bias, 1, k // 2, 1, self.groups)
        down, right = (max((-(-n // s) - 1) * s + k - n, 0) for n in (H, W))
        x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, s, 0, 1, self.groups)


class Block(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection; plus x where the shapes agree."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        c = c_in * expansion
        self.expand = SameConv(c_in, c, 1) if expansion > 1 else None
        self.depthwise = SameConv(c, c, kernel, stride, groups=c)
        self.project = SameConv(c, c_out, 1)
        self.shortcut = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x if self.expand is None else F.relu6(self.expand(x))
        h = self.project(F.relu6(self.depthwise(h)))
        return x + h if self.shortcut else h


class Lite(nn.Module):
    """Features of pictures (B,3,H,W) in [-1,1], of "lite0" (B,40,H/8,W/8), (B,112,H/16,..) and
    (B,320,H/32,..); of "lite2" 48, 120 and 352 channels."""

    def __init__(self, name: str = "lite0"):
        super().__init__()
        self.taps = taps(name)
        self.stem = SameConv(3, 32, 3, 2)
        blocks, c = [], 32
        for repeats, kernel, stride, expansion, width in stages_of(name):
            for i in range(repeats):
                blocks.append(Block(c, width, kernel, 1 if i else stride, expansion))
                c = width
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        h, out = F.relu6(self.stem(x)), []
        for i, block in enumerate(self.blocks, 1):
            h = block(h)
            if i in self.taps:
                out.append(h)
        return out


@lru_cache
def eyes(name: str = "lite0") -> Lite:
    """A bundled frozen network, one a process, in evaluation mode on the CPU."""
    network = Lite(name)
    weights = load_file(FOLDER / f"{name}.safetensors")
    network.load_state_dict({k: v.float() for k, v in weights.items()})
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
