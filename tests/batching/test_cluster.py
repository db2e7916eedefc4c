"""A batch on two workers of a Dask cluster, one of which is killed: nothing is sent twice, no secret leaves.

It starts processes and browsers of its own. Alone: pytest -m cluster
"""

import asyncio
import os
import pickle
import signal

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import Cluster, Deadlines, Journal, batch, sync
from huggingchat_agent.batching.items import arrange
from huggingchat_agent.errors import LoginError
from huggingchat_agent.state.storage import SavedSession
from tests.batching.killed import count_sent
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
]

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.0, **QUICK) as site:
        yield site


@pytest.fixture(scope="module")
def home(site, tmp_path_factory):
    """Where the workers have their session."""
    return save_session(site, tmp_path_factory.mktemp("home"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workers(home, site):
    """Two worker processes with that session."""
    account = {"BASE_URL": site.url, "USERNAME": "nobody", "PASSWORD": site.password}
    variables = account | {"HOME": str(home), "ENGINE": "nodriver"}
    locks = {"lease-timeout": "3s", "lease-validation-interval": "500ms"}
    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set({f"distributed.scheduler.locks.{name}": value for name, value in locks.items()}),
    ):
        for name, value in variables.items():
            patch.setenv(f"HUGGINGCHAT_{name}", value)
        async with distributed.LocalCluster(
            n_workers=2, threads_per_worker=4, dashboard_address=None, asynchronous=True
        ) as local:
            yield local


async def test_killed_worker_costs_no_item_and_nothing_is_sent_twice(workers, site, home, tmp_path):
    items = arrange(f"count 40 every 40 for {n}" for n in range(12))
    seen = _Seen(workers)
    results = {}
    with Journal(tmp_path / "journal") as journal:
        async with Cluster(workers.scheduler_address, base_url=site.url) as cluster:
            async for result in batch(items, cluster=cluster, concurrency=6, journal=journal):
                results[result.id] = result
                seen.look()
                if len(results) == 2:
                    killing = asyncio.create_task(_kill_sending_worker(workers, site))
            await killing
            await seen.read_logs()
    assert {each.status for each in results.values()} == {"answered"}, results
    assert sorted(results) == sorted(each.key for each in items)
    assert all(each.text.count("@") == 40 for each in results.values())
    assert any(each.looked_up for each in results.values())
    sent = count_sent(site)
    assert [sent[each.prompt] for each in items] == [1] * 12
    assert seen.tasks and seen.logs
    state = SavedSession(home / "profiles" / "default").load()
    assert state is not None
    secrets = [site.password, *(each["value"] for each in state["cookies"])]
    assert len(secrets) > 1
    for secret in secrets:
        assert secret.encode() not in b"".join(seen.tasks | seen.logs)


class _Seen:
    """What the scheduler holds of tasks, and what it and its workers logged: what a dashboard can show."""

    def __init__(self, local):
        self._local, self.tasks, self.logs = local, set(), set()

    def look(self):
        for key, task in self._local.scheduler.tasks.items():
            kept = (key, task.run_spec, task.group_key, task.annotations, task.exception_text)
            self.tasks.add(pickle.dumps(kept) + repr(kept).encode())

    async def read_logs(self):
        async with distributed.Client(self._local, asynchronous=True) as client:
            logs = (
                await client.get_scheduler_logs(),
                await client.get_worker_logs(),
                await client.get_events(),
            )
        self.logs.add(repr(logs).encode())


async def _kill_sending_worker(local, site):
    """Kill the worker with most answers under way, once the app has all of their messages."""
    while True:
        answers = {
            worker.address: sum("answer" in task.key for task in worker.processing)
            for worker in local.scheduler.workers.values()
        }
        address, count = max(answers.items(), key=lambda each: each[1])
        if count and len(site.control.running) == sum(answers.values()):
            break
        await asyncio.sleep(0.02)
    os.kill(
        next(each.pid for each in local.workers.values() if each.worker_address == address), signal.SIGKILL
    )


async def test_second_client_waits_for_a_task_that_the_first_left_behind(workers, site, tmp_path):
    item = arrange(["count 60 every 40 once"])
    with Journal(tmp_path / "journal") as journal:
        async with Cluster(workers.scheduler_address, base_url=site.url) as cluster:
            first = asyncio.ensure_future(anext(batch(item, cluster=cluster, journal=journal)))
            while not site.control.running:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            first.cancel()
            await asyncio.wait({first})
        async with Cluster(workers.scheduler_address, base_url=site.url) as cluster:
            (result,) = [each async for each in batch(item, cluster=cluster, journal=journal)]
    assert result.text.count("@") == 60 and result.looked_up
    assert count_sent(site)[item[0].prompt] == 1
    cluster = Cluster(workers.scheduler_address, base_url=site.url)
    (plain,) = await asyncio.to_thread(lambda: [*sync.batch(["plain"], cluster=cluster)])
    assert plain.status == "answered" and not cluster.opened


async def test_worker_without_a_session_ends_the_batch_by_its_name(workers, site, home):
    SavedSession(home / "profiles" / "default").remove()
    others = Deadlines(total=60)  # for these the workers open other browsers
    async with Cluster(workers.scheduler_address, base_url=site.url, deadlines=others) as cluster:
        with pytest.raises(LoginError, match=r"Worker tcp://127\.0\.0\.1"):
            _ = [each async for each in batch(["x"], cluster=cluster)]
