"""Photographs worn by age: synthetic pictures whose answer is known."""

import math

import pytest
import torch

from jgm_lib.data import aging
from jgm_lib.data.aging import (
    BEND,
    BLUR,
    GAMMA,
    ORTHO,
    blurred,
    grain,
    photographed,
    random_tone,
    random_weights,
    scratches,
)
from jgm_lib.data.film import tone_curve
from jgm_lib.operators import gray, gray_weights

F = gray_weights()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n=4, size=16, seed=9):
    return torch.rand(n, 3, size, size, generator=rng(seed))


def grey(x):
    return gray(x, F)


# -- graying ---------------------------------------------------------------------------------------


def kinds(f):
    """Which rows are the mean, which lie on the way from the mean to film, which anywhere else."""
    mean = (f - 1 / 3).abs().amax(1) < 1e-6
    way = ORTHO - 1 / 3
    t = (f[:, 0] - 1 / 3) / way[0]
    film = ~mean & ((f - 1 / 3 - t[:, None] * way).abs().amax(1) < 3e-6)
    return mean, film, ~mean & ~film, t


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_weights_are_a_graying_and_have_their_shares(share):
    f = random_weights(20_000, share, rng())
    assert float(f.min()) >= 0
    torch.testing.assert_close(f.sum(1), torch.ones(20_000), rtol=0, atol=1e-6)
    mean, film, anywhere, t = kinds(f)
    for found, expected in ((mean, 1 - share), (film, share / 2), (anywhere, share / 2)):
        assert float(found.float().mean()) == pytest.approx(expected, abs=0.012)
    assert float(t[film].min()) >= 0 and float(t[film].max()) <= 1 + 1e-5
    assert float(t[film].mean()) == pytest.approx(0.5, abs=0.02)  # all the way, evenly


def test_anywhere_is_uniform_on_the_triangle():
    """Mean 1/3, variance 1/18, and a share (1 - t)^2 above t: the Dirichlet (1,1,1)."""
    f = random_weights(40_000, 1.0, rng())
    f = f[kinds(f)[2]]
    torch.testing.assert_close(f.mean(0), torch.full((3,), 1 / 3), rtol=0, atol=0.006)
    torch.testing.assert_close(f.var(0), torch.full((3,), 1 / 18), rtol=0, atol=0.002)
    assert float((f > 0.5).float().mean()) == pytest.approx(0.25, abs=0.01)


def test_no_share_is_the_mean_of_the_paper():
    assert torch.equal(random_weights(50, 0.0, rng()), torch.full((50, 3), 1 / 3))


# -- tone ------------------------------------------------------------------------------------------


def ramp(n, points=101):
    return torch.linspace(0, 1, points).view(1, 1, 1, -1).expand(n, 3, 1, -1)


def test_tone_curves_increase_and_keep_black_and_white():
    t = random_tone(ramp(300), torch.ones(300, dtype=bool), rng())
    assert float((t[..., 1:] - t[..., :-1]).min()) > 0
    assert float(t[..., 0].abs().max()) < 2e-4 and float((t[..., -1] - 1).abs().max()) < 1e-6
    assert float(t[..., 50].min()) < 0.4 and float(t[..., 50].max()) > 0.6  # both directions


def test_the_tone_curve_is_that_of_the_film():
    u = torch.rand(5, 3, generator=rng(3)).tolist()
    t = random_tone(ramp(5), torch.ones(5, dtype=bool), rng(3))
    for row, (a, b, c) in zip(t, u, strict=True):
        expected = tone_curve(ramp(1)[0], GAMMA ** (2 * a - 1), BEND * b, BEND * c)
        torch.testing.assert_close(row, expected, rtol=0, atol=2e-4)


def test_only_the_chosen_are_toned():
    x, who = pictures(), torch.tensor([True, False, True, False])
    t = random_tone(x, who, rng())
    assert torch.equal(t[1], x[1]) and torch.equal(t[3], x[3])
    assert float((t[0] - x[0]).abs().max()) > 0.01 and float((t[2] - x[2]).abs().max()) > 0.01


# -- blur ------------------------------------------------------------------------------------------


