"""The data set "imagenet-drawn": 65 images of six classes, drawn in torchvision's layout or as a Parquet copy of it."""

import io

import numpy as np
from PIL import Image

from repro.recipes import imagenet
from repro.training.image_index import make_index

CLASSES = ("n01", "n02", "n03", "n04", "n05", "n06")
TRAIN, VAL = (7, 7, 7, 8, 8, 8), (3, 3, 3, 3, 4, 4)  # images of each class


def encoded():
    """By path below the data set's folder, in order, the bytes of each image: noise around a colour of its class."""
    generator = np.random.default_rng(0)
    found = {}
    for split, counts in (("train", TRAIN), ("val", VAL)):
        for label, count in enumerate(counts):
            for number in range(count):
                height, width = generator.integers(70, 100, 2)
                colour = np.array([40 * label, 255 - 40 * label, 128])
                pixels = np.clip(colour + generator.normal(0, 40, (height, width, 3)), 0, 255).astype(np.uint8)
                mode = "L" if number == 1 else "RGB"  # ImageNet has grey ones as well
                file = io.BytesIO()
                Image.fromarray(pixels).convert(mode).save(file, "JPEG")
                found[f"{split}/{CLASSES[label]}/{number}.JPEG"] = file.getvalue()
    return found


def draw(data_dir, form="folders"):
    """Writes the images below a folder of data sets, and returns their own folder."""
    root = data_dir / "imagenet-drawn"
    if form == "folders":
        for name, content in encoded().items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    else:
        write_rows(root, encoded())
    return root


def write_rows(root, images, **changed):
    """Writes images as Parquet files of two row groups, with other columns if some are changed."""
    import pyarrow
    import pyarrow.parquet

    root.mkdir(parents=True, exist_ok=True)
    for split in ("train", "val"):
        own = {name: content for name, content in images.items() if name.startswith(split)}
        rows = [{"bytes": content, "path": name.rpartition("/")[2]} for name, content in own.items()]
        labels = [CLASSES.index(name.split("/")[1]) for name in own]
        table = pyarrow.table({"image": rows, "label": labels} | changed)
        begin = "validation" if split == "val" else split  # as a well-known copy is named
        pyarrow.parquet.write_table(table, root / f"{begin}-00000-of-00001.parquet", row_group_size=len(rows) // 2)


def indexed(data_dir, form="folders"):
    """Draws the images and indexes them; returns the folder of data sets."""
    draw(data_dir, form)
    make_index("imagenet-drawn", data_dir, lambda done, count: None)
    return data_dir


def small(**changed):
    """A run of two epochs on the drawn images, whose last batch of an epoch has an odd number of images."""
    import dataclasses

    few = {
        "depth": 18, "dataset": "imagenet-drawn", "image_size": 64, "test_resize": 72, "batch_size": 16,
        "processes": 1, "epochs": 2, "warm_up_epochs": 1, "learning_rate_drops": (1,),
    }  # fmt: skip
    return dataclasses.replace(imagenet("paper", 0, depth=18), **few | changed)
