import errno
import os

import pytest

from huggingchat_agent import files
from huggingchat_agent.errors import StorageError
from huggingchat_agent.saving import make_safe_name, save
from huggingchat_agent.state.storage import write_private


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
        ("con .txt", "", "file_con .txt"),
        ("COM¹", "text/plain", "file_COM¹.txt"),
        ("conin$", "", "file_conin$"),
        ("\u3000", "text/plain", "file.txt"),
        ("a\x9b31m\u2028b\x85.txt", "", "a_31m_b_.txt"),
        ("x" * 199 + " y", "", "x" * 199),
        ("😀" * 64, "image/png", "😀" * 49 + ".png"),
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


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300, "😀" * 64])
def test_place_that_cannot_be_is_refused_with_a_sentence(tmp_path, name):
    with pytest.raises(StorageError, match="Cannot save"):
        save(b"x", tmp_path / name, "a.txt", "")
    with pytest.raises(StorageError, match="Cannot write"):
        write_private(tmp_path / name, b"x")


@pytest.mark.parametrize("write", [files.write, lambda path, data: save(data, path, "a", ""), write_private])
def test_pipe_gets_the_bytes_and_stays_a_pipe(tmp_path, write):
    """As /dev/stdout does, which the superuser could replace with a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, b"bytes")
        assert os.read(reader, 100) == b"bytes"
    finally:
        os.close(reader)
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]


def test_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    files.write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_text() == "new"


def test_folder_without_hard_links_never_loses_a_file_either(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")  # as FAT does, which no test can mount

    monkeypatch.setattr(os, "link", refuse)
    paths = [save(str(number).encode(), tmp_path, "a.txt", "") for number in range(2)]
    assert [(path.name, path.read_text()) for path in paths] == [("a.txt", "0"), ("a-2.txt", "1")]
    assert len(list(tmp_path.iterdir())) == 2
