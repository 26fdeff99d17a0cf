"""RefineNet: the paper's network, held to its numbers and to hand-written formulas."""

import math
from collections import Counter

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import refinenet
from jgm_lib.data.toy import ToyScenes
from jgm_lib.errors import JGMError
from jgm_lib.joint import join
from jgm_lib.losses import random_level_loss
from jgm_lib.networks.refine_blocks import (
    ChainedPooling,
    Fusion,
    LevelNorm,
    ResBlock,
    ResidualUnits,
)
from jgm_lib.networks.refinenet import SIGMAS, RefineNet


@pytest.fixture(scope="module")
def paper():
    """The authors' size, on the meta device: shapes and operations without the arithmetic."""
    with torch.device("meta"):
        return RefineNet()


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return RefineNet(ngf=4).double()


def picture(B=2, H=12, W=16, seed=0):
    g = torch.Generator().manual_seed(seed)
    return join(torch.rand(B, 3, H, W, generator=g, dtype=torch.float64), 0.5)


# The network of the paper


def test_parameter_count(paper):
    assert sum(p.numel() for p in paper.parameters()) == 30_131_465


def test_operation_count(paper):
    with FlopCounterMode(display=False) as counter:
        out = paper(torch.empty(1, 9, 128, 128, device="meta"), 0)
    assert out.shape == (1, 9, 128, 128)
    assert counter.get_total_flops() / 1e9 == pytest.approx(317.03, rel=0.01)


def test_convolutions(paper):
    """(in, out, kernel, dilation, bias) of every convolution, written down block by block."""
    expected = Counter(
        {
            (9, 128, 3, 1, True): 1,  # stem
            (128, 128, 3, 1, True): 4 + 1 + 2,  # stage 1; first of the down block; R4's MSF
            (128, 256, 3, 1, True): 1,  # second of the down block
            (128, 256, 1, 1, True): 1,  # its shortcut
            (256, 256, 3, 1, True): 2 + 2,  # stage 2's plain block; R2's MSF
            (256, 256, 3, 2, True): 3 + 2,  # stage 3: down block with shortcut, dilated block
            (256, 256, 3, 4, True): 3 + 2,  # stage 4 likewise
            # R1: RCU 4, CRP 2, RCU 2; R2: RCU 4 on each of two, CRP 2, RCU 2; R3: RCU 4 on each of two
            (256, 256, 3, 1, False): 8 + 12 + 8,
            (256, 128, 3, 1, True): 2,  # R3's MSF
            # R3: CRP 2, RCU 2; R4: RCU 4 on each of two, CRP 2, RCU 6
            (128, 128, 3, 1, False): 4 + 16,
            (128, 9, 3, 1, True): 1,  # head
        }
    )
    found = Counter(
        (m.in_channels, m.out_channels, m.kernel_size[0], m.dilation[0], m.bias is not None)
        for m in paper.modules()
        if isinstance(m, nn.Conv2d)
    )
    assert found == expected


def test_every_norm_knows_ten_levels(paper):
    norms = [m for m in paper.modules() if isinstance(m, LevelNorm)]
    assert {m.embed.num_embeddings for m in norms} == {10}
    # Two a residual block (8 blocks), one a convolution without bias (48), one an MSF input (6),
    # one before the head.
    assert len(norms) == 16 + 48 + 6 + 1


def test_the_resolution_halves_only_once(small):
    sizes, handles = [], []
    for stage in small.stages:
        handles.append(stage[-1].register_forward_hook(lambda m, i, o: sizes.append(o.shape[1:])))
    small(picture(1, 12, 16), 0)
    [h.remove() for h in handles]
    assert sizes == [(4, 12, 16), (8, 6, 8), (8, 6, 8), (8, 6, 8)]


def test_levels_are_geometric():
    assert (SIGMAS[0], SIGMAS[-1], len(SIGMAS)) == pytest.approx((1, 0.01, 10), rel=1e-12)
    ratios = [a / b for a, b in zip(SIGMAS, SIGMAS[1:], strict=False)]
    assert ratios == pytest.approx([100 ** (1 / 9)] * 9, rel=1e-12)


# The parts against their formulas


def test_level_norm_formula():
    norm = LevelNorm(5, 3).double()
    g = torch.Generator().manual_seed(1)
    nn.init.normal_(norm.embed.weight, generator=g)
    x = torch.randn(2, 5, 4, 6, dtype=torch.float64, generator=g) * 3 + 1
    out = norm(x, torch.tensor([2, 0]))
    for b, k in enumerate((2, 0)):
        gamma, alpha, beta = norm.embed.weight[k].view(3, 5)
        means = torch.stack([x[b, c].sum() / 24 for c in range(5)])
        spread = ((means - means.sum() / 5).square().sum() / 4 + 1e-5).sqrt()
        for c in range(5):
            variance = (x[b, c] - means[c]).square().sum() / 24
            h = (x[b, c] - means[c]) / (variance + 1e-5).sqrt()
            m = (means[c] - means.sum() / 5) / spread
            assert torch.allclose(out[b, c], gamma[c] * (h + alpha[c] * m) + beta[c], atol=1e-12)


