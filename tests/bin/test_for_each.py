"""One process for several runs of a command."""

import pytest

from espnet2_ext.bin.for_each import main, split


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("a b", [["a", "b"]]),
        ("a ::: b c ::: d", [["a"], ["b", "c"], ["d"]]),
        ("::: a ::: :::", [[], ["a"], [], []]),
    ],
)
def test_words_are_parted(words, parts):
    assert split(words.split()) == parts


def write_texts(folder, *names):
    paths = []
    for name in names:
        path = folder / name / "text"
        path.parent.mkdir(parents=True)
        path.write_text(f"{name}-u1 a b\n")
        paths.append(str(path.parent))
    return paths


def test_each_group_of_words_is_run_with_the_common_ones(tmp_path):
    a, b = write_texts(tmp_path, "a", "b")
    copies = [f"{folder}-copy" for folder in (a, b)]
    words = ["datadir", "copy", "--utt_prefix=x-", ":::", a, copies[0], ":::", b]
    assert main([*words, copies[1]]) == 0
    for name in "ab":
        copied = (tmp_path / f"{name}-copy" / "text").read_text()
        assert copied == f"x-{name}-u1 a b\n"


def test_the_first_failure_ends_the_run(tmp_path, capsys):
    (a,) = write_texts(tmp_path, "a")
    runs = ["copy", str(tmp_path / "nowhere"), a, ":::", "copy", a, f"{a}-copy"]
    assert main(["datadir", ":::", *runs]) == 1
    assert "nowhere: no such data directory" in capsys.readouterr().err
    assert not (tmp_path / "a-copy").exists()


def test_an_unknown_command_is_named(capsys):
    assert main(["no_such", ":::", "a"]) == 2
    assert "'no_such' is no command" in capsys.readouterr().err
    assert main([]) == 0
    assert "COMMAND WORDS :::" in capsys.readouterr().out
