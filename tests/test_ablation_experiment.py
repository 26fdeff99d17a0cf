"""jgm experiment ablation: what is varied, what is measured, what becomes of runs that diverge."""

import json
from collections import Counter

import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.baselines import Sampled
from jgm_lib.cli import main
from jgm_lib.data.toy import ToyScenes
from jgm_lib.domain import Joint
from jgm_lib.errors import JGMError
from jgm_lib.experiments import ablation
from jgm_lib.experiments.ablation_figure import above
from jgm_lib.experiments.cards import AblationCard
from jgm_lib.experiments.chains import Ends, ends_of
from jgm_lib.experiments.factors import (
    AUTHORS,
    IN_LOOP,
    PARTS,
    SAME_TIME,
    SCALE,
    TEMPERED,
    Variation,
    bases,
    variations,
)
from jgm_lib.experiments.priors import DIVIDED
from jgm_lib.experiments.sources import Pictures
from jgm_lib.joint import join
from jgm_lib.networks import build
from jgm_lib.noise import version_seeds
from jgm_lib.samplers import presets

KINDS = {"joint": (9, 1.0), "half": (9, 0.5), "rgb": (3, 1.0), "gradients": (6, 1.0)}
FAST = dict(pictures=3, T=3, nfe=8, intensity="rgb")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks for pictures of 16 pixels: name -> path."""
    folder, found = tmp_path_factory.mktemp("weights"), {}
    for k, (name, (channels, scale)) in enumerate(KINDS.items()):
        settings = {"widths": [8, 16], "channels": channels, "gradient_scale": scale}
        torch.manual_seed(k)
        model = build("unet", **settings)
        torch.nn.init.normal_(model.head.weight, std=0.02)
        card = {"network": "unet", "settings": settings, "size": 16, "name": name}
        found[name] = str(checkpoints.save(folder / name, model, card))
    return found


def card(found, *names, **values):
    return AblationCard(**{**FAST, "weights": {n: [found[n]] for n in names}, **values})


@pytest.fixture(scope="module")
def measured(weights):
    return ablation.measure(card(weights, *KINDS))


# -- what is varied ----------------------------------------------------------------------------


def test_the_settings_are_the_authors_and_the_tempered_preset():
    found = bases(AblationCard(T=20, nfe=30))
    code, best = found[AUTHORS], found[TEMPERED]
    assert code["T"] == 20 and code["T"] * code["epsilon"] == pytest.approx(100 * 5.4e-6)
    assert code["feedback"] == "none" and not code["consistent"] and code["beta"] == 5.9
    assert {"sampler": "langevin", **best} == {**presets.tempered(30), "boundary": "neumann"}


def test_each_run_changes_one_factor_and_each_factor_holds_the_setting_once(weights):
    own = card(weights, *KINDS)
    runs, base = list(variations(own, ablation.ablated(own))), bases(own)
    knobs = {PARTS: {"lam_grad"}, IN_LOOP: {"beta", "feedback"}, SAME_TIME: {"T", "epsilon"}}
    knobs |= {"lambda_0": {"lam"}, SCALE: set()}
    for v in runs:
        changed = {k for k, x in v.settings.items() if base[v.setting].get(k) != x}
        assert changed <= knobs.get(v.factor, {v.factor}), v
        assert v.base == (not changed and v.prior == "joint")
    counts = Counter((v.setting, v.factor) for v in runs if v.base)
    groups = {(v.setting, v.factor) for v in runs}
    assert groups - set(counts) == {(AUTHORS, IN_LOOP), (TEMPERED, IN_LOOP)}
    assert set(counts.values()) == {1}
    assert len(runs) == len({(v.setting, v.factor, str(v.value)) for v in runs})
    parts = [v.value for v in runs if v.setting == AUTHORS and v.factor == PARTS]
    assert parts == ["joint", "without DC2", "rgb", DIVIDED]
    assert [v.value for v in runs if v.factor == SCALE] == [1.0, 0.5] * 2


def test_beta_has_a_chain_of_its_own_only_in_the_loop(weights):
    own = card(weights, "joint")
    runs = [v for v in variations(own, ablation.ablated(own)) if v.setting == AUTHORS]
    assert len({v.chain for v in runs if v.factor == "beta"}) == 1
    assert len({v.chain for v in runs if v.factor == IN_LOOP}) == 5


@pytest.mark.parametrize(
    "names, why",
    [(("rgb", "joint"), "'rgb', is varied and must have nine"), (("rgb", "gradients"), "nine")],
)
def test_the_first_prior_has_nine_channels(weights, names, why):
    with pytest.raises(JGMError, match=why):
        ablation.measure(card(weights, *names))


def test_a_second_training_is_refused(weights):
    twice = {"joint": [weights["joint"]] * 2}
    with pytest.raises(JGMError, match="given 2 times"):
        ablation.measure(card(weights, weights=twice))


# -- what is measured --------------------------------------------------------------------------


@pytest.mark.parametrize("boundary", ["neumann", "periodic"])
@pytest.mark.parametrize("feedback", ["none", "level", "step", "renoise"])
@pytest.mark.parametrize("name", [AUTHORS, TEMPERED])
def test_ends_are_those_of_the_sampler(weights, name, feedback, boundary):
    """Eq 14 and the projection outside of the sampler, where every beta can use its chain."""
    own = card(weights, "joint", batch=2)
    settings = bases(own)[name] | {"feedback": feedback, "boundary": boundary}
    model, _ = checkpoints.load(weights["joint"])
    pictures = Pictures.of_truth(ToyScenes(16).sample(3, 0).images)
    v = Variation(name, "feedback", feedback, settings, "joint")
    ends = ends_of(model, v, pictures, own)
    x = Sampled(model, "langevin", settings)(pictures.y, version_seeds(0, 1, pictures.keys))
    found = ends.finished(ends.fused(model.domain, settings), pictures.y)
    assert ends.own == [0, 1, 2] and ends.diverged == 0
    torch.testing.assert_close(found, x, rtol=0, atol=1e-5)


def test_the_truth_has_no_error_and_noise_in_luma_is_a_gap(weights):
    bench = ablation.Bench(card(weights, "joint"), 16)
    settings, p = bases(AblationCard())[AUTHORS], bench.pictures
    values = bench.values(Ends(join(p.truth), [0, 1, 2], 1, 0.0, ""), Joint(), settings)
    assert values["delta_e"] == pytest.approx([0] * 3, abs=1e-2)
    assert values["luma_gap"] == pytest.approx([0] * 3, abs=1e-5)
    assert (values["admissible"] == 1).all()
    X = join(p.truth + 0.1)
    off = bench.values(Ends(X, [0, 1, 2], 1, 0.0, ""), Joint(), settings)
    assert off["luma_gap"] == pytest.approx([0.1] * 3, abs=1e-4)
    assert off["delta_e"] == pytest.approx([0] * 3, abs=0.2)  # the projection puts it right


class Touchy:
    """A denoiser that answers grey, but for bright states something ever brighter."""

    domain, channels = Joint(), 9

    def denoise(self, X, sigma, sigma_y=None):
        bright = X[:, :3].mean((1, 2, 3), keepdim=True) > 0.6
        return torch.where(bright, 1e3 * X, torch.full_like(X, 0.2))


def test_a_run_that_diverges_is_counted_and_the_others_stay():
    levels = torch.tensor([0.2, 0.25, 0.95, 0.3])
    pictures = Pictures.of_truth(levels[:, None, None, None].expand(-1, 3, 8, 8))
    own = AblationCard(batch=4, T=3)
    v = Variation(AUTHORS, "T", 3, bases(own)[AUTHORS], "none")
    ends = ends_of(Touchy(), v, pictures, own)
    assert ends.own == [0, 1, 3] and ends.diverged == 0.25 and "diverged" in ends.why
    calm = ends_of(Touchy(), v, pictures.some([0, 1, 3]), own)
    assert calm.diverged == 0 and calm.why == "" and calm.nfe == ends.nfe == 30
    torch.testing.assert_close(ends.X, calm.X)


def test_unstable_settings_are_rows_without_numbers(measured):
    rows, _ = measured
    unstable = [r for r in rows if r["factor"] == "lambda_0" and r["value"] == 10]
    assert len(unstable) == 2
    for r in unstable:
        assert r["diverged"] == 1 and r["n"] == 0 and "must be < 2" in r["why"]
        assert "delta_e" not in r and "optimum" not in r
    assert ablation.table(rows).count("unstable: ") == sum(r.get("diverged", 0) == 1 for r in rows)


def test_differences_are_paired_with_the_setting_and_the_optimum_is_marked(measured):
    rows, _ = measured
    groups: dict = {}
    for r in rows[2:]:
        if r["diverged"] == 0:
            groups.setdefault((r["setting"], r["factor"]), []).append(r)
    base = {s: next(r for r in rows if r["setting"] == s) for s in (AUTHORS, TEMPERED)}
    for (setting, _), members in groups.items():
        least = min(r["delta_e"][0] for r in members)
        assert [r["delta_e"][0] for r in members if r["optimum"]] == [least]
        for r in members:
            gap = r["delta_e"][0] - base[setting]["delta_e"][0]
            assert above(r)[0] == pytest.approx(gap, abs=1e-9)
            assert r["minus_optimum"][0] == pytest.approx(r["delta_e"][0] - least, abs=1e-9)
            assert r["tied"] == (r["minus_optimum"][1] <= 0) and (r["tied"] or not r["optimum"])
            assert ("minus_base" in r) != r["base"]


def test_without_the_gradients_pull_free_gradients_belong_to_no_picture(measured):
    rows, _ = measured
    kept, free = (
        next(r for r in rows if r["setting"] == AUTHORS and r["value"] == v)
        for v in ("joint", "without DC2")
    )
    assert free["luma_gap"][0] > 1.5 * kept["luma_gap"][0]
    assert kept["residual"][0] < 1e-6 > free["residual"][0]


# -- the command -------------------------------------------------------------------------------


def test_the_command_repeats_itself_on_landscapes_and_on_photographs(weights, tmp_path, capsys):
    from jgm_lib.data import samples

    (tmp_path / "photos").mkdir()
    for name in ("coffee", "rocket"):
        samples.load(name).resize((40, 40)).save(tmp_path / "photos" / f"{name}.png")
    words = ["experiment", "ablation", "--quick", "--weights", f"JGM={weights['joint']}"]
    words += ["--set", "nfe=5", "--set", "pictures=2"]
    photos = ["--data", str(tmp_path / "photos")]
    for out, data in (("a", []), ("b", []), ("c", photos)):
        assert main([*words, *data, "-o", str(tmp_path / out)]) == 0
    files = [tmp_path / out / "ablation.json" for out in "abc"]
    assert files[0].read_bytes() == files[1].read_bytes()
    for file in files[1:]:
        found = json.loads(file.read_text())
        assert found["weights"].keys() == {"JGM"} and found["bases"].keys() == {AUTHORS, TEMPERED}
        assert [note.partition(":")[0] for note in found["left_out"]] == ["JGM-divide", SCALE]
        assert not [r for r in found["rows"] if r["value"] == DIVIDED or r["factor"] == SCALE]
        toy = file != files[2]
        assert all(("admissible" in r) == toy for r in found["rows"] if "delta_e" in r)
        assert ablation.figure(found["rows"]).axes
    assert ablation.table(found["rows"]) in capsys.readouterr().out
    times = json.loads((tmp_path / "a" / "ablation.times.json").read_text())["rows"]
    assert len({(r["setting"], r["factor"], str(r["value"])) for r in times}) == len(times)
    assert all(r["seconds"] > 0 for r in times)