def test_level_norm_start():
    torch.manual_seed(0)
    gamma, alpha, beta = LevelNorm(200, 10).embed.weight.detach().chunk(3, dim=1)
    for part in (gamma, alpha):
        assert float(part.mean()) == pytest.approx(1, abs=0.003)
        assert float(part.std()) == pytest.approx(0.02, rel=0.1)
    assert not beta.any()


@pytest.mark.parametrize(
    "settings, shape",
    [
        (dict(c_in=4, c_out=8, down=True), (8, 4, 5)),
        (dict(c_in=8, c_out=8, down=True, dilation=2), (8, 8, 10)),
        (dict(c_in=8, c_out=8, dilation=4), (8, 8, 10)),
    ],
)
def test_residual_shortcut(settings, shape):
    """With the second convolution at zero only the shortcut is left."""
    block = ResBlock(levels=1, **settings).double()
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    x = torch.randn(1, settings["c_in"], 8, 10, dtype=torch.float64)
    expected = block.skip(x)
    if shape[1] == 4:  # 2x2 means, by hand
        expected = expected.reshape(1, 8, 4, 2, 5, 2).mean((3, 5))
    out = block(x, torch.tensor([0]))
    assert out.shape[1:] == shape
    assert torch.allclose(out, expected, atol=1e-12)


class Same(nn.Module):
    """In place of a norm, so that the rest of a block can be followed by hand."""

    def forward(self, x, k):
        return x


