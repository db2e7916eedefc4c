"""Names of models: the default, aliases, and a list for when the site is down."""

from __future__ import annotations

default_model = "omni"
"""The app's own choice: its router, or the first model of its list if it has no router."""

default_vision_model = "Qwen/Qwen2.5-VL-7B-Instruct"

fallback_models = [
    default_model,
    "meta-llama/Llama-3.3-70B-Instruct",
    default_vision_model,
    "deepseek-ai/DeepSeek-R1",
    "openai/gpt-oss-120b",
    "moonshotai/Kimi-K2-Instruct",
]
"""The list while the app does not answer. The app may lack some of them; its own list counts."""

image_models = ["black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.1-schnell"]
"""Models that draw pictures. The app's default model calls them as tools; they hold no conversations."""

model_aliases = {
    "llama-3.3-70b": "meta-llama/Llama-3.3-70B-Instruct",
    "qwen-2.5-vl-7b": default_vision_model,
    "deepseek-r1": "deepseek-ai/DeepSeek-R1",
    "gpt-oss-120b": "openai/gpt-oss-120b",
    "kimi-k2": "moonshotai/Kimi-K2-Instruct",
    "flux": "black-forest-labs/FLUX.1-dev",
    "flux-dev": "black-forest-labs/FLUX.1-dev",
    "flux-schnell": "black-forest-labs/FLUX.1-schnell",
}
