"""The line-up of Table I: who is in it, what each composite draws, and what it costs."""

import pytest
import torch
from PIL import Image
from system_proofs import TINY, scenes, trained
from system_proofs import card as train_card

from jgm_lib import baselines, checkpoints
from jgm_lib.constraint import Observation
from jgm_lib.divide import Divided
from jgm_lib.domain import Haar
from jgm_lib.errors import JGMError
from jgm_lib.experiments import comparison, entrants, lineup
from jgm_lib.experiments.cards import ComparisonCard
from jgm_lib.experiments.entrants import entrants_of
from jgm_lib.experiments.methods import Direct
from jgm_lib.experiments.sources import Pictures, eight_bit
from jgm_lib.igm import Igm, joint_step
from jgm_lib.networks import build
from jgm_lib.noise import version_seeds
from jgm_lib.operators import gray
from jgm_lib.samplers import presets
from jgm_lib.wacm import Structured, Wacm

SIDE, NFE = 16, 5
UNET = {"widths": [8, 16]}
KINDS = {  # bundled name -> network, settings, isotropic
    "jgm-split-64": ("unet", UNET, 0.3),
    "rgb-split-64": ("unet", UNET | {"channels": 3}, 0.3),
    "jgm-isotropic-64": ("unet", UNET, 1.0),
    "rgb-isotropic-64": ("unet", UNET | {"channels": 3}, 1.0),
    "gradients-64": ("unet", UNET | {"channels": 6}, 1.0),
    "igm-64": ("unet", UNET | {"domain": "rgb-ycbcr"}, 1.0),
    "haar-64": ("unet", UNET | {"domain": "haar"}, 0.3),
    "refinenet-64": ("refinenet", {"ngf": 4}, 1.0),
    "regression-64": ("regression", TINY["regression"]["settings"], 1.0),
    "zhang-64": ("zhang", TINY["zhang"]["settings"], 1.0),
    "chromagan-64": ("chromagan", TINY["chromagan"]["settings"], 1.0),
    "memopainter-64": ("memopainter", TINY["memopainter"]["settings"], 1.0),
    "cvae-64": ("cvae", TINY["cvae"]["settings"], 1.0),
    "classifier-64": ("classifier", {"classes": ["a", "b"], "widths": [8, 8], "features": 4}, 1.0),
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder of tiny weights under all the names of the line-up: systems after a few steps of
    training (some measure their training set), priors as they come."""
    folder = tmp_path_factory.mktemp("bundled")
    torch.manual_seed(0)
    for name, (network, settings, share) in KINDS.items():
        own, side = settings, SIDE
        if network in TINY:
            c = train_card(network)
            model, own, side = trained(c, folder / "runs" / name)[0], c.settings, c.size
        else:
            model = build(network, **settings)
        if network == "unet":
            torch.nn.init.normal_(model.head.weight, std=0.02)
        about = {"network": network, "settings": own, "size": side, "name": name}
        checkpoints.save(folder / name, model, about | {"training": {"isotropic": share}})
    return folder


@pytest.fixture
def bundled(weights, monkeypatch):
    monkeypatch.setattr(checkpoints, "BUNDLED", weights)
    return weights


@pytest.fixture
def hurried(monkeypatch):
    """Two steps a level in place of a hundred for the long chains."""
    quick = {**presets.AUTHORS_LSUN, "T": 2}
    monkeypatch.setitem(presets.NAMED, "authors, LSUN", quick)
    monkeypatch.setattr(entrants, "OUTDOORS", {**entrants.OUTDOORS, "T_1": 2, "T_2": 3})
    return {k: v for k, v in quick.items() if k != "sampler"}


def card(**values):
    quick = dict(pictures=3, K=2, size=SIDE, steps=3, nfe=NFE, protocol_pictures=0)
    return ComparisonCard(**{**quick, **values})


def only(name: str, way: str = "", **values):
    """The method of one seat by one way."""
    seat = lineup.LINEUP[name]
    found = entrants_of(card(weights={name: list(seat.weights)}, **values))
    return found.methods[f"{name}, {way}" if way else name]


def loaded(*names):
    return [checkpoints.load(name)[0] for name in names]


@pytest.fixture(scope="module")
def photographs():
    pictures = Pictures.of_truth(scenes(2, SIDE))
    return pictures.y, pictures.keys


def by_hand(method, photographs, K: int = 2):
    y, keys = photographs
    return Direct(method, K).versions(y, keys)


# -- who is in it ------------------------------------------------------------------------------


def test_all_that_is_bundled_takes_part(bundled):
    found = entrants_of(card())
    assert found.notes == [] and set(found.sha) == set(lineup.LINEUP)
    assert list(found.methods)[0] == "JGM split noise, split"  # what the others are compared with
    wanted = [f"{n}, {w}" for n, s in lineup.LINEUP.items() for w in s.ways]
    wanted += [
        n + end for n, s in lineup.LINEUP.items() if not s.ways for end in ("", ", projected")
    ]
    assert sorted(found.methods) == sorted(wanted)
    assert found.long == {
        "JGM, authors, LSUN",
        "JGM on RefineNet, authors, LSUN",
        "iGM-6C, two stages",
    }
    assert [len(found.sha[n]) for n in ("JGM-divide", "iGM-6C")] == [2, 2]


def test_what_is_absent_is_named(bundled, tmp_path, monkeypatch):
    for path in bundled.iterdir():
        if path.is_file() and not path.name.startswith(("gradients", "zhang")):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(checkpoints, "BUNDLED", tmp_path)
    found = entrants_of(card())
    assert found.notes == [
        "JGM-divide: left out, no bundled weights gradients-64",
        "Zhang: left out, no bundled weights zhang-64",
    ]
    assert not {"JGM-divide", "Zhang"} & set(found.sha) and "3C" in found.sha


def test_ways_given_take_the_place_of_the_seats(bundled):
    names = list(
        entrants_of(card(ways=["nullspace"], weights={"JGM": ["jgm-isotropic-64"]})).methods
    )
    assert names == ["JGM, nullspace"]


@pytest.mark.parametrize(
    "name, taken, why",
    [
        ("JGM-divide", ["gradients-64", "rgb-isotropic-64"], "Eq 17 needs"),
        ("JGM-divide", ["rgb-isotropic-64", "zhang-64"], "not both are priors"),
        ("iGM-6C", ["rgb-isotropic-64"], "iGM-6C takes two priors"),
        ("iGM-6C", ["rgb-isotropic-64", "gradients-64"], "iGM-6C needs"),
        ("WACM", ["jgm-isotropic-64"], "WACM needs one of haar"),
    ],
)
def test_weights_that_do_not_belong_together_are_refused(bundled, photographs, name, taken, why):
    with pytest.raises(JGMError, match=why):
        (method,) = entrants_of(card(weights={name: taken})).methods.values()
        method.versions(*photographs)


# -- each is the method called by hand ----------------------------------------------------------


def test_divide_is_algorithm_1_on_two_priors(bundled, photographs):
    method = only("JGM-divide", "tempered")
    sampled = baselines.Sampled(
        Divided(*loaded("rgb-isotropic-64", "gradients-64")), "langevin", chain_settings()
    )
    torch.testing.assert_close(method.versions(*photographs), by_hand(sampled, photographs))
    assert method.nfe == sampled.nfe == 2 * NFE  # two networks a step


def chain_settings(**more):
    return {k: v for k, v in presets.tempered(NFE).items() if k != "sampler"} | more


def test_both_lambdas_of_eq_17_pull(bundled, photographs):
    """Each part of the state is drawn to the photograph by its own weight alone."""
    model = Divided(*loaded("rgb-isotropic-64", "gradients-64"))
    own = dict(sigma_1=1.0, L=4, T=5, epsilon=1e-4, feedback="none")

    def errors(lam, lam_grad):
        sampled = baselines.Sampled(model, "langevin", own | dict(lam=lam, lam_grad=lam_grad))
        y, keys = photographs
        for state in sampled.states(y, version_seeds(0, 1, keys)):
            pass
        X = state.X.unflatten(1, (3, 3)).mean(2)  # (B,3,H,W): the grey of each group
        gaps = X - model.domain.known(y)
        return float(gaps[:, :1].square().mean()), float(gaps[:, 1:].square().mean())

    both, first, second, none = errors(1, 1), errors(1, 0), errors(0, 1), errors(0, 0)
    assert both[0] == first[0] < 0.5 * second[0] and second[0] == none[0]
    assert both[1] == second[1] < 0.5 * first[1] and first[1] == none[1]


def test_without_dc2_the_gradients_feel_no_photograph(bundled, photographs):
    method = only("JGM", "tempered without DC2")
    (model,) = loaded("jgm-isotropic-64")
    sampled = baselines.Sampled(model, "langevin", chain_settings(lam_grad=0.0))
    drawn = method.versions(*photographs)
    torch.testing.assert_close(drawn, by_hand(sampled, photographs))
    assert (drawn - only("JGM", "tempered").versions(*photographs)).abs().max() > 1e-3


def test_igm_draws_its_two_stages(bundled, hurried, photographs):
    method = only("iGM-6C", "two stages")
    own = dict(step_2=6e-6, weight=1.5, T_1=2, T_2=3)  # churches' step and weight
    igm = Igm(*loaded("rgb-isotropic-64", "igm-64"), **own)
    torch.testing.assert_close(method.versions(*photographs), by_hand(igm, photographs))
    assert method.nfe == 10 * (2 + 2 * 3)


def test_igm_averages_its_two_chains():
    """Without the average the first chain would go its way alone."""
    model = Plain()
    chains = [torch.full((1, 6, 2, 2), v) for v in (0.2, 0.6)]
    y = torch.full((1, 1, 2, 2), 0.5)
    moved = [
        joint_step(model, c, Observation(y, baselines.F), y, 1.0, 0.1, 1.5)
        for c in (chains, chains[:1] * 2, chains[1:] * 2)
    ]
    torch.testing.assert_close(moved[0], (moved[1] + moved[2]) / 2)
    assert (moved[0] - moved[1]).abs().min() > 0.1


class Plain:
    """A prior without a wish."""

    def denoise(self, X, sigma, sigma_y=None):
        return X


def test_the_authors_setting_runs_on_both_networks(bundled, hurried, photographs):
    for name, weights in (("JGM", "jgm-isotropic-64"), ("JGM on RefineNet", "refinenet-64")):
        method = only(name, "authors, LSUN")
        sampled = baselines.Sampled(*loaded(weights), "langevin", hurried)
        torch.testing.assert_close(method.versions(*photographs), by_hand(sampled, photographs))
        assert method.nfe == 20 and method.n == 2
    settings = presets.AUTHORS_LSUN  # what is hurried here
    assert settings["L"] * settings["T"] == 1000 and settings["feedback"] == "none"


def test_the_conditional_networks_draw_as_they_are(bundled):
    y = gray(scenes(2), baselines.F)
    for name in ("regression U-Net", "Zhang", "ChromaGAN", "MemoPainter", "CVAE"):
        (model,) = loaded(*lineup.LINEUP[name].weights)
        method = only(name)
        seeds = version_seeds(0, method.n, [5, 6])
        drawn = method.versions(y, [5, 6])
        rows = y.repeat_interleave(method.n, 0)
        torch.testing.assert_close(drawn.flatten(0, 1), model.colorize(rows, seeds))
        assert method.n == (2 if name == "CVAE" else 1) and method.nfe == model.nfe


# -- WACM ----------------------------------------------------------------------------------------


class Bands:
    """A Haar prior that returns what it is given."""

    domain, channels = Haar(), 12

    def denoise(self, X, sigma, sigma_y=None):
        return X


def test_structure_consistency_moves_the_means_of_details_alone():
    X = torch.randn(2, 12, 4, 5, generator=torch.Generator().manual_seed(0))
    Y = torch.randn(2, 4, 4, 5, generator=torch.Generator().manual_seed(1))
    out = Structured(Bands(), Y).denoise(X, 1.0).unflatten(1, (4, 3))
    bands = X.unflatten(1, (4, 3))
    assert torch.equal(out[:, 0], bands[:, 0])  # the sums keep their own mean: it is the colour
    wanted = Y[:, 1:, None].mean((-2, -1)).expand(-1, -1, 3)
    torch.testing.assert_close(out[:, 1:].mean((-2, -1)), wanted)
    shifts = out[:, 1:] - bands[:, 1:]
    torch.testing.assert_close(shifts, shifts.mean((-2, -1), keepdim=True).expand_as(shifts))
    assert shifts.abs().min() > 1e-3


def test_wacm_is_the_chain_on_the_structured_prior(bundled, photographs):
    (model,) = loaded("haar-64")
    y, keys = photographs
    method = only("WACM", "tempered, structured")
    drawn = method.versions(y, keys)[:, 0]
    hand = baselines.Sampled(Structured(model, model.domain.known(y)), "langevin", chain_settings())
    torch.testing.assert_close(drawn, hand(y, version_seeds(0, 1, keys)))
    assert method.nfe == NFE == Wacm(model, "langevin", chain_settings()).settings["L"]
    plain = baselines.Sampled(model, "langevin", chain_settings())(y, version_seeds(0, 1, keys))
    assert (drawn - plain).abs().max() > 1e-4
    assert baselines.residual(drawn, y) < 1e-6


# -- the whole -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for i, pixels in enumerate(eight_bit(scenes(3))):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    return tmp_path


def test_every_seat_gets_its_rows(bundled, hurried, folder, monkeypatch):
    monkeypatch.setattr(comparison, "frechet_interval", lambda *_: (1.0, 0.5, 2.0))  # the slow part
    rows, about = comparison.measure(card(size=32, long_pictures=2), folder)
    named = {r["method"] for r in rows}
    assert named == {"grey replica", "truth", *entrants_of(card()).methods}
    assert all(r["seconds"] > 0 and r["nfe"] > 0 for r in rows[2:])
    assert all(r["against"]["method"] == "JGM split noise, split" for r in rows if "against" in r)
    assert about["notes"] == []


def test_long_chains_see_fewer_pictures_and_have_no_frechet_distance(bundled, hurried, folder):
    ways = ["nullspace", "authors, LSUN"]
    own = card(weights={"JGM": ["jgm-isotropic-64"]}, ways=ways, K=3, long_pictures=2)
    rows, _ = comparison.measure(own, folder)
    long = [r for r in rows if r["method"] == "JGM, authors, LSUN"]
    assert {r["n"] for r in long} == {2} and {r["frechet"] for r in long} == {None}
    assert [r["column"] for r in long] == ["single", "consensus of 2", "mean of 2", "oracle of 2"]
    assert long[0]["against"]["n"] == 2 and long[0]["to_grey"]["delta_e"]
    assert all(r["frechet"] and r["n"] == 3 for r in rows if r not in long)
    assert comparison.table(rows).count("\n| JGM, authors, LSUN") == 4 and comparison.figure(rows)
