import dataclasses
import io
import pickle

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repro.errors import DataError
from repro.executing.fetch import archives
from repro.recipes import cifar
from repro.runs.datasets import DATASETS
from repro.training import data, decoded
from repro.training.data import augment, draws, load
from repro.training.decoded import arrays, fingerprint
from repro.training.formats import decode

CPU = torch.device("cpu")


def write_parquet(folder, split, images, labels, form="PNG", columns=("img", "label")):
    encoded = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, form)
        encoded.append({"bytes": stream.getvalue(), "path": ""})
    table = pyarrow.table({columns[0]: encoded, columns[1]: list(labels)})
    pyarrow.parquet.write_table(table, folder / f"{split}-00000-of-00001.parquet")


def noise(count, side=32, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8), generator.integers(0, 10, count)


def test_digits_are_the_scans_that_they_were():
    (pixels, labels), (test_pixels, _), prints = arrays("digits", data.Path())
    assert pixels.shape == (898, 8, 8, 1)
    assert test_pixels.shape == (899, 8, 8, 1)
    assert prints == DATASETS["digits"].fingerprints
    assert set(labels.tolist()) == set(range(10))


def test_digits_are_normalised_with_the_training_halfs_moments():
    images = load(cifar("smoke", 0, depth=8), data.Path(), CPU)
    floats = images.normalise(images.train.inputs)
    assert floats.shape == (898, 1, 8, 8)
    assert abs(float(floats.mean())) < 1e-3
    assert abs(float(floats.std()) - 1) < 1e-3


def test_shuffled_labels_are_a_permutation_that_follows_the_seed():
    def labels(seed, kind):
        spec = cifar("smoke", seed, depth=8, trained="all", labels=kind)
        images = load(spec, data.Path(), CPU)
        return images.train.labels, images.test.labels

    true, test = labels(0, "true")
    mixed, test_mixed = labels(0, "shuffled")
    assert torch.equal(true.sort().values, mixed.sort().values)
    assert float((true == mixed).float().mean()) < 0.2
    assert torch.equal(test, test_mixed)
    assert not torch.equal(mixed, labels(1, "shuffled")[0])


@given(st.integers(0, 2**31), st.permutations(range(12)))
def test_fingerprint_does_not_depend_on_the_order(seed, order):
    pixels, labels = noise(12, side=4, seed=seed)
    assert fingerprint(pixels, labels) == fingerprint(pixels[order], labels[order])


@given(st.integers(0, 11), st.integers(0, 3), st.integers(0, 3), st.integers(0, 2))
def test_fingerprint_notices_one_pixel(image, y, x, channel):
    pixels, labels = noise(12, side=4)
    before = fingerprint(pixels, labels)
    pixels[image, y, x, channel] ^= 1
    assert fingerprint(pixels, labels) != before


def test_fingerprint_notices_one_label():
    pixels, labels = noise(12, side=4)
    other = labels.copy()
    other[3] = (other[3] + 1) % 10
    assert fingerprint(pixels, labels) != fingerprint(pixels, other)


def test_archive_and_lossless_parquet_have_one_fingerprint(tmp_path, monkeypatch):
    """A stand-in archive of 50 + 10 images in the original's layout, as the real one is not at hand."""
    from torchvision.datasets import CIFAR10

    pixels, labels = noise(60)
    folder = tmp_path / "archive" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    for i, name in enumerate(names):
        rows = pixels[10 * i : 10 * i + 10].transpose(0, 3, 1, 2).reshape(10, -1)
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": labels[10 * i : 10 * i + 10].tolist()}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("0123456789")}))
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    write_parquet(tmp_path, "train", pixels[:50], labels[:50])
    write_parquet(tmp_path, "test", pixels[50:], labels[50:])
    for from_archive, from_parquet in zip(
        decode("cifar10", "unpacked", tmp_path / "archive"), decode("cifar10-jpeg", "parquet", tmp_path), strict=True
    ):
        assert fingerprint(*from_archive) == fingerprint(*from_parquet)


def flipped_and_cropped(image, top, left, flip):
    """The augmentation of one image, spelled out: flip, pad by 4 with zeros, crop."""
    image = image[:, ::-1] if flip else image
    return np.pad(image, ((4, 4), (4, 4), (0, 0)))[top : top + 32, left : left + 32]


def augmented_by(pixels, seed, epoch, index):
    return augment(pixels, index, draws(pixels, "flip-crop4", seed, epoch))


def test_augmented_images_are_flips_and_crops_of_their_originals():
    pixels = noise(40)[0]
    augmented = augmented_by(torch.from_numpy(pixels), 0, 0, torch.arange(40)).numpy()
    flips = 0
    for image, result in zip(pixels, augmented, strict=True):
        ways = [(t, l, f) for t in range(9) for l in range(9) for f in (0, 1)]  # noqa: E741
        fitting = [way for way in ways if np.array_equal(flipped_and_cropped(image, *way), result)]
        assert len(fitting) == 1
        flips += fitting[0][2]
    assert 8 <= flips <= 32


def test_augmentation_of_an_image_depends_on_seed_epoch_and_image_alone():
    pixels = torch.from_numpy(noise(40)[0])
    whole = augmented_by(pixels, 0, 5, torch.arange(40))
    picked = augmented_by(pixels, 0, 5, torch.tensor([7, 3]))
    assert torch.equal(picked, whole[[7, 3]])
    assert not torch.equal(whole, augmented_by(pixels, 0, 6, torch.arange(40)))
    assert not torch.equal(whole, augmented_by(pixels, 1, 5, torch.arange(40)))


