import pytest

from huggingchat_agent.wire import purposes
from huggingchat_agent.wire.routes import classify

ID = "6b013cfcbcc939b7fa8356c2"


@pytest.mark.parametrize(
    ("method", "path", "purpose"),
    [
        ("POST", "/conversation", purposes.CreateConversation()),
        ("POST", f"/conversation/{ID}", purposes.SendMessage(ID)),
        ("POST", f"/conversation/{ID}/stop-generating", purposes.StopGenerating(ID)),
        ("GET", f"/conversation/{ID}/stream?generationId=g&fromSeq=9", purposes.Reattach(ID, "g", 9)),
        ("GET", f"/conversation/{ID}/stream", purposes.Reattach(ID)),
        ("GET", f"/api/v2/conversations/{ID}", purposes.ReadConversation(ID)),
        ("GET", "/api/v2/conversations/0E921fx?fromShare=1", purposes.ReadConversation("0E921fx")),
        ("GET", f"/api/conversation/{ID}", purposes.ReadConversation(ID)),
        ("GET", f"/conversation/{ID}/__data.json?x-sveltekit-invalidated=11", purposes.ReadConversation(ID)),
        ("GET", "/api/v2/conversations?p=2", purposes.ListConversations(2)),
        ("GET", "/api/v2/conversations?p=-1", purposes.ListConversations(0)),
        ("GET", "/api/conversations", purposes.ListConversations(0)),
        ("GET", "/api/v2/models", purposes.ListModels()),
        ("GET", "/api/models", purposes.ListModels()),
        ("GET", "/api/v2/user", purposes.ReadUser()),
        ("GET", "/api/user", purposes.ReadUser()),
        ("GET", "/api/v2/user/settings", purposes.ReadSettings()),
        ("POST", "/api/v2/user/settings", purposes.SaveSettings()),
        ("POST", "/settings", purposes.SaveSettings()),
        ("GET", "/api/v2/generations/live", purposes.Live()),
        ("GET", "/api/mcp/servers", purposes.McpServers()),
        ("GET", "/__data.json", purposes.PageData("")),
        ("GET", "/models/a/b/__data.json", purposes.PageData("/models/a/b")),
        ("GET", "/login?next=/chat/", purposes.Login()),
        ("POST", "/login", purposes.Login()),
        ("GET", "/login/callback?code=c&state=s", purposes.LoginCallback()),
        ("POST", "/logout", purposes.Logout()),
        ("GET", "/", purposes.Document("")),
        ("GET", f"/conversation/{ID}?leafId=x", purposes.Document(f"/conversation/{ID}")),
        ("GET", "/settings/a/b", purposes.Document("/settings/a/b")),
        ("GET", "/api/v2/models/a/b", purposes.Other()),
        ("POST", "/api/v2/models/a/b/subscribe", purposes.Other()),
        ("DELETE", f"/conversation/{ID}", purposes.DeleteConversation(ID)),
        ("GET", "/_app/immutable/start.js", purposes.Other()),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/chat"])
def test_classify_knows_the_request(method, path, purpose, base_path):
    assert classify(method, f"https://chat.test:8080{base_path}{path}", base_path) == purpose


@pytest.mark.parametrize("url", ["https://hub.test/login", "https://hub.test/chatter", "https://hub.test/"])
def test_classify_knows_nothing_outside_the_base_path(url):
    assert classify("GET", url, "/chat") == purposes.Other()


def test_classify_takes_the_home_page_without_a_slash():
    assert classify("GET", "https://chat.test/chat", "/chat") == purposes.Document("")
    assert classify("GET", "https://chat.test", "") == purposes.Document("")


def test_classify_believes_the_kind_of_resource():
    url = f"https://chat.test/conversation/{ID}"
    assert classify("GET", url, "", "document") == purposes.Document(f"/conversation/{ID}")
    assert classify("GET", url, "", "image") == purposes.Other()
