"""The linear operators of the paper, each beside its adjoint.

Graying F acts on channels (Eq 1, 18, 19), differences on space (Eq 8), so the two commute:
F grad(x) = grad(F x). That is why the paper's gradient constraint is linear and free.
"""

import math

import torch

from .errors import JGMError

GRAY = {"mean": (1 / 3, 1 / 3, 1 / 3), "bt601": (0.3, 0.59, 0.11)}  # Eq 18, Eq 19
BOUNDARIES = ("neumann", "periodic")

_BASIS = torch.tensor(
    [
        [1 / math.sqrt(3)] * 3,  # u0: luma, sqrt(3) times the mean of R, G, B
        [1 / math.sqrt(2), 0.0, -1 / math.sqrt(2)],  # u1: red against blue
        [1 / math.sqrt(6), -2 / math.sqrt(6), 1 / math.sqrt(6)],  # u2: magenta against green
    ],
    dtype=torch.float64,
)


def gray_weights(spec="mean") -> torch.Tensor:
    """The graying vector f, shape (3,), float64, f >= 0 and sum(f) = 1.

    ``spec``: "mean" (Eq 18), "bt601" (Eq 19) or three numbers. Raises JGMError otherwise.
    """
    if isinstance(spec, str):
        if spec not in GRAY:
            raise JGMError(f"gray={spec!r} is unknown; choose {', '.join(GRAY)} or three weights")
        spec = GRAY[spec]
    try:
        f = torch.as_tensor(spec, dtype=torch.float64).flatten().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise JGMError(f"gray={spec!r}: need three numbers >= 0 that sum to 1") from None
    if f.numel() != 3 or not bool((f >= 0).all()) or abs(float(f.sum()) - 1) > 1e-6:
        raise JGMError(f"gray={tuple(f.tolist())}: need three numbers >= 0 that sum to 1")
    return f / f.sum()


def _channels(f: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return f.to(like).view(1, 3, 1, 1)


def gray(x: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F x: (B,3,H,W) -> (B,1,H,W), the weighted sum of the channels (Eq 1)."""
    return (x * _channels(f, x)).sum(1, keepdim=True)


def gray_adjoint(y: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F^T y: (B,1,H,W) -> (B,3,H,W), channel c gets f_c y."""
    return y * _channels(f, y)


def gray_pinv(y: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """F^+ y = F^T y / |f|^2: the smallest colour picture whose grey is y."""
    return gray_adjoint(y, f) / float(f.square().sum())


def _difference(x: torch.Tensor, dim: int, boundary: str) -> torch.Tensor:
    d = torch.roll(x, -1, dim) - x
    if boundary == "neumann":  # the last difference is zero: nothing is known beyond the edge
        d.narrow(dim, d.shape[dim] - 1, 1).zero_()
    return d


def _difference_adjoint(g: torch.Tensor, dim: int, boundary: str) -> torch.Tensor:
    if boundary == "neumann":
        g = g.clone()
        g.narrow(dim, g.shape[dim] - 1, 1).zero_()
    return torch.roll(g, 1, dim) - g


def grad(x: torch.Tensor, boundary: str = "neumann") -> tuple[torch.Tensor, torch.Tensor]:
    """Vertical and horizontal forward differences (Eq 8), each of the shape of x (...,H,W).

    Boundary "neumann": the last difference is zero; "periodic": the picture wraps around.
    """
    check_boundary(boundary)
    return _difference(x, -2, boundary), _difference(x, -1, boundary)


def grad_adjoint(g1: torch.Tensor, g2: torch.Tensor, boundary: str = "neumann") -> torch.Tensor:
    """The adjoint of ``grad``: minus the divergence, shape (...,H,W)."""
    check_boundary(boundary)
    return _difference_adjoint(g1, -2, boundary) + _difference_adjoint(g2, -1, boundary)


def check_boundary(boundary: str) -> None:
    if boundary not in BOUNDARIES:
        raise JGMError(f"boundary={boundary!r} is unknown; choose {' or '.join(BOUNDARIES)}")


def _rotate(X: torch.Tensor, R: torch.Tensor) -> torch.Tensor:
    B, C, H, W = X.shape  # C = 3, 6 or 9: groups of three colours
    return torch.einsum("ij,bgjhw->bgihw", R.to(X), X.view(B, C // 3, 3, H, W)).reshape(X.shape)


def to_basis(X: torch.Tensor) -> torch.Tensor:
    """Rotate each group of three channels RGB -> (u0 luma, u1, u2); orthonormal, same shape."""
    return _rotate(X, _BASIS)


def from_basis(U: torch.Tensor) -> torch.Tensor:
    """The inverse (and adjoint) of ``to_basis``."""
    return _rotate(U, _BASIS.T)