def test_an_impulse_becomes_the_gaussian_of_its_own_sigma():
    sigmas = torch.tensor([0.05, 0.5, 0.8, 1.25])
    y = torch.zeros(4, 1, 13, 17)
    y[:, 0, 6, 8] = 1
    z = blurred(y, sigmas)
    for row, sigma in zip(z[:, 0], sigmas.tolist(), strict=True):
        line = [math.exp(-0.5 * (k / sigma) ** 2) if abs(k) <= 4 else 0 for k in range(-8, 9)]
        line = torch.tensor(line) / sum(line)
        torch.testing.assert_close(row, line[2:15, None] * line, rtol=0, atol=1e-6)
        assert float(row.sum()) == pytest.approx(1, abs=1e-5)
    place = torch.arange(13.0) - 6
    variance = (z[:, 0].sum(2) * place.square()).sum(1)
    assert variance[2:].tolist() == pytest.approx([0.64, 1.25**2], rel=0.01)


def test_blur_keeps_constants_up_to_the_edge():
    y = torch.tensor([0.2, 0.7]).view(2, 1, 1, 1).expand(2, 1, 9, 6)
    torch.testing.assert_close(blurred(y, torch.tensor([0.4, 1.2])), y, rtol=0, atol=1e-6)


# -- grain -----------------------------------------------------------------------------------------


def test_grain_in_middle_grey_black_and_white():
    y = torch.tensor([0.5, 0.5, 0.0, 1.0, 0.1]).view(5, 1, 1, 1).expand(5, 1, 256, 256)
    noise = grain(y, torch.tensor([0.05, 0.02, 0.05, 0.05, 0.05]), rng()) - y
    assert noise.std((1, 2, 3)).tolist() == pytest.approx([0.05, 0.02, 0, 0, 0.03], rel=0.02)
    assert float(noise[2:4].abs().max()) == 0
    assert float(noise.mean((1, 2, 3)).abs().max()) < 1e-3


def test_half_of_the_grain_is_coarse():
    """Neighbours share half of the coarse half: correlation 1/4, and none two pixels away."""
    y = torch.full((1, 1, 512, 512), 0.5)
    z = (grain(y, torch.tensor([1.0]), rng()) - y)[0, 0]
    for shifted, expected in ((z[:, 1:], 0.25), (z[:, 2:], 0.0)):
        n = shifted.shape[1]
        assert float((z[:, :n] * shifted).mean()) == pytest.approx(expected, abs=0.01)
    assert float((z[1:] * z[:-1]).mean()) == pytest.approx(0.25, abs=0.01)


def test_the_edge_is_as_grainy_as_the_middle():
    y = torch.full((2000, 1, 8, 8), 0.5)
    z = (grain(y, torch.ones(2000), rng()) - y)[:, 0]
    for part in (z[:, -1], z[:, :, -1], z[:, 0], z[:, 3]):
        assert float(part.std()) == pytest.approx(1, abs=0.03)


# -- scratches -------------------------------------------------------------------------------------


def test_a_scratch_is_part_of_one_column_of_one_tone():
    y = torch.full((400, 1, 20, 12), 0.5)
    who = torch.arange(400) % 2 == 0
    moved = (scratches(y, who, rng()) - y)[:, 0]  # (400,20,12)
    assert float(moved[~who].abs().max()) == 0
    columns = moved.abs().amax(1) > 0
    assert int(columns.sum(1).max()) == 1
    assert set(columns.float().argmax(1)[columns.any(1)].tolist()) == set(range(12))
    steps = {round(v, 5) for v in moved.unique().tolist()}
    assert steps == {-0.35, 0.0, 0.35}  # 0.7 of the way to black or white
    tones = moved.amax((1, 2)) - moved.amin((1, 2))
    assert float(tones.max()) < 0.36  # never both in one picture
    long = (moved.abs() > 0).sum((1, 2))[who]
    assert int(long.max()) <= 13 and int(long.min()) >= 6  # 0.6 of the height, less at its ends


# -- all together ----------------------------------------------------------------------------------


def test_nothing_chosen_changes_nothing():
    x = pictures()
    same, y = photographed(x, rng(), any_gray=0.0, aged=0.0)
    assert torch.equal(same, x)
    torch.testing.assert_close(y, grey(x), rtol=0, atol=1e-6)


