"""What the photographs of a packed set are like, for the word about unfamiliar ones:

python -m data_scripts.familiar PACKED [--name photos-64-familiar] [--count 3000] [--side 128]
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from tqdm import tqdm

from jgm_lib.data.aging import photographed
from jgm_lib.data.packed import PackedSet
from jgm_lib.errors import JGMError
from jgm_lib.familiar import DEFAULT, FOLDER, Familiar, features
from jgm_lib.tensors import write_tensors

DIMENSIONS = 128
QUANTILE = 0.99  # of the held-out pictures
VARIED = {"any_gray": 0.3, "aged": 0.3}  # shares, as the prior's training has them


def features_of(data: PackedSet, indices, side: int, seed: int, batch: int = 16) -> torch.Tensor:
    """Features (n,304) of pictures as the prior's training shows them in grey: under other
    grayings and worn by age for a share."""
    generator, found = torch.Generator().manual_seed(seed), []
    for part in tqdm(torch.as_tensor(indices).split(batch), unit="batch", disable=None):
        x = data.batch(part.numpy(), side, augment=False)
        found.append(features(photographed(x, generator, **VARIED)[1]))
    return torch.cat(found)


def fit(train: torch.Tensor, held_out: torch.Tensor, dimensions: int = DIMENSIONS) -> Familiar:
    """From features (n,304) of both parts. The covariance of the standardized is shrunk (Ledoit
    and Wolf 2004); outside its ``dimensions`` largest directions it counts as its average there.

    Raises JGMError for too few pictures or dimensions.
    """
    width = train.shape[1]
    if len(train) <= dimensions or not len(held_out) or not 0 < dimensions < width:
        raise JGMError(
            f"{len(train)} training pictures, {len(held_out)} held out: need more than "
            f"{dimensions} and at least one"
        )
    x = train.double()
    mean, scale = x.mean(0), x.std(0).clamp(min=1e-6)
    covariance, _ = ledoit_wolf(((x - mean) / scale).numpy())
    values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))  # smallest first
    parts = (
        mean,
        scale,
        vectors[:, -dimensions:],
        values[-dimensions:],
        values[:-dimensions].mean(),
    )
    found = Familiar(*(p.float() for p in parts), limit=torch.tensor(1.0))
    limit = found.distance(held_out).double().quantile(QUANTILE).float()
    return replace(found, limit=limit)


def build(packed, name=DEFAULT, count=3000, side=128, seed=0, out=FOLDER) -> Path:
    """Write NAME.safetensors from ``count`` training pictures and all held-out ones of a packed
    set. Raises JGMError."""
    data = PackedSet(packed)
    if not len(data.holdout_indices):
        raise JGMError(f"{packed}: no held-out pictures; pack it with a --holdout above 0")
    chosen = np.random.default_rng(seed).permutation(data.train_indices)[:count]
    train = features_of(data, np.sort(chosen), side, seed)
    held_out = features_of(data, data.holdout_indices, side, seed + 1)
    about = {
        "pictures": str(len(chosen)),
        "held_out": str(len(held_out)),
        "set": str(data.card.get("name")),
        "set_sha256": str(data.card.get("sha256")),
        "side": str(side),
        "seed": str(seed),
    }
    path = Path(out) / f"{name}.safetensors"
    tensors = dict(vars(fit(train, held_out)))
    tensors["directions"] = tensors["directions"].half()
    write_tensors(path, {k: v.contiguous() for k, v in tensors.items()}, about)
    return path


def main(argv=None) -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("packed", help="the packed set that the prior was trained on")
    p.add_argument("--name", default=DEFAULT)
    p.add_argument("--count", type=int, default=3000, help="training pictures (default 3000)")
    p.add_argument("--side", type=int, default=128, help="as the prior sees photographs")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    try:
        path = build(args.packed, args.name, args.count, args.side, args.seed)
        print(f"{path.name}: {path.stat().st_size} bytes")
        return 0
    except (JGMError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