class Constant(nn.Module):
    """In place of the decoder: one number everywhere."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, inputs, k):
        return torch.full_like(inputs[0], self.value)


def transparent(block):
    """Every norm and convolution of ``block`` becomes the identity."""
    block.norms = nn.ModuleList(Same() for _ in block.norms)
    for c in block.convs:
        nn.init.dirac_(c.weight)
        if c.bias is not None:
            nn.init.zeros_(c.bias)
    return block.double()


def test_residual_units_by_hand():
    unit = transparent(ResidualUnits(2, 1, 1))
    x = torch.tensor([1.0, -1.0], dtype=torch.float64).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    elu = math.exp(-1) - 1
    expected = torch.tensor([1 + 1, -1 + math.exp(elu) - 1], dtype=torch.float64)
    assert torch.allclose(unit(x, 0)[0, :, 1, 1], expected, atol=1e-15)


def test_chained_pooling_by_hand():
    """On a constant c > 0: c + c + c far from the edge, and windows cut at the edge count as 0."""
    pool = transparent(ChainedPooling(2, 1))
    out = pool(torch.full((1, 2, 11, 11), 0.5, dtype=torch.float64), 0)
    assert float(out[0, 0, 5, 5].detach()) == pytest.approx(1.5, abs=1e-14)
    once, twice = 3 / 5, (3 + 4 + 5) / 25  # along one side, at the corner
    corner = 0.5 * (1 + once**2 + twice**2)
    assert float(out[0, 0, 0, 0].detach()) == pytest.approx(corner, abs=1e-14)
    negative = pool(torch.full((1, 2, 11, 11), -1.0, dtype=torch.float64), 0)
    assert float(negative[0, 0, 5, 5].detach()) == pytest.approx(3 * math.expm1(-1), abs=1e-14)


def test_fusion_by_hand():
    """A ramp resized with aligned corners stays the ramp between the same end values."""
    fuse = transparent(Fusion([1, 1], 1, 1))
    coarse = torch.tensor([0.0, 3.0], dtype=torch.float64).expand(1, 1, 2, 2)
    fine = torch.full((1, 1, 4, 4), -10.0, dtype=torch.float64)
    expected = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64) - 10
    assert torch.allclose(fuse([fine, coarse], 0, (4, 4)), expected.expand(1, 1, 4, 4), atol=1e-14)


def test_residual_block_and_head_are_elu():
    """Norms and convolutions as identities: block(-1) = -1 + elu(elu(-1)), head(-1) = elu(-1)."""
    block = ResBlock(2, 2, 1).double()
    for c in (block.conv1, block.conv2):
        nn.init.dirac_(c.weight)
        nn.init.zeros_(c.bias)
    block.norm1 = block.norm2 = Same()
    x = torch.full((1, 2, 3, 3), -1.0, dtype=torch.float64)
    expected = -1 + math.expm1(math.expm1(-1))
    assert block(x, 0)[0, :, 1, 1].tolist() == pytest.approx([expected] * 2, abs=1e-14)
    net = RefineNet(channels=3, ngf=3).double()
    net.refine[-1] = Constant(-1.0)
    net.head_norm = Same()
    nn.init.dirac_(net.head.weight)
    nn.init.zeros_(net.head.bias)
    head = net(picture(1, 8, 8)[:, :3], 0)[0, :, 4, 4].tolist()
    assert head == pytest.approx([math.expm1(-1)] * 3, abs=1e-14)


def test_input_is_the_stored_tensor_mapped_to_minus_one_one(small):
    X = picture()
    stored = torch.cat([X[:, :3], X[:, 3:] + 0.5], dim=1)  # (g + 1) / 2 = g / 2 + 1 / 2
    assert torch.allclose(small.network_input(X), 2 * stored - 1, atol=1e-15)
    assert torch.equal(RefineNet(channels=3, ngf=2).network_input(X[:, :3]), 2 * X[:, :3] - 1)
    assert torch.equal(RefineNet(channels=6, ngf=2).network_input(X[:, 3:]), 2 * X[:, 3:])


def test_every_parameter_takes_part(small):
    """A parameter without gradient is a branch that was built and forgotten."""
    small.zero_grad()
    small(picture(1), 3).square().sum().backward()
    silent = [n for n, p in small.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
    rows = {
        tuple(m.embed.weight.grad.abs().sum(1).nonzero().flatten().tolist())
        for m in small.modules()
        if isinstance(m, LevelNorm)
    }
    assert rows == {(3,)}


# Calling it


def test_denoise_is_tweedie_on_each_level(small):
    X = picture()
    for k in (0, 4, 9):
        expected = X + SIGMAS[k] ** 2 * small(X, k)
        assert torch.allclose(small.denoise(X, SIGMAS[k]), expected, atol=1e-7)


def test_a_batch_of_levels_equals_one_by_one(small):
    X = picture(B=3)
    sigma = torch.tensor([SIGMAS[7], SIGMAS[0], SIGMAS[4]])  # float32: rounded
    one_by_one = torch.cat(
        [small.denoise(X[i : i + 1], SIGMAS[k]) for i, k in enumerate((7, 0, 4))]
    )
    assert torch.allclose(small.denoise(X, sigma), one_by_one, atol=1e-12)
    assert not torch.allclose(small(X, 0), small(X, 9), atol=1e-3)  # the level matters


@pytest.mark.parametrize("H, W", [(1, 1), (1, 9), (3, 2), (5, 7), (17, 10)])
def test_any_size(small, H, W):
    out = small.denoise(picture(1, H, W), 1.0)
    assert out.shape == (1, 9, H, W)
    assert torch.isfinite(out).all()


def test_sides_under_four_are_edge_padded(small):
    X = picture(1, 2, 9)
    padded = torch.cat([X, X[:, :, -1:], X[:, :, -1:]], dim=2)
    assert torch.allclose(small(X, 2), small(padded, 2)[:, :, :2], atol=1e-12)


def test_state_dict_keys_are_stable(small):
    keys = list(small.state_dict())
    assert keys == [n for n, _ in small.named_parameters()]  # no hidden buffers
    assert len(keys) == 2 * 27 + 48 + 71  # convolutions with bias, without, norms
    for key in (
        "stem.weight",
        "stages.1.0.skip.bias",
        "stages.3.1.norm2.embed.weight",
        "refine.0.adapt.0.convs.3.weight",
        "refine.2.fuse.convs.1.bias",
        "refine.3.pool.norms.1.embed.weight",
        "refine.3.out.convs.5.weight",
        "head_norm.embed.weight",
        "head.bias",
    ):
        assert key in keys
    twin = RefineNet(ngf=4).double()
    twin.load_state_dict(small.state_dict())
    assert torch.equal(twin(picture(1), 1), small(picture(1), 1))


def test_a_small_one_learns():
    """Four pictures, sixty steps: the score-matching loss falls well below that of score 0,
    which is 1 +- 0.013 (the mean of 5 x 2,304 squared normal numbers)."""
    torch.manual_seed(0)
    net = RefineNet(ngf=8, sigmas=(1.0, 0.3))
    X = picture(4, 8, 8).float()
    k = torch.tensor([0, 1, 0, 1])
    sigma = torch.tensor(net.sigmas)[k][:, None, None, None]
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        z = torch.randn(X.shape)
        loss = (sigma * net(X + sigma * z, k) + z).square().mean()  # 1 for score 0
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) / 5 < 0.9


def test_score_matching_loss_reaches_it():
    """Eq 9 of a network that says 0 everywhere is half the mean square of the noise."""
    net = RefineNet(ngf=2)
    nn.init.zeros_(net.head.weight)
    nn.init.zeros_(net.head.bias)
    x = picture(8, 16, 16)[:, :3].float()
    loss = random_level_loss(net, x, torch.Generator().manual_seed(0))
    assert loss.item() == pytest.approx(0.5, abs=0.03)  # 18,432 numbers: 6 standard errors
    loss.backward()
    assert net.head.weight.grad.abs().sum() > 0


def test_scaled_start_only_scales_the_last_gamma():
    """Same seed: the same network but for the last gammas, each 1/sigma_k times what it was."""
    nets = []
    for scaled in (False, True):
        torch.manual_seed(3)
        nets.append(RefineNet(ngf=4, scaled_start=scaled).state_dict())
    plain, scaled = nets
    assert plain.keys() == scaled.keys()
    assert {k for k in plain if not torch.equal(plain[k], scaled[k])} == {"head_norm.embed.weight"}
    a, b = (n["head_norm.embed.weight"] for n in nets)
    torch.testing.assert_close(b[:, :4], a[:, :4] / torch.tensor(SIGMAS)[:, None])
    assert torch.equal(a[:, 4:], b[:, 4:])


def test_short_training_makes_a_denoiser_at_every_level():
    """A narrow RefineNet removes noise of every level from scenes it has not seen; with the
    authors' start nothing is removed yet at the lowest."""
    scenes = ToyScenes(16)
    card = refinenet.CARD.model_copy(
        update=dict(size=16, steps=150, warmup=30, ema=0.9, precision="no")
    )
    X = join(scenes.sample(16, seed=10**6).images, 0.5)
    z = torch.randn(X.shape, generator=torch.Generator().manual_seed(1))
    left = {}  # share of the noise variance that is left, level by level
    for scaled in (False, True):
        settings = {"ngf": 16, "scaled_start": scaled}
        model = refinenet.train(card.model_copy(update={"settings": settings}))[0]
        with torch.no_grad():
            errors = [model.denoise(X + s * z, s) - X for s in SIGMAS]
        left[scaled] = [float((e / s).square().mean()) for e, s in zip(errors, SIGMAS, strict=True)]
    assert max(left[True]) < 0.85  # measured 0.76 at the lowest level, 0.45 at the highest
    assert left[False][-1] > 0.95  # 1.00


