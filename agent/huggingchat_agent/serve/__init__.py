"""An endpoint for programs that speak the protocols of OpenAI and Anthropic."""
