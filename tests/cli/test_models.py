"""`models`."""

import json

import pytest

pytestmark = pytest.mark.browser

SOURCE = "inlined in the page the app served"


def test_models_are_a_line_each_through_a_pipe(taped):
    done = taped.here("models")
    assert done.code == 0
    first, *_ = lines = done.out.splitlines()
    assert first.split("\t")[0] == "meta-llama/Llama-3.3-70B-Instruct"
    assert [len(line.split("\t")) for line in lines] == [3] * len(lines)
    assert done.err == f"{len(lines)} models, {SOURCE}.\n"


def test_models_are_a_table_at_a_terminal(taped):
    with taped.terminal("models") as terminal:
        terminal.expect("Model")
        terminal.expect("meta-llama/Llama-3.3-70B-Instruct")
        terminal.expect("use tools")
        terminal.expect(SOURCE)
        assert terminal.code() == 0


def test_models_as_json_have_every_field(taped):
    models = json.loads(taped.here("models", "--json").out)
    assert [model["id"] for model in models if model["multimodal"]] == ["Qwen/Qwen2.5-VL-7B-Instruct"]
    assert {"displayName", "supportsTools", "promptExamples", "extra"} <= set(models[0])
