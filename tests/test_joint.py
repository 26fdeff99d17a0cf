"""The joint tensor: order of its channels, gradient scale, and its own inverse."""

import pytest
import torch

from jgm_lib.joint import join, stack, unstack
from jgm_lib.operators import grad, gray, gray_weights


def picture(seed=0, C=3, H=4, W=5):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(2, C, H, W, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_join_is_picture_then_vertical_then_horizontal(scale, boundary):
    x = picture()
    X = join(x, scale, boundary)  # (2,9,4,5)
    assert X.shape == (2, 9, 4, 5)
    assert torch.equal(X[:, :3], x)
    torch.testing.assert_close(X[:, 3:6, :-1], scale * (x[:, :, 1:] - x[:, :, :-1]))
    torch.testing.assert_close(X[:, 6:, :, :-1], scale * (x[..., 1:] - x[..., :-1]))
    wrapped = scale * (x[:, :, 0] - x[:, :, -1]) if boundary == "periodic" else 0 * x[:, :, 0]
    torch.testing.assert_close(X[:, 3:6, -1], wrapped)


def test_unstack_undoes_join_and_stack():
    x = picture()
    back, g1, g2 = unstack(join(x, 0.5), 0.5)
    for a, b in zip((back, g1, g2), (x, *grad(x)), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-15)
    fields = picture(1), picture(2), picture(3)  # fields that belong to no picture
    for a, b in zip(unstack(stack(*fields, 0.25), 0.25), fields, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-15)


def test_the_gray_of_the_joint_tensor_is_the_joint_tensor_of_the_gray():
    """Why the gradient constraint of Eq 12 costs nothing: F acts on each group alike."""
    x, f = picture(), gray_weights("bt601")
    grayed = torch.cat([gray(group, f) for group in join(x).chunk(3, dim=1)], dim=1)
    torch.testing.assert_close(grayed, join(gray(x, f)), rtol=0, atol=1e-14)
