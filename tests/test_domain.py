"""The domains: inverses, what a photograph tells of each, and networks and rats that live in them."""

import dataclasses

import numpy as np
import pytest
import torch
from rats import Batch, last

from jgm_lib import Colorizer, JGMError, checkpoints
from jgm_lib.constraint import Observation, gray_groups
from jgm_lib.divide import Divided
from jgm_lib.domain import DOMAINS, Gradients, Haar, Joint, RgbYcbcr, domain_of
from jgm_lib.joint import join
from jgm_lib.networks import build
from jgm_lib.operators import gray, gray_weights
from jgm_lib.params import TrainCard
from jgm_lib.samplers import SAMPLERS
from jgm_lib.score import GaussianDenoiser, MixtureDenoiser
from jgm_lib.training import fit
from jgm_lib.training.runs import export_run, start

MEAN, BT601 = gray_weights("mean"), gray_weights("bt601")
JPEG = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)  # BT.601 with three digits


def pictures(n=2, H=6, W=8, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, H, W, generator=g, dtype=torch.float64)


def inside(x):
    """Pictures whose colours stay away from the gamut's faces."""
    return 0.4 + 0.2 * x


# -- x -> X -> x -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
def test_the_picture_comes_back(name, boundary):
    domain, x = DOMAINS[name](0.5).at(boundary), pictures()
    X = domain.tensor(x)
    assert X.shape == (2, domain.channels, 6 // domain.shrink, 8 // domain.shrink)
    for beta in (0.0, 5.9):
        back = domain.picture(X, beta)
        if name == "gradients":
            back = back + x.mean((-2, -1), keepdim=True)
        torch.testing.assert_close(back, x, rtol=0, atol=1e-12)


def test_the_joint_domains_hold_the_picture_and_its_differences():
    x = pictures()
    X = Joint(0.5).tensor(x)
    assert torch.equal(X, join(x, 0.5)) and torch.equal(Gradients(0.5).tensor(x), X[:, 3:])
    assert torch.equal(DOMAINS["intensity"]().tensor(x), x)


def test_ycbcr_is_that_of_jpeg():
    """Known values of BT.601 in full range, Cb and Cr about 0; a grey pixel has neither."""
    pixels = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.3, 0.3, 0.3]]).double()
    X = RgbYcbcr().tensor(pixels[:, :, None, None])[:, 3:, 0, 0]
    wanted = [
        [0.299, -0.168736, 0.5],
        [0.587, -0.331264, -0.418688],
        [0.114, 0.5, -0.081312],
        [0.3, 0.0, 0.0],
    ]
    np.testing.assert_allclose(X, wanted, atol=1e-6)


def test_what_ycbcr_says_beyond_the_gamut_is_clipped_before_the_mean():
    x = pictures(1)
    X = RgbYcbcr().tensor(torch.cat([x, 1 + x]))
    X = torch.cat([X[:1, :3], X[1:, 3:]], 1)  # RGB of one picture, YCbCr of a too bright one
    torch.testing.assert_close(RgbYcbcr().picture(X), (x + 1) / 2, rtol=0, atol=1e-12)


def test_haar_is_orthonormal_and_sorted_by_subband():
    eye = torch.eye(48, dtype=torch.float64).view(48, 3, 4, 4)
    M = Haar().tensor(eye).flatten(1)
    torch.testing.assert_close(M @ M.T, torch.eye(48, dtype=torch.float64), rtol=0, atol=1e-14)
    pixel = torch.tensor([[1.0, 2.0], [3.0, 5.0]]).expand(1, 3, 2, 2) * torch.tensor(
        [1.0, 10.0, 100.0]
    ).view(1, 3, 1, 1)
    sums, across, down, diagonal = Haar().tensor(pixel).view(4, 3)
    for band, value in ((sums, 5.5), (across, -1.5), (down, -2.5), (diagonal, 0.5)):
        assert band.tolist() == [value, 10 * value, 100 * value]


