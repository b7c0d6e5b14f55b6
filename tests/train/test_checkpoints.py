"""Checkpoints under interruptions at every single step of writing them."""

import contextlib
import errno
import os
import subprocess
import sys

import pytest
import torch

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.checkpoints import (
    CHECKPOINT,
    PENDING,
    PREVIOUS,
    CheckpointKeeper,
    atomic_save,
)
from tests.corpora import training_arguments
from tests.train.test_training import CONSTANT_RATE, assert_same_weights


class Killed(BaseException):
    """Stands for a kill: no handler of the code under test may catch it."""


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pth"
    atomic_save(torch.save, {"a": 1}, path)

    def dies(obj, file):
        file.write(b"half")
        raise Killed

    with pytest.raises(Killed):
        atomic_save(dies, {"a": 2}, path)
    assert torch.load(path, weights_only=True) == {"a": 1}
    assert os.listdir(tmp_path) == ["x.pth"]


def test_checkpoint_waits_for_its_epoch(tmp_path):
    keeper = CheckpointKeeper(tmp_path)
    original = torch.save
    with keeper.guard_saves():
        torch.save({"epoch": 1}, tmp_path / CHECKPOINT)
        assert not (tmp_path / CHECKPOINT).exists()
        torch.save({}, tmp_path / "1epoch.pth")
        keeper.commit()
        torch.save({"epoch": 2}, tmp_path / CHECKPOINT)
        assert torch.load(tmp_path / CHECKPOINT, weights_only=True) == {"epoch": 1}
        keeper.commit()
        keeper.commit()
    assert torch.save is original
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True) == {"epoch": 2}
    assert torch.load(tmp_path / PREVIOUS, weights_only=True) == {"epoch": 1}
    assert not (tmp_path / PENDING).exists()


def test_only_the_writing_process_commits(tmp_path):
    (tmp_path / PENDING).write_bytes(b"of another process")
    CheckpointKeeper(tmp_path, writes=False).commit()
    assert (tmp_path / PENDING).exists()


@pytest.fixture
def no_hard_links(monkeypatch):
    def refuses(source, target):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuses)


def epoch_in(path):
    return torch.load(path, weights_only=True)["epoch"]


@pytest.mark.usefixtures("no_hard_links")
def test_file_systems_without_hard_links(tmp_path):
    keeper = CheckpointKeeper(tmp_path)
    with keeper.guard_saves():
        for epoch in (1, 2, 3):
            torch.save({"epoch": epoch}, tmp_path / CHECKPOINT)
            keeper.commit()
    assert epoch_in(tmp_path / CHECKPOINT) == 3
    assert epoch_in(tmp_path / PREVIOUS) == 2


@pytest.mark.usefixtures("no_hard_links")
def test_killed_between_the_two_renames_without_hard_links(tmp_path, monkeypatch):
    keeper = CheckpointKeeper(tmp_path)
    with keeper.guard_saves():
        for epoch in (1, 2):
            torch.save({"epoch": epoch}, tmp_path / CHECKPOINT)
            keeper.commit()
        torch.save({"epoch": 3}, tmp_path / CHECKPOINT)
    replace = os.replace

    def dies(source, target):
        if target.name == CHECKPOINT:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(Killed):
        keeper.commit()
    monkeypatch.setattr(os, "replace", replace)
    again = CheckpointKeeper(tmp_path)
    again.recover()
    assert again.newest_readable() == tmp_path / CHECKPOINT
    assert epoch_in(tmp_path / CHECKPOINT) == 2


@pytest.fixture
def two_epochs(tmp_path):
    """A folder with a checkpoint and the one before, and what is in them."""
    states = [
        {"model": {"w": torch.full((40, 30), value)}, "reporter": {"epoch": value}}
        for value in (1.0, 2.0)
    ]
    keeper = CheckpointKeeper(tmp_path)
    with keeper.guard_saves():
        for state in states:
            torch.save(state, tmp_path / CHECKPOINT)
            keeper.commit()
    return tmp_path, states