def test_the_same_generator_gives_the_same_and_another_another():
    x = pictures()
    a, b, c = (photographed(x, rng(s), any_gray=0.5, aged=0.9) for s in (1, 1, 2))
    assert all(torch.equal(*pair) for pair in zip(a, b, strict=True))
    assert not torch.equal(a[1], c[1])


def test_what_is_neither_worn_nor_regrayed_is_exactly_the_grey_of_the_picture():
    x = pictures(400, 8)
    toned, y = photographed(x, rng(), any_gray=0.5, aged=0.5)
    untouched = (toned == x).flatten(1).all(1)
    assert float(untouched.float().mean()) == pytest.approx(0.5, abs=0.08)
    gap = (y - grey(toned)).abs().flatten(1).amax(1)
    exact = gap < 1e-6
    assert float(exact.float().mean()) == pytest.approx(0.25, abs=0.08)
    assert bool(untouched[exact].all())  # what was toned was also worn


def test_a_regrayed_picture_is_that_of_other_weights():
    x = pictures(300, 6)
    same, y = photographed(x, rng(), any_gray=1.0, aged=0.0)
    assert torch.equal(same, x)
    flat = x.flatten(2).transpose(1, 2).double()  # (300,36,3)
    f = torch.linalg.lstsq(flat, y.flatten(1)[..., None].double()).solution[..., 0]
    torch.testing.assert_close(f.sum(1), torch.ones(300).double(), rtol=0, atol=1e-4)
    assert float(f.min()) > -1e-4
    torch.testing.assert_close(
        (flat @ f[..., None])[..., 0], y.flatten(1).double(), rtol=0, atol=1e-5
    )
    assert float((f - 1 / 3).abs().amax(1).median()) > 0.1


def test_where_only_the_tone_changed_the_grey_is_that_of_the_toned_picture(monkeypatch):
    monkeypatch.setattr(aging, "BLUR", 0.0)
    monkeypatch.setattr(aging, "GRAIN", 0.0)
    monkeypatch.setattr(aging, "SCRATCHED", 0.0)
    x = pictures()
    toned, y = photographed(x, rng(), any_gray=0.0, aged=1.0)
    assert float((toned - x).abs().flatten(1).amax(1).min()) > 0.01
    torch.testing.assert_close(y, grey(toned), rtol=0, atol=1e-6)


def test_wear_is_blur_grain_and_some_scratches_and_stays_in_range():
    """A checkerboard loses contrast by blur; a grey sheet keeps its mean and gains grain."""
    board = (torch.arange(24)[:, None] + torch.arange(24)) % 2
    x = board.float().expand(200, 3, 24, 24)
    _, y = photographed(x, rng(), any_gray=0.0, aged=1.0)
    assert float(y.min()) >= 0 and float(y.max()) <= 1
    contrast = y.std((1, 2, 3)) / x[0].std()
    assert float(contrast.min()) < 0.1 and float(contrast.max()) > 0.9
    assert float(contrast.mean()) == pytest.approx(lost_by_blur(), abs=0.05)


def lost_by_blur(n=1000) -> float:
    """Contrast left of the finest board, mean over the sigmas drawn: the kernel's gain squared."""
    total = 0.0
    for i in range(n):
        sigma = 0.05 + BLUR * (i + 0.5) / n
        row = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-4, 5)]
        total += (sum(w * (-1) ** k for k, w in enumerate(row)) / sum(row)) ** 2
    return total / n


def test_the_shares_of_scratches_and_of_grain():
    x = torch.full((600, 3, 16, 16), 0.5)
    _, y = photographed(x, rng(), any_gray=0.0, aged=1.0)
    toned = photographed(x, rng(), any_gray=0.0, aged=1.0)[0]
    noise = (y - grey(toned))[:, 0]
    scratched = noise.mean(1).abs().amax(1) > 0.06
    assert float(scratched.float().mean()) == pytest.approx(aging.SCRATCHED, abs=0.08)
    grains = noise[~scratched].std((1, 2))
    assert float(grains.min()) > 0 and float(grains.max()) < 1.15 * aging.GRAIN
