"""Edge overflow: closed forms on steps, growth with known damage, what it must not hang on."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from jgm_lib.data import samples
from jgm_lib.data.toy import ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.operators import gray, gray_weights
from jgm_lib.overflow import FLAT, REACH, blurred, edge_overflow, nearby, shifted, with_chroma

F = gray_weights("mean")
SIDE = 64


def steps(d: int, W: int = 32, H: int = 5, luma: float = 0.3, chroma: float = 0.1):
    """A luma step after column 12 and a chroma step d columns later: x (1,3,H,W), y (1,1,H,W)."""
    at = torch.arange(W).double()
    y = (0.3 + luma * (at > 12)).expand(1, 1, H, W)
    tint = torch.tensor([1.0, 0.5, -1.5]).double().view(1, 3, 1, 1)
    return y + chroma * tint * (at > 12 + d), y


def photographs(side: int = SIDE):
    fitted = [
        ImageOps.fit(samples.load(n), (side, side), Image.Resampling.LANCZOS)
        for n in samples.names(grey=False)
    ]
    return torch.stack([torch.from_numpy(np.array(i) / 255).movedim(-1, 0) for i in fitted])


def overflow(x, truth):
    return edge_overflow(x, gray(truth, F))


@pytest.mark.parametrize("d", [0, 1, 2, 3])
@pytest.mark.parametrize("W", [24, 40])
def test_steps_have_the_closed_form(d, W):
    expected = 1 / (1 + W / FLAT**2 * np.exp(-(d**2) / REACH**2))
    assert edge_overflow(*steps(d, W)) == pytest.approx([expected], rel=1e-9)


@pytest.mark.parametrize("d", [4, 8, -5])
def test_a_colour_edge_out_of_reach_overflows_wholly(d):
    assert edge_overflow(*steps(d)) == pytest.approx([1.0])


def test_two_colour_edges_are_weighed_by_their_height():
    """One on the edge of the luma, one far from it and twice as high."""
    on, y = steps(0)
    off = steps(9, chroma=0.2)[0]
    whole = edge_overflow(on + off - y, y)[0]
    covered = edge_overflow(on, y)[0]
    assert whole == pytest.approx((covered + 2) / 3)


def test_nearby_is_the_largest_fading_with_the_distance_in_both_directions():
    e = torch.zeros(1, 9, 9).double()
    e[0, 4, 4], e[0, 4, 6] = 1.0, 0.5
    got, (i, j) = nearby(e)[0], np.mgrid[:9, :9]

    def fade(column):
        return np.exp(-((i - 4) ** 2 + (j - column) ** 2) / 2 / REACH**2)

    near = np.abs(i - 4) <= 3
    expected = np.maximum(fade(4) * (np.abs(j - 4) <= 3), 0.5 * fade(6) * (np.abs(j - 6) <= 3))
    assert got.numpy() == pytest.approx(np.where(near, expected, 0), abs=1e-12)


def test_it_grows_with_every_amount_of_damage_on_every_photograph():
    truth = photographs()
    for spoil in (blurred, shifted):
        values = [overflow(truth, truth)] + [overflow(spoil(truth, p), truth) for p in (1, 2, 4)]
        assert (np.diff(values, axis=0) > 0).all(), spoil.__name__
        assert (values[-1] - values[0]).min() > 0.04, spoil.__name__


def test_it_grows_with_every_amount_of_damage_on_every_landscape():
    truth = ToyScenes(32).sample(40, 7).images.double()
    for spoil in (blurred, shifted):
        values = [overflow(truth, truth)] + [overflow(spoil(truth, p), truth) for p in (1, 2, 4)]
        assert (np.diff(values, axis=0) > 0).mean() > 0.97, spoil.__name__
        assert (np.diff(np.mean(values, 1)) > 0.02).all(), spoil.__name__


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.5])
def test_a_pale_picture_does_not_win(strength):
    truth = shifted(photographs(), 2)
    faded = with_chroma(truth, lambda c: strength * c)
    assert overflow(faded, truth) == pytest.approx(overflow(truth, truth), rel=1e-9)


def test_it_does_not_hang_on_the_contrast_or_lightness_of_the_photograph():
    truth = photographs()
    y = gray(truth, F)
    assert edge_overflow(truth, 0.2 + 0.5 * y) == pytest.approx(edge_overflow(truth, y), rel=1e-9)


def test_a_share_of_nothing_is_no_number():
    truth = photographs()[:3]
    y = gray(truth, F)
    nearly = with_chroma(truth, lambda c: 1e-4 * c)  # less than 8 bit can show
    tint = y + torch.tensor([0.1, 0.0, -0.1]).double().view(1, 3, 1, 1)  # one tint, no edge
    for x in (y.expand_as(truth), nearly, tint):
        assert np.isnan(edge_overflow(x, y)).all()


def test_where_the_photograph_is_flat_every_colour_edge_overflows():
    x, y = steps(0)
    assert edge_overflow(x, torch.full_like(y, 0.5)) == pytest.approx([1.0])


def test_every_picture_is_measured_for_itself():
    truth = torch.cat([photographs(), shifted(photographs(), 2)])
    y = gray(truth, F)
    alone = [edge_overflow(a[None], b[None])[0] for a, b in zip(truth, y, strict=True)]
    assert edge_overflow(truth, y) == pytest.approx(alone, rel=1e-12)


def test_damage_leaves_the_grey_and_does_what_it_says():
    truth = photographs()
    y = gray(truth, F)
    for x in (blurred(truth, 2.0), shifted(truth, 2)):
        assert torch.allclose(gray(x, F), y, atol=1e-12)
    moved = shifted(truth, 2) - y
    assert torch.allclose(moved[..., 2:], (truth - y)[..., :-2], atol=1e-12)
    assert torch.allclose(moved[..., 0], (truth - y)[..., 0], atol=1e-12)
    spot = torch.full((1, 3, 33, 33), 0.5).double()
    spot[0, 0, 16, 16], spot[0, 2, 16, 16] = 0.9, 0.1
    cloud = (blurred(spot, 2.0) - 0.5)[0, 0]
    assert float(cloud.sum()) == pytest.approx(0.4)
    at = torch.arange(33).double() - 16
    assert float((cloud.sum(0) * at**2).sum() / 0.4) == pytest.approx(4.0, rel=1e-2)
    assert float((cloud.sum(1) * at**2).sum() / 0.4) == pytest.approx(4.0, rel=1e-2)


def test_bad_input_is_refused():
    x, y = steps(0)
    with pytest.raises(JGMError, match="does not fit"):
        edge_overflow(x, y[..., 1:])
    with pytest.raises(JGMError, match="not finite"):
        edge_overflow(x * float("nan"), y)
    with pytest.raises(JGMError, match="pixels=0"):
        blurred(x, 0)
