"""Only processes of a browser that the agent started are ever killed. The processes here are real."""

import os
import signal
import subprocess
import sys
import time

import pytest

from huggingchat_agent.browser import process_tag, temporary
from huggingchat_agent.browser.process_group import ProcessGroup

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by /proc")

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
# It starts another process in its group, prints its id, and ends when its input does.
LEAVES = """
import subprocess, sys
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *sys.argv[1:]],
                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
print(left.pid, flush=True)
sys.stdin.read()
"""
# A program of the user's that has the variable, and so have its shell and its other children.
LOOKS = """
import subprocess, sys
from huggingchat_agent.browser import process_tag
with subprocess.Popen(["sleep", "60"], start_new_session=True, env={}) as other:
    found = process_tag.find_processes(sys.argv[1])
    process_tag.kill_processes(found)
    other.kill()
print(len(found))
"""


@pytest.fixture
def start():
    """Start a Python program and wait for its first line; what is left of it is killed at the end."""
    started = []

    def start_one(program, *arguments, environment=None, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            **options,
        )
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def led(start):
    """A process that leads a group, and another one in that."""
    leader, left = start(LEAVES, start_new_session=True)
    yield leader, process_tag.Owner.of(int(left))
    if process_tag.is_alive(int(left)):
        os.kill(int(left), signal.SIGKILL)


def ends(owner):
    until = time.monotonic() + 5
    while owner.alive and time.monotonic() < until:
        time.sleep(0.01)
    return not owner.alive


@pytest.mark.parametrize("text", ["grep {}", "{} ", "{}0", "x{}"])
def test_text_with_the_tag_is_no_tag(start, text):
    tag = process_tag.make_tag()
    process, _ = start(WAITS, text.format(process_tag.make_switch(tag)))
    assert process_tag.find_processes(tag) == []
    assert process.pid not in process_tag.find_processes()
    assert process_tag.find_owner(process.pid) is None


def test_program_that_has_the_variable_kills_neither_itself_nor_what_started_it():
    tag = process_tag.make_tag()
    environment = {**os.environ, process_tag.VARIABLE: tag}
    command = ["/bin/sh", "-c", '"$@"; echo "$?"', "shell", sys.executable, "-c", LOOKS, tag]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert ended.stdout.split() == ["0", "0"], ended.stderr


def test_children_of_the_agent_are_not_the_browsers(start):
    tag = process_tag.make_tag()
    browser, _ = start(WAITS, process_tag.make_switch(tag), start_new_session=True)
    others = [start(WAITS)[0], start(WAITS, start_new_session=True)[0]]
    assert process_tag.find_processes(tag) == [browser.pid]
    process_tag.kill_processes(process_tag.find_processes(tag))
    assert browser.wait(5) == -signal.SIGKILL
    assert [each.poll() for each in others] == [None, None]


def test_group_that_another_process_leads_is_left_alone():
    tag = process_tag.make_tag()
    script = f'"$1" -c "$2" {process_tag.make_switch(tag)} & echo $!; wait; read -r word'
    command = ["/bin/sh", "-c", script, "shell", sys.executable, "import time; time.sleep(60)"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as shell:
        assert shell.stdout is not None
        tagged = process_tag.Owner.of(int(shell.stdout.readline()))
        until = time.monotonic() + 5
        while process_tag.find_owner(tagged.process) is None and time.monotonic() < until:
            time.sleep(0.01)  # it is a shell until it is Python
        assert process_tag.find_processes(tag) == [tagged.process]
        process_tag.kill_processes([tagged.process])
        assert ends(tagged)
        assert shell.poll() is None
        shell.kill()


def test_group_is_killed_with_its_leader(led):
    leader, left = led
    ProcessGroup(leader.pid).kill()
    assert leader.wait(5) == -signal.SIGKILL
    assert ends(left)


def test_rest_of_a_group_is_killed_when_the_end_of_its_leader_is_noticed_and_not_later(led):
    leader, left = led
    group = ProcessGroup(leader.pid)
    leader.communicate()
    group.kill()  # by now its id may be another's
    assert left.alive
    group.end()
    assert ends(left)


@pytest.mark.parametrize("case", ["its end was noticed before", "another process has got the id"])
def test_group_that_is_no_longer_the_browsers_is_left_alone(led, case):
    leader, left = led
    group = ProcessGroup(leader.pid)
    if case == "its end was noticed before":
        group._over = True
    else:
        group.leader = process_tag.Owner(leader.pid, group.leader.begun - 1)
    group.kill()
    group.end()
    assert left.alive and leader.poll() is None


def test_forked_child_does_not_kill_the_browser_of_its_parent(led):
    leader, left = led
    group = ProcessGroup(leader.pid)
    if (child := os.fork()) == 0:
        group.kill()
        group.end()
        os._exit(0)
    os.waitpid(child, 0)
    assert left.alive and leader.poll() is None


@pytest.mark.parametrize("ended", [False, True])
def test_watcher_kills_the_group_only_while_the_browser_runs(led, tmp_path, ended):
    leader, left = led
    folder = tmp_path / "with a space"
    folder.mkdir()
    command = ["/bin/sh", "-c", temporary._WATCH, "watcher", str(leader.pid), str(folder)]
    subprocess.run(command, input=b"ended\n" if ended else b"", check=True, timeout=10)
    assert not folder.exists()
    assert left.alive is ended or (not ended and ends(left))
    assert (leader.poll() is None) is ended


def test_watcher_does_nothing_after_a_normal_end(led, tmp_path):
    command = ["/bin/sh", "-c", temporary._WATCH, "watcher", str(led[0].pid), str(tmp_path)]
    subprocess.run(command, input=b"ended\nwell\n", check=True, timeout=10)
    assert tmp_path.exists() and led[1].alive
