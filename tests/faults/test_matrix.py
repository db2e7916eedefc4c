"""Each fault at each moment, by each way, on each engine: the text is right, or the error says why."""

import itertools

import pytest
import pytest_asyncio

from tests.faults.staging import FAULTS, MOMENTS, Stage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ENGINES = ("playwright", "nodriver")


def cases(engine):
    """Of all combinations, the default run takes each fault once."""
    for (number, fault), (place, moment), (way, via) in itertools.product(
        enumerate(FAULTS), enumerate(MOMENTS), enumerate(("ui", "page"))
    ):
        shift = number + (engine == "nodriver")
        by_default = (
            ENGINES[number % 2] == engine
            and place == shift % len(MOMENTS)
            and way == (number // 2 + shift) % 2
        )
        name = f"{engine}-{fault}-{moment}-{via}".replace(" ", "_")
        marks = [] if by_default else [pytest.mark.soak]
        yield pytest.param(engine, fault, moment, via, id=name, marks=marks)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stages(tmp_path_factory):
    """The stage of an engine; one at a time."""
    opened: list[Stage] = []

    async def close():
        for stage in opened:
            await stage.__aexit__(None, None, None)
            assert stage.find_orphans() == []
        opened.clear()

    async def open_stage(engine):
        if not opened or opened[0].engine != engine:
            await close()
            opened.append(await Stage(engine, tmp_path_factory.mktemp("state")).__aenter__())
        return opened[0]

    yield open_stage
    await close()


@pytest.mark.parametrize(
    ("engine", "fault", "moment", "way"), [case for engine in ENGINES for case in cases(engine)]
)
async def test_text_is_right_or_the_error_has_what_there_was(stages, engine, fault, moment, way):
    outcome = await (await stages(engine)).send(way, fault, moment)
    assert outcome.sprung, outcome
    assert outcome.good, outcome
