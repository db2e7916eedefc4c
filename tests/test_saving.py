import os

import pytest

from huggingchat_agent import files
from huggingchat_agent.saving import make_safe_name, save


@pytest.mark.parametrize(
    ("name", "mime", "safe"),
    [
        ("photo.png", "image/png", "photo.png"),
        ("../../etc/passwd", "", "passwd"),
        ("..\\..\\boot.ini", "", "boot.ini"),
        ("..", "text/plain", "file.txt"),
        ("", "image/png", "file.png"),
        ("a\x00b\nc.txt", "", "a_b_c.txt"),
        ("invoice\u202egnp.exe", "", "invoice_gnp.exe"),
        ("CON", "", "file_CON"),
        ("con.txt", "", "file_con.txt"),
        ("report", "application/pdf", "report.pdf"),
        ("x" * 300 + ".txt", "", "x" * 196 + ".txt"),
        ("漢" * 90 + ".txt", "", "漢" * 65 + ".txt"),
        ("é" + "漢" * 90, "image/png", "é" + "漢" * 64 + ".png"),
        (".bashrc", "", "bashrc"),
    ],
)
def test_name_is_made_fit(name, mime, safe):
    assert make_safe_name(name, mime) == safe


def test_folder_never_loses_a_file(tmp_path):
    paths = [save(str(number).encode(), tmp_path, "a.txt", "") for number in range(3)]
    assert [path.name for path in paths] == ["a.txt", "a-2.txt", "a-3.txt"]
    assert [path.read_text() for path in paths] == ["0", "1", "2"]


def test_link_in_the_folder_is_not_followed(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").symlink_to(outside)
    assert save(b"theirs", folder, "a.txt", "").name == "a-2.txt"
    assert outside.read_text() == "mine"


def test_saved_file_has_the_mode_of_other_new_files_and_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "usual").touch()
    path = save(b"x", tmp_path / "new.bin", "ignored", "")
    assert os.stat(path).st_mode == os.stat(tmp_path / "usual").st_mode
    assert {each.name for each in tmp_path.iterdir()} == {"usual", "new.bin"}


def test_long_name_is_saved_again_and_again(tmp_path):
    paths = [save(b"x", tmp_path, "漢" * 200 + ".txt", "") for _ in range(3)]
    assert len(set(paths)) == len(list(tmp_path.iterdir())) == 3


def test_several_files_are_written_or_none(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError):
        files.write_all({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert [each.name for each in tmp_path.iterdir()] == ["b"]


def test_half_a_character_in_a_name_is_repaired(tmp_path):
    assert save(b"x", tmp_path, "caf\udce9.txt", "text/plain").name == "caf\ufffd.txt"