def flipped(data, place, mask=0x10):
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def same(one, other):
    return one["reporter"] == other["reporter"] and torch.equal(
        one["model"]["w"], other["model"]["w"]
    )


def test_a_flipped_bit_is_found_or_changes_nothing(two_epochs):
    folder, (_, newest) = two_epochs
    path = folder / CHECKPOINT
    data = path.read_bytes()
    weights = newest["model"]["w"].numpy().tobytes()
    first = data.index(weights)
    picked = range(0, len(data), 29)
    keeper = CheckpointKeeper(folder)
    for place in picked:
        path.write_bytes(flipped(data, place))
        found = keeper.newest_readable()
        inside = first <= place < first + len(weights)
        assert found.name == PREVIOUS or not inside, place
        if found == path:
            assert same(torch.load(path, weights_only=True), newest), place


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda data: b"\x80" + data[1:], id="no zip"),
        pytest.param(lambda data: data.replace(b"reporter", b"rep\xffrter"), id="text"),
    ],
)
def test_the_one_before_is_taken(two_epochs, caplog, damaged):
    folder, (before, _) = two_epochs
    path = folder / CHECKPOINT
    path.write_bytes(damaged(path.read_bytes()))
    keeper = CheckpointKeeper(folder)
    assert same(torch.load(keeper.newest_readable(), weights_only=True), before)
    assert f"The checkpoint {path} is damaged" in caplog.text
    assert len(caplog.records) == 1
    assert "\n" not in caplog.records[0].message
    # The next one pushes the damaged one out, not the good one.
    with keeper.guard_saves():
        torch.save({"epoch": 3}, path)
        keeper.commit()
    assert epoch_in(path) == 3
    assert same(torch.load(folder / PREVIOUS, weights_only=True), before)


def test_no_good_one_is_left(two_epochs):
    folder, _ = two_epochs
    for name in (CHECKPOINT, PREVIOUS):
        (folder / name).unlink()
        (folder / name).write_bytes(b"nothing")
    with pytest.raises(RuntimeError, match=r"no readable checkpoint: .*previous"):
        CheckpointKeeper(folder).newest_readable()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    root = tmp_path_factory.mktemp("unbroken")
    arguments = [
        *training_arguments(root / "data", train=4, valid=2),
        *CONSTANT_RATE,
        "--batch_bins=40000",
        "--accum_grad=2",
        "--max_epoch=3",
        "--keep_nbest_models=1",
    ]
    main([*arguments, f"--output_dir={root / 'exp'}"])
    return arguments, root / "exp"


# Three epochs rename a dozen files and link two; averaging renames some more.
@pytest.mark.parametrize("call", ["replace", "link", "fsync"])
@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 6, 7, 9, 12])
def test_killed_while_writing(unbroken, tmp_path, monkeypatch, call, number):
    arguments, whole = unbroken
    arguments = [*arguments, f"--output_dir={tmp_path}"]
    original, left = getattr(os, call), [number]

    def dies(*args):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return original(*args)

    monkeypatch.setattr(os, call, dies)
    with contextlib.suppress(Killed):
        main(arguments)
    monkeypatch.undo()
    main(arguments)
    assert_same_weights(whole, tmp_path, 1e-6)
    names = {path.name for path in whole.iterdir()}
    assert names <= {path.name for path in tmp_path.iterdir()}
    for name in names:
        if name.endswith("best.pth"):
            assert os.readlink(whole / name) == os.readlink(tmp_path / name)


def test_no_place_for_temporary_files_is_one_line(tmp_path):
    """A process that may write nothing cannot even import what training needs."""
    code = (
        "import resource, sys\n"
        "from espnet2_ext.bin.sttatts_train import run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "sys.exit(run(['--token_list', 'x', '--output_dir', sys.argv[1]]))\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "exp")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert "sttatts_train: error: " in last
    assert "No usable temporary directory" in last
    assert "Traceback" not in done.stderr