def test_haar_needs_even_sides():
    with pytest.raises(JGMError, match="needs even sides"):
        Haar().tensor(pictures(1, 5, 4))


# -- what a photograph tells -----------------------------------------------------------------------


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("f", [MEAN, BT601, JPEG], ids=["mean", "bt601", "jpeg"])
def test_the_known_part_is_the_grey_of_every_group(name, f):
    domain, x = DOMAINS[name](0.5), pictures()
    X = domain.tensor(x)
    Y = gray_groups(X, domain.grayings(f))
    torch.testing.assert_close(domain.known(gray(x, f)), Y, rtol=0, atol=1e-12)


def test_ycbcr_under_its_own_graying_knows_the_luma_channel():
    second = RgbYcbcr().grayings(JPEG)[1]
    torch.testing.assert_close(second, torch.tensor([1.0, 0, 0]).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", DOMAINS)
def test_an_observation_projects_to_the_nearest_state_that_agrees(name):
    domain, y = DOMAINS[name](0.5), gray(pictures(), BT601)
    seen = Observation(y, BT601).within(domain)
    X = torch.randn(seen.like.shape, generator=torch.Generator().manual_seed(1)).double()
    P = seen.project(X)
    assert float(seen.error(P).abs().max()) < 1e-12
    torch.testing.assert_close(seen.project(P), P, rtol=0, atol=1e-12)
    Z = X - seen.seen_part(X)  # what the photograph does not show is at right angles
    assert abs(float(((X - P) * Z).sum())) < 1e-9 and float(Z.square().sum()) > 1
    torch.testing.assert_close(seen.seen_part(X - P), X - P, rtol=0, atol=1e-12)


def test_intensities_are_the_channels_from_0_to_1():
    counts = {name: sum(d().of_intensity()) for name, d in DOMAINS.items()}
    assert counts == {"joint": 3, "intensity": 3, "gradients": 0, "rgb-ycbcr": 6, "haar": 3}


# -- by name and by number of channels -------------------------------------------------------------


def test_a_domain_by_name_or_by_its_usual_number_of_channels():
    usual = {9: "joint", 3: "intensity", 6: "gradients", 12: "haar", None: "joint"}
    assert {c: domain_of(None, c).name for c in usual} == usual
    assert domain_of("rgb-ycbcr", None).channels == domain_of("rgb-ycbcr", 6).channels == 6
    assert domain_of(None, 9, 0.5) == Joint(0.5) != Joint(0.7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Joint().scale = 2.0


@pytest.mark.parametrize("network", ["unet", "refinenet"])
@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(channels=4), "channels=4: choose 9"),
        (dict(domain="lab"), "domain='lab' is unknown; choose joint"),
        (dict(domain="haar", channels=9), "channels=9: domain 'haar' has 12"),
    ],
)
def test_a_domain_that_does_not_fit_is_one_line(network, settings, message):
    with pytest.raises(JGMError, match=message) as error:
        build(network, **settings)
    assert "\n" not in str(error.value)


def test_context_needs_a_domain_as_large_as_the_picture():
    with pytest.raises(JGMError, match="context needs"):
        build("unet", domain="haar", widths=(8, 8, 8, 8), context=True)


def test_rats_have_domains_too():
    part = GaussianDenoiser(torch.zeros(6, 1, 2), torch.eye(12), 0.5, domain="rgb-ycbcr")
    assert part.domain == RgbYcbcr(0.5) and MixtureDenoiser([part], [1.0]).domain is part.domain
    rats = (GaussianDenoiser(torch.zeros(c, 1, 1), torch.eye(c), 0.5) for c in (3, 6))
    assert Divided(*rats).domain == Joint(0.5)
    with pytest.raises(JGMError, match="needs intensity"):
        Divided(GaussianDenoiser(torch.zeros(3, 1, 2), torch.eye(6)), part)


# -- priors in every domain ------------------------------------------------------------------------