def test_normalised_cifar_uses_imagenets_constants():
    pixels = torch.full((1, 32, 32, 3), 255, dtype=torch.uint8)
    split = data.Split(inputs=pixels, labels=torch.zeros(1, dtype=torch.int64))
    images = data.Examples(train=split, test=split, dataset=DATASETS["cifar10"], fingerprints={})
    expected = torch.tensor([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])
    assert torch.allclose(images.normalise(pixels)[0, :, 0, 0], expected)


def test_what_is_fetched_is_the_archive_that_torchvision_knows():
    from torchvision.datasets import CIFAR10

    one = archives()["cifar10"]
    assert (one.file, one.md5) == (CIFAR10.filename, CIFAR10.tgz_md5)
    assert len(one.urls) >= 3 and CIFAR10.url in one.urls and all(url.startswith("https://") for url in one.urls)


@pytest.mark.parametrize("name", ["cifar10", "cifar10-jpeg"])
def test_a_missing_folder_is_reported_with_what_belongs_there(name, tmp_path):
    with pytest.raises(DataError, match="holds no CIFAR-10; .*put .* or name another folder with --data-dir"):
        arrays(name, tmp_path / "nowhere")


def test_what_can_be_fetched_is_said_to_be(tmp_path):
    with pytest.raises(DataError, match=r"fetch it \(repro data fetch cifar10\)"):
        arrays("cifar10", tmp_path)


def test_a_truncated_archive_is_refused(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    with pytest.raises(DataError, match="truncated or altered"):
        arrays("cifar10", tmp_path)


def test_an_incomplete_unpacked_archive_is_refused(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    with pytest.raises(DataError, match="incomplete or altered"):
        arrays("cifar10", tmp_path)


def test_a_truncated_parquet_file_is_refused_by_name(tmp_path):
    write_parquet(tmp_path, "train", *noise(3))
    write_parquet(tmp_path, "test", *noise(3))
    file = next(tmp_path.glob("train*.parquet"))
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DataError, match=f"{file.name} cannot be read"):
        arrays("cifar10-jpeg", tmp_path)


def test_a_parquet_file_with_other_columns_is_refused_with_the_right_ones(tmp_path):
    write_parquet(tmp_path, "train", *noise(3), columns=("image", "label"))
    write_parquet(tmp_path, "test", *noise(3), columns=("image", "label"))
    with pytest.raises(DataError, match="img{bytes,path} and label"):
        arrays("cifar10-jpeg", tmp_path)


def test_images_of_another_number_are_refused(tmp_path):
    for split in ("train", "test"):
        write_parquet(tmp_path, split, *noise(3))
    with pytest.raises(DataError, match="holds 3 images .* has 50000 of"):
        arrays("cifar10-jpeg", tmp_path)


def test_images_of_mixed_shapes_are_refused(tmp_path):
    write_parquet(tmp_path, "train", [noise(1)[0][0], noise(1, side=16)[0][0]], [0, 1])
    write_parquet(tmp_path, "test", *noise(3))
    with pytest.raises(DataError, match=r"row 1 of .*train.*parquet is \(16, 16, 3\), and row 0 is \(32, 32, 3\); one"):
        arrays("cifar10-jpeg", tmp_path)


@pytest.mark.parametrize("damage", ["cut", "no image", "nothing"])
def test_a_corrupt_image_names_its_row(tmp_path, damage, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)  # as importing WeasyPrint leaves it
    for split in ("train", "test"):
        write_parquet(tmp_path, split, *noise(4))
    file = next(tmp_path.glob("train*.parquet"))
    table = pyarrow.parquet.read_table(file).to_pydict()
    whole = table["img"][2]["bytes"]
    table["img"][2]["bytes"] = {"cut": whole[: len(whole) // 2], "no image": b"no image", "nothing": None}[damage]
    pyarrow.parquet.write_table(pyarrow.table(table), file)
    with pytest.raises(DataError, match=f"row 2 of {file} is not an image .*; copy it again"):
        arrays("cifar10-jpeg", tmp_path)


def test_a_missing_label_names_its_row(tmp_path):
    write_parquet(tmp_path, "train", noise(3)[0], [0, None, 2])
    write_parquet(tmp_path, "test", *noise(3))
    with pytest.raises(DataError, match=r"row 1 of .* has no label"):
        arrays("cifar10-jpeg", tmp_path)


def test_a_class_without_an_image_is_named(tmp_path, monkeypatch):
    small = dataclasses.replace(DATASETS["cifar10-jpeg"], train_size=20, test_size=20)
    monkeypatch.setitem(DATASETS, "cifar10-jpeg", small)
    pixels, _ = noise(20)
    write_parquet(tmp_path, "train", pixels, [number % 10 for number in range(20)])
    write_parquet(tmp_path, "test", pixels, [number % 9 for number in range(20)])
    with pytest.raises(DataError, match=r"\(test\) has no image of class 9; cifar10-jpeg has 10 classes"):
        arrays("cifar10-jpeg", tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir() if not path.name.startswith(".")) == [".parquet"] * 2


def test_another_fingerprint_is_another_data_set(tmp_path):
    with pytest.raises(DataError, match="is not cifar10's"):
        decoded._check_prints("cifar10", tmp_path, "parquet", {"train": "a" * 64, "test": "b" * 64})


def test_a_known_copy_under_the_wrong_name_is_reported_by_its_own(tmp_path):
    with pytest.raises(DataError, match="say --data cifar10-jpeg"):
        decoded._check_prints("cifar10", tmp_path, "parquet", DATASETS["cifar10-jpeg"].fingerprints)
