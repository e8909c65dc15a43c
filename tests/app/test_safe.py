"""What of the web reaches the app."""

import asyncio

import pytest

from doseopt.app.safe import Safe, hostname, policy_of, refusal

PAGE = {"host": "127.0.0.1:8321"}


def scope(headers, kind="http", method="GET"):
    pairs = headers.items() if isinstance(headers, dict) else headers
    return {"type": kind, "method": method, "headers": [(k.encode(), v.encode()) for k, v in pairs]}


def test_its_own_page_is_served():
    assert refusal(scope(PAGE), {"127.0.0.1"}) == ""
    own = PAGE | {"origin": "http://127.0.0.1:8321"}
    assert refusal(scope(own, "websocket"), {"127.0.0.1"}) == ""


@pytest.mark.parametrize(
    "request_",
    [
        scope({}),
        scope({"host": "evil.example"}),
        scope({"host": "evil.example:8321"}),
        scope({"host": "127.0.0.1.evil.example"}),
        scope({"host": "evil.example@127.0.0.1"}),
        scope({"host": "127.0.0.1:8321/../@evil.example"}),
        scope({"host": "127.0.0.1:port"}),
        scope([("host", "127.0.0.1"), ("host", "evil.example")]),
        scope(PAGE | {"origin": "http://evil.example"}),
        scope(PAGE | {"origin": "null"}),
        scope(PAGE, "websocket"),
        scope(PAGE | {"origin": "http://evil.example"}, "websocket"),
        scope(PAGE | {"origin": "http://127.0.0.1:9999"}, "websocket"),
        scope(PAGE | {"origin": "file://127.0.0.1:8321"}, "websocket"),
        scope(PAGE, method="POST"),
        scope(PAGE | {"origin": "http://127.0.0.1:8321"}, method="PUT"),
    ],
)
def test_anything_else_is_refused(request_):
    assert refusal(request_, {"127.0.0.1", "localhost"})


def test_a_name_of_a_proxy_is_answered_for_once_it_is_allowed():
    assert refusal(scope({"host": "dose.example.org"}), Safe(None, ["Dose.example.org"]).hosts) == ""
    assert hostname("dose.example.org:443") == "dose.example.org"


def answer(app, asked, body=()):
    """Messages that an application sends; what it asks of the body comes from a list."""
    sent, left = [], list(body)

    async def receive():
        return left.pop(0)

    async def send(message):
        sent.append(message)

    asyncio.run(app(asked, receive, send))
    return sent, left


async def page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})
    await send({"type": "http.response.body", "body": b"page"})


def test_every_answer_forbids_what_the_app_does_not_need():
    sent, _ = answer(Safe(page, page="<script>go()</script>"), scope(PAGE))
    headers = dict(sent[0]["headers"])
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'")


def test_a_large_body_is_refused_before_it_is_read():
    sent, left = answer(Safe(page), scope(PAGE, method="POST"), ["50 MB"])
    assert (sent[0]["status"], left) == (403, ["50 MB"])


def test_a_socket_of_another_page_is_closed():
    sent, _ = answer(Safe(page), scope(PAGE | {"origin": "http://evil.example"}, "websocket"), [{"type": "connect"}])
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_only_the_scripts_that_the_page_has_may_run():
    """The digest is that of `printf 'go()' | sha256sum`, in base 64."""
    assert policy_of("<script src='a.js'></script>") == policy_of("")
    assert policy_of("<script>go()</script>").endswith(" 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='")
