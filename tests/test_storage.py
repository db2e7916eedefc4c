"""The saved session: whole or not at all."""

import os
import resource
import stat

import pytest

from huggingchat_agent.errors import StorageError
from huggingchat_agent.state.profiles import list_profiles
from huggingchat_agent.state.storage import SavedSession

OLD = {"cookies": [{"name": "hf-chat", "value": "old"}], "origins": []}
NEW = {"cookies": [{"name": "hf-chat", "value": "new"}], "origins": []}


@pytest.fixture
def saved(tmp_path):
    return SavedSession(tmp_path / "profiles" / "default")


def test_load_gives_none_when_nothing_is_saved(saved):
    assert saved.load() is None


def test_save_is_readable_by_the_owner_only(saved):
    saved.save(OLD)
    assert stat.S_IMODE(saved.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(saved.folder.stat().st_mode) == 0o700
    assert saved.load() == OLD


def test_save_keeps_the_previous_session(saved):
    saved.save(OLD)
    saved.save(NEW)
    assert saved.load() == NEW
    assert b"old" in saved.previous.read_bytes()
    assert sorted(os.listdir(saved.folder)) == ["session.json", "session.previous.json"]


def test_save_leaves_the_old_session_when_the_disk_is_full(saved):
    saved.save(OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(StorageError, match="Cannot write the saved session"):
            saved.save(NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.load() == OLD
    assert os.listdir(saved.folder) == ["session.json"]


def test_prepare_says_so_when_a_file_is_in_the_way(tmp_path):
    (tmp_path / "profiles").write_text("not a folder")
    with pytest.raises(StorageError, match="HUGGINGCHAT_HOME"):
        SavedSession(tmp_path / "profiles" / "default").prepare()


def test_prepare_leaves_nothing_behind(tmp_path):
    SavedSession(tmp_path / "home" / "profiles" / "typo").prepare()
    assert os.listdir(tmp_path) == []


def test_load_says_so_when_the_session_is_damaged(saved):
    saved.save(OLD)
    saved.path.write_bytes(saved.path.read_bytes()[:-10])
    with pytest.raises(StorageError, match="damaged"):
        saved.load()


@pytest.mark.parametrize(
    "body", [b'{"cookies": 5}', b'{"cookies": [5]}', b"[5]", b"{}", b'{"cookies": [{"name": "hf-chat"}]}']
)
def test_file_that_is_no_session_is_damaged_and_listed_as_such(saved, body):
    saved.save(OLD)
    saved.path.write_bytes(body)
    with pytest.raises(StorageError, match=r"damaged\. Remove it and sign in again"):
        saved.load()
    saved.previous.write_bytes(b"{}")
    with pytest.raises(StorageError, match=r"damaged\. Put session\.previous\.json in its place"):
        saved.load()
    (listed,) = list_profiles(saved.folder.parents[1])
    assert listed.damaged and listed.saved is None


def test_remove_forgets_both(saved):
    saved.save(OLD)
    saved.save(NEW)
    assert saved.remove()
    assert os.listdir(saved.folder) == []
    assert not saved.remove()
