"""Chroma to full size: exact where it must be, block by block the same, better than nothing."""

import pytest
import torch

from benchmarks.fullres import DEFAULTS, scores_of
from benchmarks.memory import peak_mb
from jgm_lib.data import samples
from jgm_lib.errors import JGMError
from jgm_lib.photo import read_photo
from jgm_lib.photo.enlarge import (
    METHODS,
    Enlarger,
    enlarge_chroma,
    local_lines,
    neighbours,
    working_size,
)
from jgm_lib.photo.rows import row_blocks


def rand(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n_out, n_in", [(10, 4), (7, 7), (5, 1), (1, 5), (4, 10)])
def test_neighbours_are_torchs_bilinear(n_out, n_in):
    x = rand(1, 1, n_in)
    a, b, share = neighbours(n_out, n_in, x)
    ours = torch.lerp(x[0, 0, a], x[0, 0, b], share)
    theirs = torch.nn.functional.interpolate(x, n_out, mode="linear", align_corners=False)[0, 0]
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_enlarged_rows_do_not_depend_on_the_block():
    small = rand(3, 5, 7)
    e = Enlarger(small, 23, 31)
    parts = torch.cat([e.rows(b) for b in row_blocks(23, 31, pixels=100)], dim=1)
    assert torch.allclose(parts, e.rows(slice(0, 23)), atol=1e-14)
    assert parts.shape == (3, 23, 31)


def test_local_lines_find_an_exact_line():
    y = rand(1, 12, 12)
    chroma = torch.cat([0.3 * y - 0.1, -0.2 * y + 0.05, 0.1 * y])
    a, b = local_lines(chroma, y, radius=2, eps=0.0)
    want = torch.tensor([0.3, -0.2, 0.1], dtype=a.dtype).view(3, 1, 1)
    assert torch.allclose(a, want.expand_as(a), atol=1e-9)
    assert torch.allclose(a * y + b, chroma, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_constant_chroma_stays_constant(method):
    y = rand(1, 40, 50)
    y_small = rand(1, 10, 12, seed=1)
    chroma = torch.tensor([0.1, -0.05, -0.05], dtype=y.dtype).view(3, 1, 1).expand(3, 10, 12)
    full = torch.cat([c for _, c in enlarge_chroma(chroma, y_small, y, method=method)], dim=1)
    assert torch.allclose(full, chroma[:, :1, :1].expand(3, 40, 50), atol=1e-9)


@pytest.mark.parametrize("H, W", [(1, 1), (1, 50), (50, 1), (2, 3)])
@pytest.mark.parametrize("method", METHODS)
def test_tiny_and_thin_pictures(method, H, W):
    h, w = working_size(H, W, 8)
    out = list(enlarge_chroma(rand(3, h, w), rand(1, h, w), rand(1, H, W), method=method))
    assert torch.cat([c for _, c in out], dim=1).shape == (3, H, W)
    assert all(bool(torch.isfinite(c).all()) for _, c in out)


def test_working_size():
    assert working_size(427, 640, 64) == (64, 96)
    assert working_size(5000, 10000, 64) == (64, 128)
    assert working_size(1, 5000, 64) == (4, 4096)  # 65,536 pixels at most, once padded
    for H, W in ((1, 50_000_000), (1, 5000), (3, 1_000_000), (40, 900_000)):  # no way around that
        h, w = working_size(H, W, 64)
        assert h >= 1 and 30_000 < max(h, 16) * w <= 65_536
        assert working_size(W, H, 64) == (w, h)
    assert working_size(1, 1, 64) == (4, 4)
    assert working_size(16, 16, 64) == (64, 64)
    h, w = working_size(100, 500_000, 64)
    assert h >= 1 and h * w <= 65_536


def test_unknown_method():
    with pytest.raises(JGMError, match="choose detail, guided, fusion, bilinear"):
        list(enlarge_chroma(rand(3, 2, 2), rand(1, 2, 2), rand(1, 4, 4), method="magic"))


def test_real_photo_comes_back_and_detail_beats_bilinear():
    x = torch.tensor(read_photo(samples.load("coffee")).rgb()).permute(2, 0, 1)
    scores = {key[2]: found["psnr"] for key, found in scores_of(x, (64,), DEFAULTS)}
    grey = scores.pop("grey replica")
    assert set(scores) == set(METHODS)
    assert all(s > grey + 8 for s in scores.values())
    assert scores["detail"] > scores["bilinear"] > scores["guided"]


def test_a_long_strip_needs_no_more_memory_than_its_pixels():
    """Two neighbours a pixel; as a matrix the weights of this one would be 16 GB."""
    before = peak_mb()
    out = list(enlarge_chroma(rand(3, 1, 4096), rand(1, 1, 4096), rand(1, 1, 500_000)))
    assert torch.cat([c for _, c in out], dim=1).shape == (3, 1, 500_000)
    assert peak_mb() - before < 500
