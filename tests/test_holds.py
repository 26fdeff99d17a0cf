"""Faults that once passed unseen: each test here was watched failing with its fault put in.

Versions drawn from one seed, FiLM's halves exchanged, another pooling, a block cut along the wrong
axis, a step limit that forgets three channels, the wrong prior's scale.
"""

import itertools

import pytest
import torch
from rats import last

from jgm_lib import Colorizer, checkpoints, fusion
from jgm_lib.colorize import version_seeds
from jgm_lib.divide import Divided
from jgm_lib.joint import join
from jgm_lib.networks.unet import ResBlock
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import ColorizeCard
from jgm_lib.samplers import SAMPLERS
from jgm_lib.score import GaussianDenoiser

SHORT = dict(steps=4, L=3, T=4, epsilon=1e-4)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(*shape):
    """A fixed picture in closed form, (1,C,H,W): the same on every machine and torch version."""
    axes = [torch.arange(n, dtype=torch.float64) for n in shape]
    c, i, j = torch.meshgrid(*axes, indexing="ij")
    wave = 0.5 * torch.sin(0.9 * c + 0.37 * i + 0.23 * j) + 0.4 * torch.cos(1.7 * c + i * j / 36)
    return wave[None].float()


# -- versions and seeds --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer.from_pretrained("toy-32")


def a_grey():
    return 0.5 + 0.3 * waves(1, 32, 32)[0]


def versions(colorizer, **settings):
    card = ColorizeCard(**SHORT | dict(n=3) | settings)
    return last(colorizer.draw(a_grey(), a_grey(), gray_weights(card.gray), card)).x


def test_every_version_has_its_own_seed_and_more_versions_change_none():
    assert len(set(version_seeds(0, 64))) == 64
    assert version_seeds(5, 9)[:4] == version_seeds(5, 4)
    assert not set(version_seeds(0, 64)) & set(version_seeds(1, 64))


