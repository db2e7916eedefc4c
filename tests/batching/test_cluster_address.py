"""Where a cluster may be, and what it takes from here; without a cluster."""

import asyncio

import pytest
import trustme

from huggingchat_agent import Cluster
from huggingchat_agent.errors import BrowserError, UsageError
from tests.cli.shell import Shell


@pytest.mark.parametrize(
    "address", ["tcp://far.example.org:8786", "tcp://10.0.0.7:8786", "tcp://[fe80::1]:8786"]
)
def test_plain_address_of_another_machine_is_refused(address):
    with pytest.raises(UsageError, match="not encrypted"):
        Cluster(address)


@pytest.mark.parametrize(
    "address",
    ["far:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tls://:8786", "tcp://127.0.0.1:port", ""],
)
def test_what_is_no_address_of_a_scheduler_is_refused(address):
    with pytest.raises(UsageError, match="not the address of a Dask scheduler"):
        Cluster(address)


@pytest.mark.parametrize("given", [{"proxy": "http://x:1"}, {"password": "s3cret"}, {"profile": "other"}])
def test_settings_of_the_workers_are_refused_by_name(given):
    with pytest.raises(UsageError, match=f"HUGGINGCHAT_{next(iter(given)).upper()}") as caught:
        Cluster("tcp://127.0.0.1:8786", **given)
    assert "s3cret" not in str(caught.value)


def test_insecure_and_tls_and_this_machine_are_taken(monkeypatch):
    pytest.importorskip("distributed")
    Cluster("tls://far.example.org:8786")
    Cluster("tcp://localhost:8786")
    Cluster("tcp://[::1]:8786")
    Cluster("tcp://far.example.org:8786", insecure=True)
    monkeypatch.setenv("HUGGINGCHAT_INSECURE", "1")
    Cluster("tcp://far.example.org:8786")


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"huggingchat-agent\[cluster\]"):
        Cluster("tcp://127.0.0.1:8786")


async def test_scheduler_that_is_not_there_is_said(unused_tcp_port, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("huggingchat_agent.batching.cluster.CONNECT_SECONDS", 0.3)
    with pytest.raises(BrowserError, match="No Dask scheduler answers"):
        async with Cluster(f"tcp://127.0.0.1:{unused_tcp_port}"):
            pass


@pytest.fixture
def certificates(tmp_path):
    """The configuration of Dask for a cluster with certificates, as its page on TLS says."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    own = authority.issue_cert("127.0.0.1")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    found = {f"{role}.cert": tmp_path / "own.pem" for role in ("client", "scheduler", "worker")}
    found["ca-file"] = tmp_path / "ca.pem"
    return {f"distributed.comm.tls.{name}": str(path) for name, path in found.items()}


async def test_scheduler_without_a_worker_is_said_over_tls(certificates, monkeypatch):
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    monkeypatch.setattr("huggingchat_agent.batching.cluster.WORKERS_SECONDS", 0.3)
    with dask.config.set(certificates):
        async with distributed.Scheduler(
            protocol="tls://", host="127.0.0.1", port=0, dashboard=False
        ) as there:
            assert there.address.startswith("tls://")
            with pytest.raises(BrowserError, match="has no worker"):
                async with Cluster(there.address):
                    pass


def test_command_refuses_an_address_that_others_can_read(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"prompt": "x"}\n')
    files = (str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl"))
    shell = Shell("http://127.0.0.1:9/chat", tmp_path / "state")
    done = shell.here("batch", *files, "--dask", "tcp://far.example.org:8786")
    assert done.code == 2 and "--insecure" in done.err
    assert not (tmp_path / "out.jsonl.journal").exists()


async def test_tls_without_certificates_is_said():
    pytest.importorskip("distributed")
    with pytest.raises(UsageError, match="needs Dask's certificates: none is configured"):
        async with Cluster("tls://127.0.0.1:9"):
            raise AssertionError


async def test_certificate_that_cannot_be_read_is_said(certificates, tmp_path):
    dask = pytest.importorskip("dask")
    (tmp_path / "own.pem").write_text("not a certificate")
    with dask.config.set(certificates), pytest.raises(UsageError, match=r"needs Dask's certificates: .*PEM"):
        async with Cluster("tls://127.0.0.1:9"):
            raise AssertionError


async def test_waiting_for_a_worker_can_be_cancelled():
    distributed = pytest.importorskip("distributed")
    async with distributed.Scheduler(host="127.0.0.1", port=0, dashboard=False) as there:
        cluster = Cluster(there.address)
        opening = asyncio.create_task(cluster.__aenter__())
        while not cluster.opened:  # noqa: ASYNC110 -- it has no event for that
            await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert not cluster.opened


def test_empty_address_is_refused(tmp_path):
    """As from a variable of the shell that is not set; without this the batch would run here."""
    (tmp_path / "in.jsonl").write_text('{"prompt": "x"}\n')
    files = (str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out.jsonl"))
    done = Shell("http://127.0.0.1:9/chat", tmp_path / "state").here("batch", *files, "--dask", "")
    assert done.code == 2 and "not the address of a Dask scheduler" in done.err
