"""The preconditioned UNet: what it is before training, its sizes and its two noise inputs."""

import pytest
import torch

from jgm_lib.errors import JGMError
from jgm_lib.networks import build
from jgm_lib.networks.unet import Attention, ResBlock
from jgm_lib.operators import from_basis, to_basis

MEAN = [0.8, 0.02, -0.03, 0.01, 0.0, 0.0, -0.02, 0.0, 0.01]
SPREAD = [0.42, 0.12, 0.05, 0.13, 0.02, 0.01, 0.12, 0.018, 0.01]


def tiny(channels=9, head=0.0, widths=(8, 16), **settings):
    torch.manual_seed(0)
    model = (
        build(
            "unet",
            channels=channels,
            widths=widths,
            mean=MEAN[:channels],
            spread=SPREAD[:channels],
            **settings,
        )
        .double()
        .eval()
        .requires_grad_(False)
    )
    if head:  # an untrained network whose answer depends on everything it sees
        generator = torch.Generator().manual_seed(1)
        for p in model.parameters():
            p.data += head * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return model


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("channels", [9, 6, 3])
def test_untrained_it_is_the_best_linear_denoiser_of_each_channel(channels):
    """A zero head leaves m + c_skip (U - m) with c_skip = d^2/(sigma^2 + d^2), channel by channel:
    the exact denoiser of independent channels of spread d."""
    model, X = tiny(channels), draw(0, 2, channels, 4, 4)
    sigma, sigma_y = torch.tensor([0.3, 2.0]).double(), torch.tensor([0.01, 2.0]).double()
    out = to_basis(model.denoise(X, sigma, sigma_y))
    for b in range(2):
        for c in range(channels):
            s = float(sigma_y[b] if c % 3 == 0 else sigma[b])
            m, d = float(model.mean[0, c]), float(model.spread[0, c])
            expected = m + d**2 / (s**2 + d**2) * (to_basis(X)[b, c] - m)
            torch.testing.assert_close(out[b, c], expected, rtol=0, atol=1e-12)


def test_preconditioning_of_the_trained_network():
    """D = m + c_skip V + c_out net(c_in V, ln sigma_y/4, ln sigma/4)."""
    model, U = tiny(head=0.1), draw(0, 2, 9, 8, 8)
    sigma, sigma_y = torch.tensor([0.3, 2.0]).double(), torch.tensor([0.01, 2.0]).double()
    s = sigma.view(2, 1, 1, 1).repeat(1, 9, 1, 1)
    s[:, ::3] = sigma_y.view(2, 1, 1, 1)
    d, V = model.spread, U - model.mean
    net = model.network(V / (s**2 + d**2).sqrt(), sigma_y.log() / 4, sigma.log() / 4)
    skip, out = d**2 / (s**2 + d**2), s * d / (s**2 + d**2).sqrt()
    expected = model.mean + skip * V + out * net
    assert float(net.abs().max()) > 0.1
    got = model.denoise_basis(U, sigma, sigma_y)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(model(U, sigma, sigma_y), got, rtol=0, atol=0)
    torch.testing.assert_close(
        model.denoise(from_basis(U), sigma, sigma_y), from_basis(got), rtol=0, atol=1e-12
    )


def test_tiny_sigma_returns_its_input_and_the_two_levels_both_count():
    model, X = tiny(head=0.1), draw(1, 1, 9, 8, 8)
    assert float((model.denoise(X, 1e-6) - X).abs().max()) < 1e-4
    same = model.denoise(X, 0.3)
    assert torch.equal(same, model.denoise(X, 0.3, 0.3))
    assert float((same - model.denoise(X, 0.3, 0.002)).abs().max()) > 1e-2
    # the noise inputs are told apart: with the same scaling of the channels, swapped levels differ
    a, b = torch.tensor([-0.3]).double(), torch.tensor([0.4]).double()
    h = draw(2, 1, 9, 8, 8)
    assert float((model.network(h, a, b) - model.network(h, b, a)).abs().max()) > 1e-3


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (5, 4), (7, 9), (8, 8)])
def test_any_size_goes_in_and_comes_out(size):
    model, X = tiny(head=0.1), draw(3, 2, 9, *size)
    out = model.denoise(X, 0.5)
    assert out.shape == X.shape and bool(torch.isfinite(out).all())


def test_padding_repeats_the_edge():
    """A 5 x 6 picture is seen as the 8 x 8 one that continues its last row and column."""
    model, h = tiny(head=0.1), draw(4, 1, 9, 5, 6)
    rows, columns = [0, 1, 2, 3, 4, 4, 4, 4], [0, 1, 2, 3, 4, 5, 5, 5]
    c = torch.tensor([-0.1]).double()
    whole = model.network(h[:, :, rows][..., columns], c, c)[..., :5, :6]
    torch.testing.assert_close(model.padded(h, c, c), whole, rtol=0, atol=1e-12)


def test_batched_equals_alone_with_a_level_for_each():
    model, X = tiny(head=0.1), draw(5, 3, 9, 6, 6)
    sigma, sigma_y = torch.tensor([[0.1, 1.0, 5.0], [0.1, 0.002, 5.0]], dtype=torch.float64)
    together = model.denoise(X, sigma, sigma_y)
    for i in range(3):
        alone = model.denoise(X[i : i + 1], float(sigma[i]), float(sigma_y[i]))
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-12)


def test_unknown_names_are_refused():
    with pytest.raises(JGMError, match="choose .*unet"):
        build("unit")
    with pytest.raises(JGMError, match="no setting 'width'; it takes .*widths"):
        build("unet", width=8)


def test_blocks_start_as_the_identity_so_that_training_starts_from_the_linear_denoiser():
    h, emb = draw(6, 2, 8, 4, 4), draw(7, 2, 4)
    assert torch.equal(ResBlock(8, 8, 4).double()(h, emb), h)
    assert torch.equal(Attention(8).double()(h), h)


def test_two_blocks_a_level_meet_their_own_level_again_on_the_way_up():
    """The last block sees beside its own state what the first one saw, at the finest level."""
    model, seen = tiny(head=0.1, blocks=2), []
    model.down[0][0].register_forward_hook(lambda *a: seen.append(a[2]))
    model.up[-1][-1].register_forward_pre_hook(lambda _, a: seen.append(a[0]))
    model.denoise(draw(3, 1, 9, 8, 8), 0.5)
    assert torch.equal(seen[1][:, 8:], seen[0])


def test_only_the_lowest_level_forgets_and_only_in_training():
    model = tiny(head=0.1, widths=(8, 8, 8), dropout=0.5)
    h, emb = draw(3, 1, 8, 8, 8), draw(4, 1, 32)
    *finer, low = (level[0] for level in model.down)
    for training, forgets in ((False, False), (True, True)):
        model.train(training)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            assert torch.equal(low(h, emb), low(h, emb)) is not forgets
            assert all(torch.equal(block(h, emb), block(h, emb)) for block in finer)


def test_without_measured_channels_pictures_are_taken_to_spread_by_a_half_around_zero():
    model, X = build("unet", channels=3, widths=(8, 16)).double(), draw(0, 1, 3, 8, 8)
    torch.testing.assert_close(model.denoise(X, 0.5), X / 2, rtol=0, atol=1e-12)
    torch.testing.assert_close(model.denoise(X, 1.0), X / 5, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", [dict(patch=0), dict(gradient_scale=0.0)])
def test_a_scale_of_nothing_is_refused(settings):
    with pytest.raises(ValueError, match="need above 0"):
        build("unet", **settings)
