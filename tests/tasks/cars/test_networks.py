from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tasks.cars.networks import frozen, load_backbone, with_head  # noqa: E402
from tasks.datasets import DataError  # noqa: E402


@pytest.mark.parametrize(("name", "width"), [("resnet18", 512), ("resnet50", 2048)])
def test_a_backbone_makes_pooled_features_and_the_head_classes(name: str, width: int) -> None:
    backbone = load_backbone(name, "random", 32)
    assert backbone.width == width
    assert backbone.weights == "random"
    network = with_head(backbone.build(), width, 7)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    assert load_backbone(name, "auto", 32).weights == "random"  # ImageNet's are for 224 pixels


def test_efficientnet_lite0_comes_with_its_weights() -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    backbone = load_backbone("efficientnet_lite0", "imagenet", 224)
    assert backbone.weights.startswith("005bdebd355e")
    assert backbone.build().eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1280)


def test_a_frozen_backbone_stays_as_it_is_in_training() -> None:
    backbone = load_backbone("resnet18", "random", 32)
    network = with_head(frozen(backbone.build()), backbone.width, 3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    trained = [p for p in network.parameters() if p.requires_grad]
    assert len(trained) == 2  # the head's weight and bias
    optimiser = torch.optim.SGD(trained, lr=0.1)
    for _ in range(2):
        network(torch.randn(8, 3, 32, 32)).square().sum().backward()
        optimiser.step()
    changed = {n for n, value in network.state_dict().items() if not torch.equal(value, before[n])}
    assert changed == {"1.weight", "1.bias"}


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_weights_come_from_where_the_user_keeps_them(kind: str, tmp_path: Path) -> None:
    from transformers import ResNetConfig, ResNetModel

    basic = {"depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}
    model = ResNetModel(ResNetConfig(**basic))
    path = tmp_path / "weights.pt"
    if kind == "folder":
        path = tmp_path
        model.save_pretrained(path)
    else:
        torch.save(model.state_dict(), path)
    backbone = load_backbone("resnet18", str(path), 224)
    loaded = backbone.build().inner.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    assert len(backbone.weights) == 64
    with pytest.raises(DataError, match=r"^task.weights=.* do not fit resnet50: [^\n]*$"):
        load_backbone("resnet50", str(path), 224)


def test_weights_that_cannot_be_had_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"^could not get .*microsoft/resnet-18.*task.weights=.*$"):
        load_backbone("resnet18", "imagenet", 32)
    with pytest.raises(DataError, match=r"^task.weights: no file .*nowhere; allowed are auto"):
        load_backbone("resnet18", str(tmp_path / "nowhere"), 32)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"rubbish")
    with pytest.raises(DataError, match=r"broken.safetensors holds no weights"):
        load_backbone("resnet18", str(broken), 32)
    with pytest.raises(ValueError, match=r"task.backbone=resnet: .*did you mean 'resnet50'"):
        load_backbone("resnet", "random", 32)
