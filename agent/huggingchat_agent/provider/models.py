"""Names of models: what is taken where nobody says which, and what stands in for the list of a site that
is down.
"""

from __future__ import annotations

default_model = "omni"
"""The app's own choice: its router, or the first of its list where it has none."""

default_vision_model = "Qwen/Qwen2.5-VL-7B-Instruct"

fallback_models = [
    default_model,
    "meta-llama/Llama-3.3-70B-Instruct",
    default_vision_model,
    "deepseek-ai/DeepSeek-R1",
    "openai/gpt-oss-120b",
    "moonshotai/Kimi-K2-Instruct",
]
"""Given while the app cannot be asked. They need not exist there; the list of the app counts."""

image_models = ["black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.1-schnell"]
"""Models that draw. The app has no conversation with them: its default model calls them as a tool."""

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
