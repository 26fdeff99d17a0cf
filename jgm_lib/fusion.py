"""Eq 14: the picture that best agrees with a picture and with two gradient fields.

min_x |x - x_t|^2 + beta (|d1 x - g1|^2 + |d2 x - g2|^2) has the normal equation
(I + beta grad^T grad) x = x_t + beta grad^T g, which is diagonal in the cosine basis (Neumann)
or the Fourier basis (periodic), so one transform there and one back solve it exactly.
"""

import math

import torch

from .errors import JGMError
from .operators import check_boundary, grad_adjoint


def _phase(n: int, like: torch.Tensor) -> torch.Tensor:
    k = torch.arange(n, device=like.device, dtype=like.dtype)
    return torch.polar(torch.ones_like(k), -math.pi * k / (2 * n))


def dct(x: torch.Tensor, dim: int) -> torch.Tensor:
    """Unnormalized DCT-II along ``dim`` by one FFT of the same length (even samples forward, odd
    samples backward, then a half-sample phase)."""
    x = x.movedim(dim, -1)
    v = torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], dim=-1)
    return (torch.fft.fft(v) * _phase(x.shape[-1], x)).real.movedim(-1, dim)


def idct(c: torch.Tensor, dim: int) -> torch.Tensor:
    """The exact inverse of ``dct``."""
    c = c.movedim(dim, -1)
    n = c.shape[-1]
    mirrored = torch.cat([torch.zeros_like(c[..., :1]), c[..., 1:].flip(-1)], dim=-1)
    v = torch.fft.ifft(torch.complex(c, -mirrored) * _phase(n, c).conj()).real
    x = torch.empty_like(v)
    half = (n + 1) // 2
    x[..., ::2], x[..., 1::2] = v[..., :half], v[..., half:].flip(-1)
    return x.movedim(-1, dim)


def laplacian_eigenvalues(H: int, W: int, boundary: str, like: torch.Tensor) -> torch.Tensor:
    """Eigenvalues K (H,W) of grad^T grad: 0 for the constant picture, at most 8."""
    turn = math.pi if boundary == "neumann" else 2 * math.pi

    def one(n):
        k = torch.arange(n, device=like.device, dtype=like.dtype)
        return 2 - 2 * torch.cos(turn * k / n)

    return one(H)[:, None] + one(W)[None, :]


def _divide(b: torch.Tensor, divisor: torch.Tensor, boundary: str) -> torch.Tensor:
    """Divide b (...,H,W) by ``divisor`` (H,W) in the boundary's eigenbasis."""
    if boundary == "periodic":
        return torch.fft.ifft2(torch.fft.fft2(b) / divisor).real
    for transform, dim in ((dct, -2), (dct, -1)):
        b = _in_blocks(transform, b, dim)
    b = b / divisor
    for transform, dim in ((idct, -1), (idct, -2)):
        b = _in_blocks(transform, b, dim)
    return b


def _in_blocks(transform, x: torch.Tensor, dim: int, most: int = 2**23) -> torch.Tensor:
    """The transform along ``dim``, some rows at a time: a photograph of 50 megapixels would need
    gigabytes of complex numbers otherwise."""
    across = -1 if dim == -2 else -2
    parts = [transform(p, dim) for p in x.chunk(math.ceil(x.numel() / most), across)]
    return torch.cat(parts, across) if len(parts) > 1 else parts[0]


def check_beta(beta: float) -> None:
    if not beta >= 0 or math.isinf(beta):
        raise JGMError(f"beta={beta}: need a finite number >= 0")


def fuse(x, g1, g2, beta: float, boundary: str = "neumann") -> torch.Tensor:
    """Solve Eq 14 for x (B,C,H,W) and gradient fields g1, g2 of the same shape (unscaled).

    ``beta`` >= 0: 0 returns x, infinity tends to Poisson integration with the mean of x. The
    authors' code uses beta 5.9 and the periodic boundary. Raises JGMError for beta < 0.
    """
    check_boundary(boundary)
    check_beta(beta)
    if beta == 0:
        return x
    K = laplacian_eigenvalues(*x.shape[-2:], boundary, x)
    return _divide(x + beta * grad_adjoint(g1, g2, boundary), 1 + beta * K, boundary)


def poisson(g1, g2, mean, boundary: str = "neumann") -> torch.Tensor:
    """Integrate gradients alone (the limit beta -> infinity); ``mean`` (B,C,1,1) is what the
    gradients cannot know."""
    check_boundary(boundary)
    K = laplacian_eigenvalues(*g1.shape[-2:], boundary, g1)
    K[0, 0] = 1
    x = _divide(grad_adjoint(g1, g2, boundary), K, boundary)
    return x - x.mean((-2, -1), keepdim=True) + mean


def fusion_noise_gain(beta: float, scale: float, H: int, W: int, boundary="neumann") -> float:
    """By what factor Eq 14 multiplies the variance of white noise that is sigma on x and
    sigma/scale on the gradients: the mean of (1 + kappa^2 beta^2 K)/(1 + beta K)^2 over the
    Laplacian's eigenvalues K, kappa = 1/scale. Least at beta = scale^2."""
    K = laplacian_eigenvalues(H, W, boundary, torch.zeros(1, dtype=torch.float64))
    return float(((1 + (beta / scale) ** 2 * K) / (1 + beta * K) ** 2).mean())
