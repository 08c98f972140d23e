"""Decoded images: decoded once, mapped by all, never written where nobody may."""

import fcntl
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from repro.errors import DataError
from repro.runs.datasets import ARCHIVE, DATASETS, UNPACKED, check_data_present
from repro.training import decoded
from repro.training.decoded import arrays, fingerprint
from repro.training.formats import decode
from tests.training.test_data import noise, write_parquet


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a data set of 50 + 10 images that goes by cifar10-jpeg's name, and an empty user's cache."""
    pixels, labels = noise(60)
    folder = tmp_path / "data"
    folder.mkdir()
    write_parquet(folder, "train", pixels[:50], labels[:50])
    write_parquet(folder, "test", pixels[50:], labels[50:])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(decoded, "_check_shape", lambda *_: None)
    monkeypatch.setattr(decoded, "_check_prints", lambda *_: None)
    return folder


@pytest.fixture
def never(monkeypatch):
    """Call it, and from then on nothing is decoded."""

    def forbid():
        monkeypatch.setattr(decoded, "decode", lambda *_: pytest.fail("decoded again"))

    return forbid


def look(folder):
    """What a new process would see."""
    arrays.cache_clear()
    (train, labels), (test, test_labels), prints = arrays("cifar10-jpeg", folder)
    assert prints == {"train": fingerprint(train, labels), "test": fingerprint(test, test_labels)}
    return train, prints


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


def test_images_are_decoded_once_and_then_mapped(place, never):
    first, prints = look(place)
    never()
    second, again = look(place)
    assert np.array_equal(first, second)
    assert np.array_equal(first, decode("cifar10-jpeg", "parquet", place)[0][0])
    assert prints == again
    assert "cifar10-jpeg.decoded" in files(place)


def test_a_write_to_mapped_images_never_reaches_the_file(place):
    first, prints = look(place)
    first[:] = 0
    assert look(place)[1] == prints


@pytest.mark.parametrize("at", [3, 40, 5000, -1])
def test_a_flipped_bit_in_the_decoded_images_is_noticed_and_repaired(place, at, never):
    prints = look(place)[1]
    file = place / "cifar10-jpeg.decoded"
    whole = bytearray(file.read_bytes())
    whole[at] ^= 4
    file.write_bytes(whole)
    assert look(place)[1] == prints
    assert file.read_bytes() != bytes(whole)
    never()
    assert look(place)[1] == prints


def test_other_images_in_the_folder_are_decoded_again(place):
    before = look(place)[1]
    pixels, labels = noise(50, seed=1)
    write_parquet(place, "train", pixels, labels)
    assert look(place)[1]["train"] == fingerprint(pixels, labels) != before["train"]


def test_a_read_only_folder_is_left_alone_and_the_images_lie_in_the_users_cache(place, never, tmp_path):
    place.chmod(0o555)
    before = files(place)
    prints = look(place)[1]
    never()
    assert look(place)[1] == prints
    assert files(place) == before
    assert len(files(tmp_path / "cache")) == 1
    place.chmod(0o755)


def test_where_nothing_can_be_written_the_images_stay_in_memory(place, tmp_path):
    place.chmod(0o555)
    (tmp_path / "cache").write_text("no folder")
    train, _ = look(place)
    assert len(train) == 50
    place.chmod(0o755)


WORKER = """
import sys
from pathlib import Path
from repro.training import decoded
decoded._check_shape = decoded._check_prints = lambda *_: None
decode = decoded.decode
decoded.decode = lambda *given: (print("decoded"), decode(*given))[1]
print(decoded.arrays("cifar10-jpeg", Path(sys.argv[1]))[2])
"""


def test_of_workers_that_start_at_once_one_decodes(place):
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, place], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    printed = [worker.communicate()[0].splitlines() for worker in workers]
    assert sum("decoded" in lines for lines in printed) == 1
    assert len({lines[-1] for lines in printed}) == 1
    assert [name for name in files(place) if "decoded" in name] == ["cifar10-jpeg.decoded"]


def test_who_has_waited_long_enough_for_another_process_decodes(place, monkeypatch):
    """A run in the background may hold the lock without getting any time."""
    monkeypatch.setattr(decoded, "PATIENCE", 0.0)
    with (place / ".cifar10-jpeg.decoded.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        look(place)
    assert "cifar10-jpeg.decoded" in files(place)


def test_images_that_are_refused_leave_nothing_beside_them(place, monkeypatch):
    before = sorted(place.iterdir())

    def refuse(*_):
        raise DataError("row 3: no image")

    monkeypatch.setattr(decoded, "decode", refuse)
    with pytest.raises(DataError, match="row 3"):
        look(place)
    assert sorted(place.iterdir()) == before


def test_an_archive_is_read_where_it_lies(tmp_path, monkeypatch):
    """Nothing is unpacked, so that two workers cannot meet; the images are those of the unpacked folder."""
    pixels, labels = noise(60)
    folder = tmp_path / UNPACKED
    folder.mkdir()
    for i, name in enumerate([f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]):
        rows = pixels[10 * i : 10 * i + 10].transpose(0, 3, 1, 2).reshape(10, -1)
        (folder / name).write_bytes(pickle.dumps({"data": rows, "labels": labels[10 * i : 10 * i + 10].tolist()}))
    with tarfile.open(tmp_path / ARCHIVE, "w:gz") as tar:
        tar.add(folder, UNPACKED)
    monkeypatch.setattr("torchvision.datasets.utils.check_integrity", lambda *_: True)
    before = files(tmp_path)
    (train, train_labels), (test, test_labels) = decode("cifar10", "archive", tmp_path)
    assert np.array_equal(np.concatenate([train, test]), pixels)
    assert np.array_equal(np.concatenate([train_labels, test_labels]), labels)
    assert files(tmp_path) == before


def test_data_is_found_present_or_missing_without_torch(tmp_path):
    code = "import sys; from repro.runs.datasets import check_data_present; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert check_data_present("digits", tmp_path) == "bundled"
    for name in ("cifar10", "cifar10-jpeg"):
        with pytest.raises(DataError, match="holds no CIFAR-10"):
            check_data_present(name, tmp_path)
    write_parquet(tmp_path, "train", *noise(3))
    with pytest.raises(DataError, match=r"holds no test\*\.parquet; it needs both splits"):
        check_data_present("cifar10-jpeg", tmp_path)
    write_parquet(tmp_path, "test", *noise(3))
    assert check_data_present("cifar10-jpeg", tmp_path) == check_data_present("cifar10", tmp_path) == "parquet"
    (tmp_path / ARCHIVE).touch()
    assert check_data_present("cifar10", tmp_path) == "archive"
    assert check_data_present("cifar10-jpeg", tmp_path) == "parquet"


def test_the_jpeg_copy_has_the_fingerprint_that_its_name_stands_for(tmp_path, monkeypatch):
    """The real 60,000 images, where this machine has them."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "cifar10-jpeg"
    if not folder.exists():
        pytest.skip("the JPEG copy of CIFAR-10 is not here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (pixels, _), _, prints = arrays("cifar10-jpeg", folder)
    assert pixels.shape == (50_000, 32, 32, 3)
    assert prints == DATASETS["cifar10-jpeg"].fingerprints
