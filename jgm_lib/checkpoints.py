"""Weights and their cards: NAME.safetensors beside NAME.json. No pickle anywhere.

The card tells what the weights are (network, data, licence, steps, metrics) and the SHA-256 of the
file; loading refuses whatever does not fit, with one line.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from .errors import JGMError
from .files import file_sha256, read_json_card, replacing
from .networks import build
from .tensors import fill

FORMAT = "jgm-weights-1"
BUNDLED = Path(__file__).parent / "weights"
MAX_CARD = 1_000_000  # bytes


def bundled() -> list[str]:
    """The names of the weights that come with the library."""
    return sorted(p.stem for p in BUNDLED.glob("*.safetensors"))


def find(name_or_path) -> Path:
    """The .safetensors file of a bundled name or of a path (suffix optional). JGMError if none."""
    path = Path(name_or_path)
    candidates = [BUNDLED / f"{name_or_path}.safetensors"] if path.name == str(name_or_path) else []
    for candidate in [*candidates, path, Path(f"{path}.safetensors")]:
        if candidate.is_file():
            return candidate
    raise JGMError(
        f"no weights {str(name_or_path)!r}: give the path of a .safetensors file or one "
        f"of the bundled names {', '.join(bundled()) or '(none)'}"
    )


def save(path, model, card: dict, half: bool = True) -> Path:
    """Write weights (half precision on disk unless ``half=False``) and card, both by rename.

    ``card`` needs "network" and "settings" (what ``build`` takes); the rest is for people.
    """
    path = with_suffix(Path(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {k: _to_disk(k, v, half) for k, v in model.state_dict().items()}
    with replacing(path.with_suffix(".json")) as card_part, replacing(path) as part:
        fill(part, tensors, {"format": FORMAT})
        card = {"format": FORMAT, **card, "sha256": file_sha256(part)}
        card_part.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return path  # both were whole before either got its name


def with_suffix(path: Path) -> Path:
    """The path of weights that may have been named without their suffix."""
    if path.suffix == ".safetensors":
        return path
    return path.with_name(path.name + ".safetensors")  # not in place of the .1 of "lr-0.1"


def _to_disk(name: str, value: torch.Tensor, half: bool) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    keep = not half or not value.is_floating_point() or name in ("mean", "spread")
    if keep:
        return value.clone()
    if not value.half().isfinite().all() and value.isfinite().all():
        raise JGMError(f"{name}: half precision ends at 65504; save with half=False")
    return value.half()


def read_card(path: Path) -> dict:
    """The card beside a weights file, checked for format. Raises JGMError."""
    path = path.with_suffix(".json")
    card = read_json_card(path, "weights", MAX_CARD)
    if not isinstance(card, dict):
        raise JGMError(f"{path}: not a card, need a JSON object")
    if card.get("format") != FORMAT:
        raise JGMError(f"{path}: format {card.get('format')!r}; this version reads {FORMAT}")
    if not isinstance(card.get("network"), str) or not isinstance(card.get("settings"), dict):
        raise JGMError(f"{path}: needs 'network' (a name) and 'settings' (an object)")
    return card


def load(name_or_path, channels: int | None = None):
    """Weights by bundled name or path -> (network in evaluation mode on the CPU, card dict).

    Raises JGMError for a missing, truncated or tampered file, an unknown format, weights that do
    not fit the card's network, or (if given) another number of channels.
    """
    path = find(name_or_path)
    card = read_card(path)
    if file_sha256(path) != card.get("sha256"):
        raise JGMError(f"{path}: SHA-256 differs from its card; the file is damaged or was changed")
    try:
        tensors = load_file(path)
    except Exception as error:
        raise JGMError(f"{path}: not a whole safetensors file ({error})") from None
    model = _build(path, card)
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise JGMError(f"{path}: does not fit its card's network ({reason})") from None
    if any(not bool(torch.isfinite(v).all()) for v in tensors.values() if v.is_floating_point()):
        raise JGMError(f"{path}: holds numbers that are not finite")
    if channels is not None and getattr(model, "channels", None) != channels:
        own = f"has {model.channels}" if hasattr(model, "channels") else "is no prior: no"
        raise JGMError(f"{path}: {own} channels, {channels} are needed here")
    return model.eval().requires_grad_(False), card


def _build(path, card):
    try:
        return build(card["network"], **card["settings"])
    except JGMError as error:
        raise JGMError(f"{path}: {error}") from None
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, IndexError) as error:
        raise JGMError(f"{path}: the card's settings do not build a network ({error})") from None
