"""Run in an environment that has g4f: its HuggingChat provider at another address, what it got as JSON.

usage: python g4f_client.py BASE_URL COOKIES_AS_JSON PROMPT
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from g4f.Provider import HuggingChat
from g4f.providers.response import AuthResult, TitleGeneration
from g4f.requests import DEFAULT_HEADERS


async def main(base_url, cookies, prompt):
    address = urlsplit(base_url)
    HuggingChat.url = base_url
    HuggingChat.origin = f"{address.scheme}://{address.netloc}"
    HuggingChat.domain = address.hostname
    models = HuggingChat.get_models()
    auth = AuthResult(cookies=cookies, headers=DEFAULT_HEADERS, impersonate="chrome")
    messages = [{"role": "user", "content": prompt}]
    tokens, title = [], None
    async for part in HuggingChat.create_authed(models[0], messages, auth):
        if isinstance(part, str):
            tokens.append(part)
        elif isinstance(part, TitleGeneration):
            title = part.title
    results = {"models": models, "vision": HuggingChat.vision_models, "tokens": tokens, "title": title}
    sys.stdout.write(json.dumps(results))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]))
