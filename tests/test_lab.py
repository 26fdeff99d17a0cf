"""CIELAB as tensors: scikit-image's numbers, both ways, and gradients that are finite."""

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

from jgm_lib.lab import lab_to_rgb, lightness, rgb_to_lab


def colours(n=2, side=9, dtype=torch.float64):
    """Random colours, with both ends of the scale and the linear foot of the gamma among them."""
    x = torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(3), dtype=dtype)
    x[0, :, 0, :3] = torch.tensor([0.0, 1.0, 0.02], dtype=dtype)
    return x


def last(x):
    return x.movedim(1, -1).numpy()


@pytest.mark.parametrize("dtype, off", [(torch.float64, 1e-9), (torch.float32, 2e-4)])
def test_the_numbers_are_those_of_skimage(dtype, off):
    x = colours(dtype=dtype)
    np.testing.assert_allclose(last(rgb_to_lab(x)), rgb2lab(last(x.double())), atol=off)


def test_back_again_and_outside_the_gamut_too():
    x = colours()
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(x)), x, rtol=0, atol=1e-4)
    lab = rgb_to_lab(x)
    lab[:, 1:] *= 3
    with pytest.warns(UserWarning, match="negative Z"):
        expected = lab2rgb(last(lab))
    np.testing.assert_allclose(last(lab_to_rgb(lab)), np.clip(expected, 0, 1), atol=1e-6)


def test_the_lightness_of_a_grey_is_that_of_its_replica():
    y = colours()[:, :1]
    lab = rgb_to_lab(y.expand(-1, 3, -1, -1))
    torch.testing.assert_close(lightness(y), lab[:, :1], rtol=0, atol=1e-9)
    assert float(lab[:, 1:].abs().max()) < 0.02  # the matrix's rounding


def test_gradients_are_those_of_differences_and_finite_at_black():
    x = colours(1, 3).clamp(0.05, 0.95).requires_grad_()
    assert torch.autograd.gradcheck(rgb_to_lab, x)
    black = torch.zeros(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    lab_to_rgb(rgb_to_lab(black)).sum().backward()
    assert bool(torch.isfinite(black.grad).all()) and float(black.grad.abs().max()) > 0
