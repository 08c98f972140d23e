"""Images in files: indexed once, the same for whoever decodes them, and refused by name where they are broken."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

from repro.errors import DataError, StoreError
from repro.runs.datasets import check_data_present
from repro.training import image_index
from repro.training.data import load
from repro.training.image_index import index_of, make_index
from repro.training.images import permuted, shared
from tests.drawn import CLASSES, draw, encoded, indexed, small, write_rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return indexed(tmp_path_factory.mktemp("folders"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return indexed(tmp_path_factory.mktemp("rows"), "parquet")


def batches(spec, data_dir, epoch=0, rank=0, size=1, workers=0):
    """The images and labels of one process in an epoch, batch by batch."""
    split = dataclasses.replace(load(spec, data_dir, CPU).train, workers=workers)
    shards = [shared(batch, rank, size) for batch in permuted(spec, epoch, len(split.labels))]
    return list(split.epoch(epoch, shards))


def equal(some, others):
    return len(some) == len(others) and all(
        torch.equal(one, other) for pair, other_pair in zip(some, others, strict=True)
        for one, other in zip(pair, other_pair, strict=True)
    )  # fmt: skip


def test_an_image_is_the_same_whether_this_process_decodes_it_or_others_do(folders):
    assert equal(batches(small(), folders), batches(small(), folders, workers=2))


def test_two_processes_see_together_the_images_that_one_sees(folders):
    alone = batches(small(), folders)
    two = [batches(small(processes=2), folders, rank=rank, size=2) for rank in range(2)]
    joined = [tuple(torch.cat(parts) for parts in zip(*halves, strict=True)) for halves in zip(*two, strict=True)]
    assert equal(joined, alone)
    assert [len(labels) for _, labels in two[0]] == [8, 8, 7]
    assert [len(labels) for _, labels in two[1]] == [8, 8, 6]


def test_every_training_image_comes_once_an_epoch_in_another_order_and_another_crop(folders):
    zero, one, other_seed = (
        batches(spec, folders, epoch) for spec, epoch in ((small(), 0), (small(), 1), (small(seed=1), 0))
    )
    for some in (zero, one, other_seed):
        assert sorted(torch.cat([labels for _, labels in some]).tolist()) == sorted(
            index_of("imagenet-drawn", folders)["train"].labels.tolist()
        )
    assert not equal(zero, one)
    assert not equal(zero, other_seed)
    still = [batches(small(augmentation="none"), folders, epoch) for epoch in range(2)]
    assert {image.numpy().tobytes() for images, _ in still[0] for image in images} == {
        image.numpy().tobytes() for images, _ in still[1] for image in images
    }
    moved = {image.numpy().tobytes() for images, _ in zero for image in images}
    assert not moved & {image.numpy().tobytes() for images, _ in one for image in images}


def test_decoding_leaves_torchs_global_stream_alone(folders):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    batches(small(), folders)
    assert torch.equal(torch.rand(1), expected)


def test_a_parquet_copy_has_the_fingerprints_and_images_of_the_folders(folders, rows):
    indices = [index_of("imagenet-drawn", where) for where in (folders, rows)]
    for split in ("train", "test"):
        assert indices[0][split].fingerprint == indices[1][split].fingerprint
    assert equal(batches(small(), folders), batches(small(), rows))


def test_test_images_are_resized_and_cropped_at_their_centre(folders):
    (images, labels), *_ = load(small(), folders, CPU).test.blocks()
    assert images.shape == (16, 64, 64, 3)
    assert labels.tolist() == sorted(labels.tolist())
    from PIL import Image
    from torchvision.transforms import v2

    first = Image.open(folders / "imagenet-drawn" / "val" / "n01" / "0.JPEG").convert("RGB")
    expected = np.asarray(v2.CenterCrop(64)(v2.Resize(72)(first)))
    assert np.array_equal(images[0].numpy(), expected)


def test_shuffled_labels_are_a_permutation_of_the_training_labels_alone(folders):
    true, shuffled = (load(small(labels=kind), folders, CPU) for kind in ("true", "shuffled"))
    assert sorted(shuffled.train.labels.tolist()) == sorted(true.train.labels.tolist())
    assert not torch.equal(shuffled.train.labels, true.train.labels)
    assert torch.equal(shuffled.test.labels, true.test.labels)


def refused(data_dir):
    """The one line with which indexing ends; nothing may have been written."""
    before = sorted(data_dir.rglob("*"))
    with pytest.raises(DataError) as caught:
        make_index("imagenet-drawn", data_dir, lambda done, count: None)
    assert sorted(data_dir.rglob("*")) == before
    (line,) = str(caught.value).splitlines()
    return line


def test_a_folder_without_a_class_is_refused_by_the_name_of_the_class(tmp_path):
    shutil.rmtree(draw(tmp_path) / "val" / "n03")
    assert "val lacks class n03 (1 in all)" in refused(tmp_path)


def test_class_folders_that_differ_between_splits_are_refused(tmp_path):
    root = draw(tmp_path)
    (root / "val" / "n02").rename(root / "val" / "n07")  # sorted, every class from n02 on would have another label
    assert "val lacks class n02" in refused(tmp_path)


def test_class_folders_whose_alphabetical_order_is_another_are_refused(tmp_path):
    root = draw(tmp_path)
    for split in ("train", "val"):
        for number, name in enumerate(sorted(one.name for one in (root / split).iterdir()), 6):
            (root / split / name).rename(root / split / str(number))
    assert "in which 11 comes before 6" in refused(tmp_path)


def test_too_few_classes_are_refused_with_their_number(tmp_path):
    root = draw(tmp_path)
    for split in ("train", "val"):
        shutil.rmtree(root / split / "n06")
    assert "has 5 classes; imagenet-drawn has 6" in refused(tmp_path)


def test_an_empty_class_is_refused(tmp_path):
    root = draw(tmp_path)
    for file in (root / "train" / "n04").iterdir():
        file.unlink()
    assert "(train) has no image of class 3" in refused(tmp_path)


def test_a_missing_image_is_refused_with_both_counts(tmp_path):
    (draw(tmp_path) / "val" / "n06" / "0.JPEG").unlink()
    assert "(test) has 19 images; imagenet-drawn has 20" in refused(tmp_path)


def test_a_missing_split_is_refused(tmp_path):
    shutil.rmtree(draw(tmp_path) / "val")
    assert "holds no val/; it needs both splits" in refused(tmp_path)


def test_nothing_at_all_is_refused_with_the_layouts_that_are_allowed(tmp_path):
    line = refused(tmp_path)
    assert "train/CLASS/*.JPEG" in line
    assert "image{bytes,path}" in line


@pytest.mark.parametrize("broken", [b"", b"no image", None], ids=["empty", "text", "half"])
def test_a_corrupt_file_is_named(tmp_path, broken):
    file = draw(tmp_path) / "train" / "n02" / "3.JPEG"
    file.write_bytes(file.read_bytes()[:800] if broken is None else broken)
    line = refused(tmp_path)
    assert f"{file} is not an image that can be decoded" in line
    assert " object at 0x" not in line


def test_a_corrupt_row_is_named(tmp_path):
    images = encoded()
    images["val/n02/1.JPEG"] = b"no image"
    write_rows(tmp_path / "imagenet-drawn", images)
    assert "validation-00000-of-00001.parquet, row 4, is not an image that can be decoded" in refused(tmp_path)


def test_other_columns_are_refused_with_those_that_are_needed(tmp_path):
    write_rows(tmp_path / "imagenet-drawn", encoded())
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "imagenet-drawn" / "train-00000-of-00001.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).rename_columns(["img", "label"]), path)
    line = refused(tmp_path)
    assert "its columns are img, label" in line
    assert "columns image{bytes,path} and label" in line


def test_a_class_missing_from_a_parquet_split_is_refused(tmp_path):
    images = {name: content for name, content in encoded().items() if not name.startswith("val/n05")}
    write_rows(tmp_path / "imagenet-drawn", images)
    assert "(test) has no image of class 4" in refused(tmp_path)


def test_images_that_were_not_read_through_are_refused_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw(tmp_path)
    with pytest.raises(DataError, match="has not been read through yet; .* repro data check imagenet-drawn --data-dir"):
        check_data_present("imagenet-drawn", tmp_path)


def test_the_index_goes_to_the_cache_where_the_data_folder_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data_dir = tmp_path / "data"
    draw(data_dir)
    data_dir.chmod(0o555)
    try:
        make_index("imagenet-drawn", data_dir, lambda done, count: None)
        assert [path.name for path in data_dir.iterdir()] == ["imagenet-drawn"]
        assert check_data_present("imagenet-drawn", data_dir) == "folders"
        assert len(index_of("imagenet-drawn", data_dir)["test"].labels) == 20
    finally:
        data_dir.chmod(0o755)


def test_the_index_goes_to_the_cache_where_a_data_folder_of_somebody_else_refuses_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data_dir, really = tmp_path / "data", image_index.write
    draw(data_dir)

    def write(path, content):  # this process may be root's, whom no mode of a folder keeps out
        if path.is_relative_to(data_dir):
            raise StoreError(f"{path} could not be written (Permission denied).")
        really(path, content)

    monkeypatch.setattr(image_index, "write", write)
    make_index("imagenet-drawn", data_dir, lambda done, count: None)
    assert len(index_of("imagenet-drawn", data_dir)["test"].labels) == 20


@pytest.mark.parametrize("damage", ["a label", "the end"])
def test_a_damaged_index_is_refused_with_the_command_that_mends_it(tmp_path, damage):
    indexed(tmp_path)
    place = tmp_path / "imagenet-drawn.index"
    content = bytearray(place.read_bytes())
    if damage == "a label":
        content[8 + int.from_bytes(content[:8], "little")] ^= 1
    else:
        del content[-1]
    place.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be used .* make it again: repro data check imagenet-drawn"):
        index_of("imagenet-drawn", tmp_path)


def test_an_image_that_changed_since_it_was_indexed_is_named(tmp_path):
    indexed(tmp_path)
    file = tmp_path / "imagenet-drawn" / "val" / CLASSES[0] / "0.JPEG"
    file.write_bytes((tmp_path / "imagenet-drawn" / "val" / CLASSES[0] / "2.JPEG").read_bytes())
    with pytest.raises(DataError, match=f"{file} has changed since its data set was read through"):
        list(load(small(), tmp_path, CPU).test.blocks())


def test_signs_of_life_count_every_image(tmp_path):
    draw(tmp_path)
    told = []
    make_index("imagenet-drawn", tmp_path, lambda done, count: told.append((done, count)))
    assert told[-1] == (20, 20)
    assert (45, 45) in told
