"""Whose the environment's user name and password are, and which address a profile remembers. No browser."""

import os

import pytest

from huggingchat_agent.cli.opening import make_login_error
from huggingchat_agent.errors import LoginError, SettingsError, StorageError
from huggingchat_agent.provenance import explain_withheld
from huggingchat_agent.session.login_origins import LoginOrigins
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.profiles import list_profiles
from huggingchat_agent.state.remembered_app import RememberedApp, read_app, write_app
from huggingchat_agent.state.storage import SavedSession
from tests.ownsession.test_given_session import STATE

SECRETS = {
    "HUGGINGCHAT_USERNAME": "ada",
    "HUGGINGCHAT_PASSWORD": "correct horse",
    "HUGGINGCHAT_TOTP_SECRET": "JBSWY3DPEHPK3PXP",
    "HUGGINGCHAT_HTTP_CREDENTIALS": "gate:keeper-77",
    "HUGGINGCHAT_SESSION": STATE,
}
NAMES = ("username", "password", "totp_secret", "http_credentials", "session")
OURS, OTHER = "https://chat.example.org", "https://other.example"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("HUGGINGCHAT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HUGGINGCHAT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def account(monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def list_used(settings):
    return [name for name in NAMES if getattr(settings, name) is not None]


@pytest.mark.parametrize(
    ("variable", "given", "used"),
    [
        (None, {}, True),
        (None, {"base_url": "huggingface.co/chat/"}, True),
        (None, {"base_url": OTHER}, False),
        (None, {"base_url": "http://huggingface.co/chat"}, False),
        (OURS, {}, True),
        (OURS, {"base_url": f"{OURS}/chat"}, True),  # the same origin has the same cookies
        (OURS, {"base_url": "https://huggingface.co/chat"}, False),
        (OURS, {"base_url": f"{OURS}.evil.example"}, False),
        (OURS, {"base_url": OTHER, "use_credentials": True}, True),
    ],
)
def test_credentials_of_the_environment_are_used_for_its_own_app(monkeypatch, account, variable, given, used):
    if variable:
        monkeypatch.setenv("HUGGINGCHAT_BASE_URL", variable)
    settings = make_settings(**given)
    assert list_used(settings) == (list(NAMES) if used else [])
    assert sorted(settings.provenance.withheld) == ([] if used else sorted(SECRETS))


def test_credentials_that_are_arguments_are_used_everywhere(account):
    settings = make_settings(base_url=OTHER, username="bob", password="battery staple")
    assert (settings.username, settings.password and settings.password.reveal()) == ("bob", "battery staple")
    assert settings.totp_secret is None


def test_errors_say_what_was_not_used_and_why_and_what_to_do(monkeypatch, account):
    error = make_login_error(make_settings(base_url=OTHER))
    said = error.for_shell()
    for part in (f"Not signed in at {OTHER}", "HUGGINGCHAT_USERNAME", "https://huggingface.co/chat"):
        assert part in said
    assert said.endswith(
        "so they are not used here. If they are meant for https://other.example, set HUGGINGCHAT_BASE_URL to "
        "that address, or give --use-credentials."
    )
    assert "use_credentials=True" in str(error)
    assert not any(value in said + str(error) for value in ("correct horse", "keeper-77", "JBSWY3DP"))
    ours = LoginError("No.", hint="Do.")
    explain_withheld(make_settings(), ours)
    assert str(ours) == "No. Do."


def test_profile_brings_its_address_along(monkeypatch, home):
    write_app(home / "profiles" / "work", RememberedApp(base_url=OURS))
    write_app(home / "profiles" / "default", RememberedApp(base_url=OTHER))

    def find(**given):
        settings = make_settings(**given)
        return settings.base_url, settings.provenance.base_url

    assert find(profile="work") == (OURS, "profile")
    assert find() == (OTHER, "profile")
    assert find(profile="work", base_url="https://third.example") == ("https://third.example", "argument")
    assert find(profile="new") == ("https://huggingface.co/chat", "default")
    monkeypatch.setenv("HUGGINGCHAT_BASE_URL", "https://third.example")
    assert find() == ("https://third.example", "environment")
    assert find(profile="work") == (OURS, "profile")  # an argument beats the environment
    monkeypatch.delenv("HUGGINGCHAT_BASE_URL")
    monkeypatch.setenv("HUGGINGCHAT_PROFILE", "work")
    assert find() == (OURS, "profile")
    (listed,) = [each for each in list_profiles(home) if each.name == "work"]
    assert listed.base_url == OURS


def test_profile_of_another_app_does_not_get_the_credentials_of_the_environment(home, account):
    write_app(home / "profiles" / "work", RememberedApp(base_url=OURS))
    assert list_used(make_settings(profile="work")) == []
    # A session of the environment stands in the place of the profile, with its address.
    write_app(home / "profiles" / "default", RememberedApp(base_url=OTHER))
    assert make_settings().base_url == "https://huggingface.co/chat"


def test_damaged_file_of_a_profile_is_said_and_not_passed_over(home):
    path = home / "profiles" / "work" / "app.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(StorageError, match=r"app\.json: it is damaged\. Remove it"):
        make_settings(profile="work")
    assert make_settings(profile="work", base_url=OURS).base_url == OURS
    assert [each.damaged for each in list_profiles(home)] == [True]


@pytest.mark.parametrize("origin", ["https://id.example.org/login", "ftp://id.example.org", "https://u:p@id"])
def test_login_origin_is_an_origin(origin):
    with pytest.raises(SettingsError, match="login_origins"):
        make_settings(login_origins=[origin])
    good = ["ID.Example.org", "http://127.1:3000/"]
    assert make_settings(login_origins=good).login_origins == (
        "https://id.example.org",
        "http://127.0.0.1:3000",
    )


def make_origins(home, base_url=OURS, **given):
    settings = make_settings(base_url=base_url, home=home, **given)
    return LoginOrigins(settings, SavedSession(settings.profile_folder))


@pytest.mark.asyncio
async def test_sign_in_by_itself_types_at_pinned_origins_only(home):
    chosen, pinned = "https://id.example.org", "https://sso.example.org"
    write_app(home / "profiles" / "default", RememberedApp(base_url=OURS, login_origins=(pinned,)))
    origins = make_origins(home, login_origins=[chosen])
    by_person, again = origins.make_allowed(), origins.make_allowed(again=True)
    expected = {OURS: (True, True), pinned: (True, True), chosen: (True, False), OTHER: (False, False)}
    found = {origin: (await by_person.allow(origin), await again.allow(origin)) for origin in expected}
    assert found == expected
    # Nobody is asked about a document that has no origin.
    assert not await origins.make_allowed(lambda origin: True).allow("null")


@pytest.mark.asyncio
async def test_pins_are_of_one_app(home):
    pinned = "https://sso.example.org"
    write_app(home / "profiles" / "default", RememberedApp(base_url=OURS, login_origins=(pinned,)))
    other = make_origins(home, OTHER)
    allowed = other.make_allowed()
    assert not await allowed.allow(pinned)
    assert await allowed.allow(OTHER)
    other.pin(allowed)
    other.remember(again=True)  # a visit with a session that was there already changes nothing
    assert read_app(home / "profiles" / "default") == RememberedApp(base_url=OURS, login_origins=(pinned,))
    other.remember(again=False)
    assert read_app(home / "profiles" / "default") == RememberedApp(base_url=OTHER)