@pytest.mark.parametrize("weights", ["mean", "bt601"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_keeps_the_grey_and_draws_colours_by_seed(colorizer, sampler, weights):
    """The whole promise of a draw, of each sampler with trained weights."""
    settings = dict(sampler=sampler, gray=weights, seed=3)
    x, again = versions(colorizer, **settings), versions(colorizer, **settings)
    other = versions(colorizer, **settings | dict(seed=4))
    assert torch.equal(x, again)
    every = torch.cat([x, other]).flatten(1)
    assert float(torch.pdist(every).min()) / 3072**0.5 > 0.03  # RMS: no two of the six are alike
    y = a_grey()[None]
    assert float((gray(x, gray_weights(weights)) - y).abs().max()) < 1e-6
    assert float(x.min()) >= 0 and float(x.max()) <= 1
    colour = (x - y).square().mean((1, 2, 3)).sqrt()
    assert float(colour.min()) > 0.05  # and in the chroma, not in the grey


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_version_is_the_same_whatever_stands_beside_it(colorizer, sampler):
    few, many = (versions(colorizer, sampler=sampler, n=n) for n in (2, 4))
    torch.testing.assert_close(many[:2], few, rtol=0, atol=1e-4)


# -- the network ---------------------------------------------------------------------------------

LEVELS = ((0.5, 0.002), (2.0, 2.0), (0.05, 0.05))  # sigma, sigma_y
GOLDEN = {  # the file, then four numbers of the answer a level
    "scenes-64": (
        "9489df3f34d5",
        [
            [0.15121, -0.324177, 0.182915, 0.353438],
            [-0.004296, -0.019151, 0.020201, -0.009583],
            [0.621839, -0.411883, 0.143008, 0.258648],
        ],
    ),
    "toy-32": (
        "3f5112ded6c5",
        [
            [0.130731, -0.317602, 0.19324, 0.360792],
            [0.739316, 0.552925, 0.020595, -0.021358],
            [0.69811, -0.483677, 0.112374, 0.192661],
        ],
    ),
}


def answers(name):
    """Four numbers of the network's answer to the waves, at each pair of noise levels."""
    model, card = checkpoints.load(name)
    with torch.no_grad():
        D = [model.denoise(waves(9, 48, 32), *level) for level in LEVELS]
    return card["sha256"][:12], [d[0, [0, 1, 4, 8], [3, 40, 20, 31], [5, 30, 17, 9]] for d in D]


@pytest.mark.parametrize("name", GOLDEN)
def test_bundled_weights_answer_as_they_always_did(name):
    """Any change of the architecture that the file still loads into (another pooling, exchanged
    halves, another order of heads) moves these by more than 0.01; another processor by 1e-6."""
    sha, found = answers(name)
    kept, golden = GOLDEN[name]
    assert sha == kept, f"new weights: put answers({name!r}) into GOLDEN"
    torch.testing.assert_close(torch.stack(found), torch.tensor(golden), rtol=0, atol=1e-4)


def block(scale, shift):
    """A ResBlock that multiplies by 1 + scale, adds shift, and convolves with the identity."""
    net = ResBlock(8, 8, emb=4).double().requires_grad_(False)
    for conv in (net.conv1, net.conv2):
        torch.nn.init.dirac_(conv.weight)
        conv.bias.zero_()
    net.film.weight.zero_()
    net.film.bias[:8], net.film.bias[8:] = scale, shift
    return net


def test_film_multiplies_by_its_first_half_and_adds_its_second():
    h, scale, shift = draw(0, 2, 8, 3, 4), draw(1, 8), draw(2, 8)
    got = block(scale, shift)(h, draw(3, 2, 4))

    def norm(a):  # a group a channel here
        centred = a - a.mean((2, 3), keepdim=True)
        return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    r = norm(torch.nn.functional.silu(norm(h)))
    r = r * (1 + scale.view(8, 1, 1)) + shift.view(8, 1, 1)
    torch.testing.assert_close(got, h + r * torch.sigmoid(r), rtol=0, atol=1e-12)


def test_a_lower_level_sees_the_means_of_two_by_two_pixels():
    """A mean keeps a gradient's sum and halves white noise; a maximum would do neither."""
    model, _ = checkpoints.load("toy-32")
    seen = {}
    for i in range(model.levels):
        model.down[i][0].register_forward_pre_hook(lambda _, a, i=i: seen.update({i: a[0]}))
        model.down[i][-1].register_forward_hook(lambda *a, i=i: seen.update({f"out {i}": a[2]}))
    with torch.no_grad():
        model.denoise(waves(9, 32, 32), 0.3)
    for i in range(1, model.levels):
        above = seen[f"out {i - 1}"]
        means = sum(above[..., a::2, b::2] for a, b in itertools.product((0, 1), repeat=2)) / 4
        torch.testing.assert_close(seen[i], means)


# -- Eq 14 in blocks -----------------------------------------------------------------------------


@pytest.mark.parametrize("most", [30, 77, 500])
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_a_picture_larger_than_a_block_is_fused_as_a_small_one(monkeypatch, most, boundary):
    """Blocks bound the memory of a photograph; where they are cut must not show."""
    x, g1, g2 = draw(0, 3, 1, 3, 7, 11)
    whole = fusion.fuse(x, g1, g2, 5.9, boundary)
    monkeypatch.setattr(fusion._in_blocks, "__defaults__", (most,))
    torch.testing.assert_close(fusion.fuse(x, g1, g2, 5.9, boundary), whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dim", [-1, -2])
def test_blocks_are_whole_lines_and_no_larger_than_allowed(dim):
    x, seen = draw(0, 1, 2, 12, 24), []

    def spy(part, dim):
        seen.append(part.shape)
        return fusion.dct(part, dim)

    out = fusion._in_blocks(spy, x, dim, most=96)
    torch.testing.assert_close(out, fusion.dct(x, dim), rtol=0, atol=1e-12)
    assert len(seen) == 6 and all(s[dim] == x.shape[dim] and s.numel() <= 96 for s in seen)


# -- Eq 17 with priors of different scales -------------------------------------------------------


def gaussian(channels, H=2, W=2, scale=1.0):
    D = channels * H * W
    A = draw(channels, D, D)
    return GaussianDenoiser(torch.zeros(channels, H, W), A @ A.T, scale)


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_divided_gradients_are_read_at_the_scale_of_their_own_prior(scale):
    """A picture prior has no use for a scale and keeps its default; with that one, fusion would
    turn the true gradients into those of a paler or harsher picture."""
    model = Divided(gaussian(3), gaussian(6, scale=scale))
    x = draw(4, 1, 3, 6, 5)
    back = model.domain.picture(join(x, scale), beta=5.9)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-12)


def test_both_divided_priors_are_told_both_noise_levels():
    picture, gradients = gaussian(3), gaussian(6)
    X = draw(5, 2, 9, 2, 2)
    got = Divided(picture, gradients).denoise(X, 0.7, 0.1)
    alone = picture.denoise(X[:, :3], 0.7, 0.1), gradients.denoise(X[:, 3:], 0.7, 0.1)
    torch.testing.assert_close(got, torch.cat(alone, 1), rtol=0, atol=1e-12)
    for i, part in enumerate((slice(0, 3), slice(3, 9))):
        plain = (picture, gradients)[i].denoise(X[:, part], 0.7)
        assert float((got[:, part] - plain).abs().max()) > 0.01