# Faults


@pytest.mark.parametrize("sigma", [0.5, 2.0, 0.0, -1.0, 1.001, float("nan"), float("inf")])
def test_sigma_outside_the_list(small, sigma):
    with pytest.raises(JGMError, match="trained on 1, 0.5995, .*, 0.01 only"):
        small.denoise(picture(), sigma)


def test_sigma_tolerance(small):
    assert small.level(1 + 0.9e-4) == 0
    with pytest.raises(JGMError, match="sigma=1.00011"):
        small.level(1 + 1.1e-4)
    with pytest.raises(JGMError, match="sigma=0.7 "):
        small.level(torch.tensor([1.0, 0.7]))


def test_two_noise_levels_are_refused(small):
    X = picture()
    same = small.denoise(X, 1.0, sigma_y=torch.tensor([1.0, 1.0]))
    assert torch.equal(same, small.denoise(X, 1.0))
    for sigma_y in (SIGMAS[9], torch.tensor([1.0, SIGMAS[3]])):
        with pytest.raises(JGMError, match="sigma_y must be sigma"):
            small.denoise(X, 1.0, sigma_y=sigma_y)
    with pytest.raises(JGMError, match="sigma=0.002 is not a level"):
        small.denoise(X, 1.0, sigma_y=0.002)


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(channels=4), "channels=4: choose 9"),
        (dict(ngf=1), "ngf=1: need"),
        (dict(ngf=16.0), "ngf=16.0: need"),
        (dict(sigmas=()), "sigmas="),
        (dict(sigmas=(0.1, 1.0)), "falling"),
        (dict(sigmas=(1.0, 0.0)), "above 0"),
        (dict(sigmas=(1.0, float("nan"))), "falling"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(JGMError, match=message):
        RefineNet(**{"ngf": 2, **settings})


def test_bad_input(small):
    for X in (picture()[:, :3], picture()[0], picture()[:, :, :0]):
        with pytest.raises(JGMError, match=r"need \(B,9,H,W\)"):
            small(X, 0)
    for k in (10, -1, 0.0, torch.tensor([0, 12])):
        with pytest.raises(JGMError, match="need integers 0 to 9"):
            small(picture(), k)
