"""Runs of ImageNet ResNets, as frankle2021 trains them: at the paper's scale alone."""

from repro.errors import SpecError
from repro.recipes.scales import check_scale
from repro.runs.imagenet_spec import ImageNetSpec
from repro.runs.resnet_spec import IMAGENET_DEPTHS as IMAGENET_DEPTHS

# The source names the batch, 1024 images, and not how it was split. Eight processes are the GPUs of one common node,
# and BatchNorm then sees 128 images in each, as many as in the same paper's CIFAR-10 networks.
PROCESSES = 8


def imagenet(
    scale: str,
    seed: int,
    *,
    depth: int,
    trained: str = "batchnorm",
    norm_init: str = "uniform",
) -> ImageNetSpec:
    """One replicate of an ImageNet network under frankle2021's protocol.

    90 epochs, batch 1024, learning rate 0.4 after a warm-up of 5 epochs, times 0.1 at 30, 60 and 80; a crop of a tenth
    of the image or more and a flip; test images resized to 256 and cropped to 224.

    Raises:
        SpecError: another scale than ``paper``, for which no small data set stands in; or a value that no network has.
    """
    if check_scale(scale) != "paper":
        raise SpecError(f"scale is {scale!r}; ImageNet networks are trained at scale paper alone.")
    return ImageNetSpec(
        family="imagenet-resnet-trained",
        depth=depth,
        norm="batchnorm",
        weight_init="he-normal",
        norm_init=norm_init,
        trained=trained,
        dataset="imagenet",
        augmentation="flip-resized-crop",
        image_size=224,
        test_resize=256,
        labels="true",
        processes=PROCESSES,
        epochs=90,
        batch_size=1024,
        learning_rate=0.4,
        warm_up_epochs=5,
        learning_rate_drops=(30, 60, 80),
        momentum=0.9,
        weight_decay=1e-4,
        precision="float32",
        seed=seed,
    )