def gaussian_pictures(H, W, seed=0):
    """Mean (3,H,W) and covariance (D,D) of Gaussian pictures about grey."""
    g = torch.Generator().manual_seed(seed)
    D = 3 * H * W
    A = torch.randn(D, D, generator=g, dtype=torch.float64)
    mean = 0.5 + 0.05 * torch.randn(3, H, W, generator=g, dtype=torch.float64)
    return mean, 0.03**2 * (A @ A.T / D + 0.3 * torch.eye(D, dtype=torch.float64))


def posterior(mean, cov, A, b):
    """Mean and covariance given A x = b."""
    K = cov @ A.T @ torch.linalg.inv(A @ cov @ A.T)
    m = mean.flatten() + K @ (b - A @ mean.flatten())
    return m, cov - K @ A @ cov


def rat_in(domain, mean, cov):
    """The exact prior of X = J x for pictures x ~ N(mean, cov)."""
    J = domain.tensor(torch.eye(len(cov), dtype=torch.float64).view(-1, *mean.shape)).flatten(1).T
    return GaussianDenoiser(domain.tensor(mean[None])[0], J @ cov @ J.T, domain=domain.name)


class HaarOf(Batch):
    """The noise that ``Batch`` would give a sampler of pictures, seen in the Haar domain."""

    def normal(self, like):
        B, C, h, w = like.shape
        return Haar().tensor(super().normal(like.new_empty(B, C // 4, 2 * h, 2 * w)))

    def uniform(self, like):
        B, C, h, w = like.shape
        u = super().uniform(like.new_empty(B, C // 4, 2 * h, 2 * w))
        return (Haar().tensor(2 * u - 1) + 1) / 2


CHAIN = dict(sigma_1=0.3, sigma_L=2e-3, L=10, T=40, epsilon=1.2e-6, feedback="none")
FINE = dict(steps=60, sigma_max=1.0, sigma_min=2e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_orthonormal_domain_changes_no_picture(sampler):
    """Haar turns pictures and noise alike, so the same noise draws the same pictures."""
    mean, cov = gaussian_pictures(4, 4)
    seen = Observation(gray(mean + 0.02 * pictures(3, 4, 4), BT601), BT601)
    models = GaussianDenoiser(mean, cov), rat_in(Haar(), mean, cov)
    settings = {**CHAIN, "T": 4} if sampler == "langevin" else dict(FINE, steps=8)
    draws = [
        last(SAMPLERS[sampler](model, seen, noise, **settings)).x
        for model, noise in zip(models, (Batch(0), HaarOf(0)), strict=True)
    ]
    torch.testing.assert_close(*draws, rtol=0, atol=1e-10)
    assert float(draws[0].std(0).mean()) > 1e-3


@pytest.mark.parametrize("sampler", ["nullspace", "predictor_corrector"])
def test_draws_in_ycbcr_are_those_of_the_posterior(sampler):
    """Of pictures whose luma and chroma vary apart, for which these samplers are right."""
    mean, cov = gaussian_pictures(2, 2)
    F = gray(torch.eye(12, dtype=torch.float64).view(12, 3, 2, 2), MEAN).flatten(1).T
    P = 3 * F.T @ F  # onto luma
    cov = P @ cov @ P + (torch.eye(12) - P) @ cov @ (torch.eye(12) - P)
    y = gray(mean[None], MEAN) + 0.02
    m, C = posterior(mean, cov, F, y.flatten())
    seen = Observation(y.expand(2000, -1, -1, -1), MEAN)
    state = last(SAMPLERS[sampler](rat_in(RgbYcbcr(), mean, cov), seen, Batch(0), **FINE))
    x, deviation = state.x.flatten(1), float(C.trace().sqrt())
    assert float((x.mean(0) - m).norm()) / deviation < 0.05
    assert float(torch.cov(x.T).trace().sqrt()) / deviation == pytest.approx(1, abs=0.1)
    assert state.residual < 1e-12


def test_split_noise_is_refused_where_luma_is_no_channel():
    model = GaussianDenoiser(torch.zeros(6, 1, 1), torch.eye(6), domain="rgb-ycbcr")
    seen = Observation(torch.full((1, 1, 1, 1), 0.5).double(), MEAN)
    with pytest.raises(JGMError, match="sampler split: domain 'rgb-ycbcr'") as error:
        next(SAMPLERS["split"](model, seen, Batch(0)))
    assert "\n" not in str(error.value)


# -- networks --------------------------------------------------------------------------------------

TINY = {"widths": [8, 16], "blocks": 1}


def card_of(name, **changes):
    settings = dict(
        name=f"tiny-{name}",
        settings={**TINY, "domain": name},
        size=16,
        steps=3,
        batch=4,
        warmup=1,
        isotropic=1.0,
    )
    return TrainCard(**settings | changes)


@pytest.mark.parametrize("name", DOMAINS)
def test_a_network_in_every_domain_trains_is_saved_and_colours(name, tmp_path):
    card = card_of(name)
    model, batches, about = start(card)
    assert model.domain.name == name and model.spread.shape[1] == model.domain.channels
    losses = [p.loss for p in fit(model, batches, card, tmp_path / "run")]
    assert len(losses) == 3 and all(0 < loss < 10 for loss in losses)
    path = export_run(tmp_path / "run", tmp_path / "w", about)
    found, _ = checkpoints.load(path, channels=DOMAINS[name].channels)
    assert found.domain == model.domain
    photo = batches(1, torch.Generator().manual_seed(1))[0, :, :13, :15]  # sides nothing divides
    colorizer = Colorizer.from_pretrained(path, device="cpu")
    for sampler in ("nullspace", "langevin"):
        chain = dict(L=2, T=2) if sampler == "langevin" else dict(steps=3)
        out = colorizer.colorize(photo, sampler=sampler, n=2, **chain)
        assert out.samples.shape[0] == 2 and out.trace[-1]["residual"] < 1e-5


def test_split_noise_trains_in_haar_and_not_in_ycbcr(tmp_path):
    card = card_of("haar", isotropic=0.35)
    model, batches, _ = start(card)
    assert [p.step for p in fit(model, batches, card, tmp_path / "run")] == [1, 2, 3]
    with pytest.raises(JGMError, match="isotropic=0.35: domain 'rgb-ycbcr'") as error:
        start(card_of("rgb-ycbcr", isotropic=0.35))
    assert "\n" not in str(error.value)


def test_the_papers_network_works_in_every_domain():
    for name, domain in DOMAINS.items():
        net = build("refinenet", domain=name, ngf=2)
        X = torch.zeros(1, domain.channels, 4, 4)
        white = (net.network_input(X)[0, :, 0, 0] == -1).tolist()  # 2 x - 1 of x = 0
        assert white == [c < domain.intensities for c in range(domain.channels)]
        assert net(X, 0).shape == X.shape


# -- more than the grey is known -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class KnownColours(Observation):
    """A photograph of which the colours are known at some pixels: at = (H,W) of True, x (B,3,H,W).

    All that a sampler asks: A X = b with A = F and those pixels, in the domain of the picture or, the
    differences known besides, in the joint one.
    """

    at: torch.Tensor = None
    x: torch.Tensor = None

    @property
    def A(self):
        """What is known of a picture, one row a number."""
        D = 3 * self.at.numel()
        eye = torch.eye(D, dtype=torch.float64).view(D, 3, *self.at.shape)
        known = [gray(eye, self.f).flatten(1), eye[..., self.at].flatten(1)]
        return torch.cat(known, 1).T

    def spread(self):
        """Rows of what is known of X, and the numbers: the picture's own, the gradients' grey."""
        picture = torch.cat([self.y.flatten(1), self.x[..., self.at].flatten(1)], 1)
        if self.domain.name == "intensity":
            return self.A, picture
        rows = torch.eye(6 * self.at.numel(), dtype=torch.float64)
        rows = gray_groups(rows.view(-1, 6, *self.at.shape), self.f).flatten(1).T
        return torch.block_diag(self.A, rows), torch.cat([picture, self.Y[:, 1:].flatten(1)], 1)

    def error(self, X):
        A, b = self.spread()
        return X.flatten(1) @ A.T - b

    def pull(self, X):
        return (self.error(X) @ torch.linalg.pinv(self.spread()[0]).T).view(X.shape)

    def seen_part(self, Z):
        A = self.spread()[0]
        return (Z.flatten(1) @ (torch.linalg.pinv(A) @ A).T).view(Z.shape)

    def start(self, sigma, noise):
        least = -self.pull(torch.zeros_like(self.like))
        return least + sigma * noise.normal(self.like)

    def finish(self, x):
        known = super().finish(torch.where(self.at, self.x, x))
        return torch.where(self.at, self.x, known)


def two_known(rows):
    """A row of three alike pixels whose truth is far from the mean; colours known of the first two."""
    near = torch.tensor([[1, 0.8, 0.64], [0.8, 1, 0.8], [0.64, 0.8, 1]]).double()
    eye = torch.eye(9, dtype=torch.float64)
    cov = 0.03**2 * torch.kron(eye[:3, :3], near)  # (9,9), colours apart, pixels alike
    mean = torch.full((3, 1, 3), 0.5, dtype=torch.float64)
    truth = (mean + torch.tensor([0.05, -0.05, 0.03]).view(3, 1, 1)).expand(rows, -1, -1, -1)
    at = torch.tensor([[True, True, False]])
    return mean, cov, KnownColours(gray(truth, MEAN), MEAN, at=at, x=truth)


@pytest.mark.parametrize("name, settings", [("nullspace", FINE), ("langevin", CHAIN)])
def test_known_colours_fit_in_without_touching_a_sampler(name, settings):
    """Draws are those of the Gaussian posterior given the grey and the colours of some pixels."""
    mean, cov, seen = two_known(2000)
    state = last(SAMPLERS[name](GaussianDenoiser(mean, cov), seen, Batch(0), **settings))
    assert torch.equal(state.x[..., seen.at], seen.x[..., seen.at]) and state.residual < 1e-12
    A = seen.A[[0, 1, 2, *range(3, 9)]]
    keep = torch.linalg.svd(A, full_matrices=False)  # known colours make their own grey redundant
    rank = int((keep.S > 1e-9).sum())
    rows = keep.Vh[:rank]
    m, C = posterior(mean, cov, rows, rows @ seen.x[0].flatten())
    x, deviation = state.x.flatten(1), float(C.trace().sqrt())
    assert rank == 7 and float((x.mean(0) - m).norm()) / deviation < 0.4  # 2.3 without
    assert float(torch.cov(x.T).trace().sqrt()) / deviation == pytest.approx(1, abs=0.15)
    without = last(
        SAMPLERS[name](GaussianDenoiser(mean, cov), Observation(seen.y, MEAN), Batch(0), **settings)
    )
    free = float(torch.cov(without.x.flatten(1).T).trace().sqrt())
    assert free > 1.3 * deviation  # the test would see a sampler that forgets the colours


@pytest.mark.parametrize("settings", [dict(consistent=True, epsilon=4e-6), {}], ids=["new", "as"])
@pytest.mark.parametrize("feedback", ["none", "level", "renoise"])
def test_known_colours_fit_in_the_joint_domain(feedback, settings):
    mean, cov, seen = two_known(3)
    J = join(torch.eye(9, dtype=torch.float64).view(9, 3, 1, 3)).flatten(1).T
    model = GaussianDenoiser(join(mean[None])[0], J @ cov @ J.T)
    chain = {**CHAIN, "T": 2, "feedback": feedback, **settings}
    state = last(SAMPLERS["langevin"](model, seen, Batch(0), **chain))
    assert torch.equal(state.x[..., seen.at], seen.x[..., seen.at]) and state.residual < 1e-12
