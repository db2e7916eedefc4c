import io

import pytest

from huggingchat_agent.chat.uploads import LIMIT, check, read
from huggingchat_agent.errors import FileRejected
from huggingchat_agent.wire.models import Model

READS = Model(id="reads")
SEES = Model(id="sees", multimodal=True)
SEES_ALL = Model(id="sees-all", multimodal=True, multimodal_accepted_mimetypes=["image/*"])


@pytest.mark.parametrize(
    ("name", "data", "mime"),
    [
        ("a.png", b"\x89PNG", "image/png"),
        ("a.svg", b"<svg/>", "image/svg+xml"),
        ("a.json", b"{}", "application/json"),
        ("a.py", b"pass", "text/x-python"),
        ("a.ts", b"let a = 1", "text/plain"),  # elsewhere a film
        ("a.sh", b"#!/bin/sh", "text/plain"),
        ("Makefile", b"all:", "text/plain"),
        ("a.pdf", b"%PDF\xff", "application/pdf"),
        ("a.txt.gz", b"\x1f\x8b\x00", "application/gzip"),
        ("blob", b"\x00\x01", "application/octet-stream"),
    ],
)
def test_type_goes_by_the_name_and_text_is_text(name, data, mime):
    (upload,) = read([(name, data)])
    assert (upload.name, upload.mime, upload.data) == (name, mime, data)


def test_type_that_is_given_stands():
    assert read([("a.ts", b"text", "video/mp2t")])[0].mime == "video/mp2t"


def test_size_limit_is_exact(tmp_path):
    path = tmp_path / "big.txt"
    path.write_bytes(b"x" * LIMIT)
    assert len(read([path])[0].data) == LIMIT
    path.write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(FileRejected, match=r"10,485,760 bytes \(10 MiB\)"):
        read([path])
    with path.open("rb") as file, pytest.raises(FileRejected, match="10 MiB"):
        read([file])


def test_file_that_never_ends_is_refused():
    with pytest.raises(FileRejected, match="too large"):
        read(["/dev/zero"])


def test_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # takes no room, and would not fit into memory
    with pytest.raises(FileRejected, match="1,099,511,627,776 bytes"):
        read([path])
    with path.open("rb") as file, pytest.raises(FileRejected, match="too large"):
        read([file])


class Trickle(io.BytesIO):
    """A file that gives three bytes at a time, as a pipe may."""

    name = "trickle.txt"

    def read(self, size=-1):
        return super().read(min(size, 3))


def test_file_that_gives_little_at_a_time_is_read_to_its_end():
    (upload,) = read([Trickle(b"0123456789")])
    assert upload.data == b"0123456789"


def test_folder_is_refused(tmp_path):
    with pytest.raises(FileRejected, match="is a folder"):
        read([tmp_path])


@pytest.mark.parametrize(
    ("model", "mime", "taken"),
    [
        (READS, "text/csv", True),
        (READS, "application/json", True),
        (READS, "image/png", False),
        (SEES, "image/png", True),
        (SEES, "image/webp", False),
        (SEES_ALL, "image/webp", True),
        (SEES_ALL, "application/pdf", False),
        (SEES_ALL, "IMAGE/PNG", True),
    ],
)
def test_model_takes_what_the_app_offers_for_it(model, mime, taken):
    uploads = read([("a", b"x", mime)])
    if taken:
        check(uploads, model)
    else:
        with pytest.raises(FileRejected, match=rf"{model.id} does not take 'a', which is {mime}; it takes"):
            check(uploads, model)
