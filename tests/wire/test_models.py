import json

import pytest

from huggingchat_agent.errors import PageChanged, UnknownModel
from huggingchat_agent.wire import devalue
from huggingchat_agent.wire.models import Model, parse_models, pick_model
from tests.wire.recordings import GENERATIONS, read_endpoint, read_exchange

RECORDED = ["meta-llama/Llama-3.3-70B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct", "deepseek-ai/DeepSeek-R1"]


def test_models_of_the_v2_route():
    llama, qwen, _ = models = parse_models(read_endpoint("2026-08", "models")["body"].encode())
    assert [model.id for model in models] == RECORDED
    assert llama == Model(
        id=RECORDED[0], name=RECORDED[0], display_name=RECORDED[0], supports_tools=True, extra={}
    )
    assert qwen.multimodal
    assert qwen.multimodal_accepted_mimetypes == ["image/*"]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_models_of_the_older_route(generation):
    llama, qwen, _ = models = parse_models(read_endpoint(generation, "models_legacy")["body"].encode())
    assert [model.id for model in models] == RECORDED
    assert llama.website_url == "https://huggingface.co"
    assert llama.supports_tools == (generation == "2026-08")
    assert qwen.multimodal


def test_models_of_page_data():
    page = devalue.load(read_exchange("2025-04", "model-page", 1).body or b"")
    [listed] = [node["models"] for node in page.nodes if isinstance(node, dict) and "models" in node]
    models = parse_models(json.dumps(listed).encode())
    assert [model.id for model in models] == RECORDED
    assert [model.supports_reasoning for model in models] == [False, False, True]
    assert models[0].parameters == {}


def test_models_keep_every_field_and_the_unknown_ones():
    body = b"""[{"id":"a/b","displayName":"B","description":"d","websiteUrl":"w","modelUrl":"m","logoUrl":"l",
      "datasetName":"n","datasetUrl":"u","preprompt":"p","promptExamples":[{"title":"t","prompt":"p"}],
      "multimodal":true,"multimodalAcceptedMimetypes":["image/png"],"supportsTools":true,
      "supportsReasoning":true,"supportsArtifacts":true,"unlisted":true,"hasInferenceAPI":true,
      "isRouter":true,"providers":[{"provider":"x"}],"parameters":{"stop":["a"]},"tokenizer":null,"new":[1]}]"""
    [model] = parse_models(body)
    assert model == Model(
        id="a/b", name="a/b", display_name="B", description="d", website_url="w", model_url="m", logo_url="l",
        dataset_name="n", dataset_url="u", preprompt="p", prompt_examples=[{"title": "t", "prompt": "p"}],
        multimodal=True, multimodal_accepted_mimetypes=["image/png"], supports_tools=True,
        supports_reasoning=True, supports_artifacts=True, unlisted=True, has_inference_api=True,
        is_router=True, providers=[{"provider": "x"}], parameters={"stop": ["a"]},
        extra={"tokenizer": None, "new": [1]},
    )  # fmt: skip


@pytest.mark.parametrize("body", [b'{"message":"no"}', b"[1]", b"[{}]", b'[{"id":1}]', b"<html>", b"null"])
def test_models_raise_page_changed_for_anything_else(body):
    with pytest.raises(PageChanged):
        parse_models(body)


OFFER = [
    Model(id="omni", name="omni", display_name="Omni", is_router=True),
    Model(id="meta-llama/Llama-3.3-70B-Instruct", display_name="Llama 3.3 70B"),
    Model(id="meta-llama/Llama-3.1-8B-Instruct", display_name="Llama 3.1 8B"),
    Model(id="Qwen/Qwen3-8B", display_name="Qwen 3"),
    Model(id="Qwen/Qwen3-8B-Instruct", display_name="Qwen 3 Instruct"),
    Model(id="Straße/Eins", display_name="Eins"),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("omni", "omni"),
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),  # though it is a part of another
        ("Llama 3.3 70B", "meta-llama/Llama-3.3-70B-Instruct"),
        ("  qwen/qwen3-8b ", "Qwen/Qwen3-8B"),
        ("QWEN 3", "Qwen/Qwen3-8B"),
        ("70b", "meta-llama/Llama-3.3-70B-Instruct"),
        ("STRASSE", "Straße/Eins"),
    ],
)
def test_pick_finds_the_model_a_person_means(wanted, found):
    assert pick_model(OFFER, wanted).id == found


def test_pick_names_the_candidates_when_a_part_is_ambiguous():
    with pytest.raises(UnknownModel) as caught:
        pick_model(OFFER, "llama")
    assert "Llama-3.3-70B" in str(caught.value)
    assert "Llama-3.1-8B" in str(caught.value)
    assert "Qwen" not in str(caught.value)


def test_pick_names_the_closest_three_when_there_is_none():
    with pytest.raises(UnknownModel) as caught:
        pick_model(OFFER, "Lama-3.1-8B-Instrukt")
    message = str(caught.value)
    assert "'Lama-3.1-8B-Instrukt'" in message
    assert message.index("Llama-3.1-8B") < message.index("Llama-3.3-70B")
    assert sum(model.id in message for model in OFFER) == 3 + message.count("Qwen3-8B-Instruct")


@pytest.mark.parametrize("wanted", ["", "  "])
def test_pick_takes_nothing_for_no_model(wanted):
    with pytest.raises(UnknownModel):
        pick_model(OFFER, wanted)


def test_pick_says_that_there_are_no_models():
    with pytest.raises(UnknownModel, match="none at all"):
        pick_model([], "omni")


def test_model_that_nothing_is_like_names_some_that_there_are():
    models = [Model(id=f"org/model-{number}", name="", display_name="") for number in range(12)]
    with pytest.raises(UnknownModel, match=r"There are: org/model-0, .*org/model-9, and 2 more\."):
        pick_model(models, "qqq")
    with pytest.raises(UnknownModel, match=r"There are: none at all\."):
        pick_model([], "qqq")


def test_name_of_any_length_is_cut_in_the_sentence():
    models = [Model(id=f"org/x-{number}", name="", display_name="") for number in range(30)]
    with pytest.raises(UnknownModel) as caught:
        pick_model(models, "y" * 100_000)
    assert len(str(caught.value)) < 400
    with pytest.raises(UnknownModel, match=r"could be any of: .*, and 20 more\. Say which\."):
        pick_model(models, "x-")
