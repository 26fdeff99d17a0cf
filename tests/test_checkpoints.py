"""Weights and cards: what is saved comes back, what does not fit is refused with one line."""

import json

import pytest
import torch

from jgm_lib import checkpoints
from jgm_lib.errors import JGMError
from jgm_lib.networks import build

SETTINGS = {"widths": [8, 16], "mean": None}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = build("unet", widths=[8, 16])
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.05)
    card = {"name": "tiny", "network": "unet", "settings": {"widths": [8, 16]}, "size": 16}
    return model.eval(), checkpoints.save(tmp_path / "tiny", model, card)


def refused(path, match):
    with pytest.raises(JGMError, match=match) as error:
        checkpoints.load(path)
    assert "\n" not in str(error.value) and "tiny" in str(error.value)


def edit(path, **changes):
    card_path = path.with_suffix(".json")
    card_path.write_text(json.dumps({**json.loads(card_path.read_text()), **changes}))


def test_round_trip_in_half_precision(saved):
    model, path = saved
    loaded, card = checkpoints.load(path)
    assert card["name"] == "tiny" and loaded.training is False
    for k, v in model.state_dict().items():
        assert torch.equal(
            loaded.state_dict()[k], v.half().float() if k not in ("mean", "spread") else v
        )
    X = torch.randn(1, 9, 16, 16, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(loaded.denoise(X, 0.5), model.denoise(X, 0.5), atol=2e-3)
    again, _ = checkpoints.load(path)
    assert torch.equal(again.denoise(X, 0.5), loaded.denoise(X, 0.5))


def test_full_precision_is_exact(saved, tmp_path):
    model, _ = saved
    path = checkpoints.save(
        tmp_path / "full", model, {"network": "unet", "settings": {"widths": [8, 16]}}, half=False
    )
    loaded, _ = checkpoints.load(path)
    assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in model.state_dict().items())


def test_no_part_files_stay(saved):
    assert sorted(p.name for p in saved[1].parent.iterdir()) == ["tiny.json", "tiny.safetensors"]


def test_truncated_file(saved):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:-10])
    refused(path, "damaged or was changed")


def test_tampered_file(saved):
    path = saved[1]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    refused(path, "SHA-256 differs")


def test_truncated_with_a_matching_hash(saved):
    path = saved[1]
    path.write_bytes(path.read_bytes()[:-10])
    edit(path, sha256=checkpoints.file_sha256(path))
    refused(path, "not a whole safetensors file")


def test_a_pickle_is_not_opened(saved):
    path = saved[1]
    torch.save({"a": torch.zeros(1)}, path)
    edit(path, sha256=checkpoints.file_sha256(path))
    refused(path, "not a whole safetensors file")


def test_wrong_shape(saved):
    edit(saved[1], settings={"widths": [8, 24]})
    refused(saved[1], "does not fit its card's network")


def test_another_number_of_channels(saved):
    with pytest.raises(JGMError, match="has 9 channels, 3 are needed"):
        checkpoints.load(saved[1], channels=3)


def test_unknown_version(saved):
    edit(saved[1], format="jgm-weights-2")
    refused(saved[1], "this version reads jgm-weights-1")


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"network": "transformer"}, "'transformer' is unknown"),
        ({"settings": {"depth": 3}}, "no setting 'depth'"),
        ({"settings": {"widths": "wide"}}, "do not build a network"),
        ({"settings": []}, "needs 'network'"),
        ({"network": None}, "needs 'network'"),
    ],
)
def test_cards_that_do_not_build(saved, changes, match):
    edit(saved[1], **changes)
    refused(saved[1], match)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff", "[" * 100_000])
def test_cards_that_are_no_cards(saved, text):
    saved[1].with_suffix(".json").write_text(text, encoding="latin-1")
    refused(saved[1], "card")


def test_missing_card(saved):
    saved[1].with_suffix(".json").unlink()
    refused(saved[1], "card of the weights is missing")


def test_missing_file_names_the_bundled_ones(tmp_path):
    with pytest.raises(JGMError, match="bundled names .*scenes-64"):
        checkpoints.load(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_a_folder_is_no_weights(name):
    with pytest.raises(JGMError, match="no weights"):
        checkpoints.load(name)


def test_not_finite_weights(saved):
    model, path = saved
    model.head.bias.data[0] = float("nan")
    card = {"network": "unet", "settings": {"widths": [8, 16]}}
    checkpoints.save(path, model, card)
    refused(path, "not finite")


def test_bundled_weights_load_and_are_small():
    assert set(checkpoints.bundled()) >= {"scenes-64", "toy-32", "classifier-64"}
    for name in checkpoints.bundled():
        model, card = checkpoints.load(name)
        assert checkpoints.find(name).stat().st_size <= 16e6
        assert card["network"] != "unet" or model.domain.name in ("joint", "intensity")
        assert {"data", "licence", "steps", "training"} <= card.keys()


def test_a_dot_in_a_name_is_no_suffix(saved, tmp_path):
    """lr-0.1 and lr-0.2 are two files, found again by the names they were saved under."""
    model, _ = saved
    card = {"network": "unet", "settings": {"widths": [8, 16]}}
    names = ["lr-0.1", "lr-0.2", "plain.safetensors"]
    for name in names:
        checkpoints.save(tmp_path / name, model, {**card, "name": name})
    assert [checkpoints.load(tmp_path / name)[1]["name"] for name in names] == names


def test_values_beyond_half_precision_are_refused_not_made_infinite(tmp_path):
    model = build("unet", widths=[8, 16])
    name, weight = next((k, v) for k, v in model.named_parameters())
    with torch.no_grad():
        weight.view(-1)[0] = 1e5
    with pytest.raises(JGMError, match=f"{name}: half precision ends at 65504"):
        checkpoints.save(
            tmp_path / "w", model, {"network": "unet", "settings": {"widths": [8, 16]}}
        )
    assert not list(tmp_path.iterdir())
