"""Tensors on disk: safetensors files, written whole, and the hash of what is in one."""

import hashlib

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from .files import replacing


def write_tensors(path, tensors: dict, about: dict[str, str]) -> None:
    """A safetensors file of ``tensors`` with the texts ``about``, whole or not at all. Raises
    JGMError where it cannot be written."""
    with replacing(path) as part:
        fill(part, tensors, about)


def fill(part, tensors: dict, about: dict[str, str]) -> None:
    """``write_tensors`` into the part of a ``replacing``. OSError where the disk is full."""
    try:
        save_file(tensors, part, about)
    except SafetensorError as error:  # it tells a full disk in its own way
        reason = str(error).rpartition("I/O error: ")[2]
        raise OSError(reason.partition(" (os error")[0]) from None


def tensors_sha256(tensors: dict) -> str:
    """The SHA-256, in hex, of tensors with their names, types and shapes, in the names' order."""
    whole = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        whole.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        whole.update(value.reshape(-1).view(torch.uint8).numpy())
    return whole.hexdigest()
