"""Who may ask the server: tokens, TLS, rates, foreign names and pages."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from broker import make_certificates
from server_process import Running, affectd_server, jpeg, serving, write_config

from desktop_server.http.access import RateLimit, is_loopback
from desktop_server.http.tokens import Tokens
from desktop_server.schema.problems import RequestError
from device.errors import AffectdError, ConfigError

pytestmark = pytest.mark.slow


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_printed_once_and_stored_as_a_hash_with_mode_600(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    made = affectd_server("token", "create", "kitchen", "--config", config)
    assert made.returncode == 0
    token = made.stdout.strip()
    kept = tmp_path / "tokens.json"
    assert len(token) > 43
    assert token.removeprefix("affectd_") not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert Tokens(kept).owner(token) == "kitchen"
    assert Tokens(kept).owner(token + "x") is None
    assert affectd_server("token", "list", "--config", config).stdout.startswith("kitchen\t")
    assert affectd_server("token", "revoke", "kitchen", "--config", config).returncode == 0
    assert Tokens(kept).owner(token) is None


@pytest.mark.parametrize(
    ("action", "name", "said"),
    [
        ("create", "a b", "a name has 1 to 64 letters"),
        ("create", "", "a name has 1 to 64 letters"),
        ("create", "kitchen", "there is one already"),
        ("revoke", "attic", "there is none; known are kitchen"),
    ],
)
def test_creating_or_revoking_a_wrong_token_is_an_error(tmp_path: Path, action: str, name: str, said: str) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    tokens.create("kitchen")
    with pytest.raises(AffectdError, match=said):
        getattr(tokens, action)(name)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": {}}', '{"a": {"sha256": "short", "made": ""}}'])
def test_a_damaged_token_file_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"not a file of tokens"):
        Tokens(path)


def test_a_token_file_that_others_may_read_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    Tokens(path).create("kitchen")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        Tokens(path)


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ({"host": "0.0.0.0"}, "there is no token"),
        ({"host": "::"}, "there is no token"),
        ({"cert_file": "a.crt"}, "TLS needs both"),
        ({"cert_file": "a.crt", "key_file": "a.key"}, "a.crt"),
        ({"hots": "::"}, "did you mean 'host'"),
    ],
)
def test_an_unsafe_or_wrong_configuration_does_not_start(tmp_path: Path, server: dict[str, str], said: str) -> None:
    config = write_config(tmp_path, server=server)
    ended = affectd_server("run", "--config", config, "--port", "0")
    assert ended.returncode == 78
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_gpu_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    ended = affectd_server("run", "--config", write_config(tmp_path, engine={"provider": "cuda"}), "--port", "0")
    assert (ended.returncode, "Traceback" in ended.stderr) == (78, False)
    assert "engine.provider = 'cuda'" in ended.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str, Path]]:
    """A server with TLS and a token, on all addresses."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    token = Tokens(folder / "tokens.json").create("kitchen")
    tls = {"cert_file": str(folder / "broker.crt"), "key_file": str(folder / "broker.key")}
    with serving(folder, server={**tls, "host": "0.0.0.0", "rate_hz": 0.01, "burst": 20}) as server:
        yield server, token, folder


def client_of(house: tuple[Running, str, Path]) -> httpx.Client:
    server, _, folder = house
    trusted = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    url = server.url.replace("0.0.0.0", "127.0.0.1")
    assert url.startswith("https://")
    return httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=30)


def test_tls_requests_need_a_valid_token(house: tuple[Running, str, Path]) -> None:
    with client_of(house) as client:
        right = client.post("/v1/face", content=jpeg(), headers=bearer(house[1]))
        assert right.status_code == 200
        for headers, code in (
            ({}, "no-token"),
            (bearer("affectd_x"), "wrong-token"),
            ({"Authorization": "x"}, "no-token"),
        ):
            for path in ("/v1/face", "/v2/models/x/infer", "/metrics", "/v1/server"):
                refused = client.post(path, content=jpeg(), headers=headers)
                assert (refused.status_code, refused.json()["code"]) in ((401, code), (429, "rate-limited"))
            assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/healthz").status_code == 200
        assert client.get("/openapi.json").status_code == 200


def test_an_unknown_certificate_is_not_trusted(house: tuple[Running, str, Path]) -> None:
    url = house[0].url.replace("0.0.0.0", "127.0.0.1")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{url}/healthz", trust_env=False)


def test_each_token_has_its_own_rate_and_revoking_takes_effect_at_once(house: tuple[Running, str, Path]) -> None:
    server, _, folder = house
    other = Tokens(folder / "tokens.json").create("attic")
    with client_of(house) as client:
        answers = [client.get("/v1/server", headers=bearer(other)) for _ in range(21)]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        assert int(answers[-1].headers["retry-after"]) > 50
        Tokens(folder / "tokens.json").revoke("attic")
        assert client.get("/v1/server", headers=bearer(other)).status_code in (401, 429)
    assert other not in server.log.read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_without_its_last_token_the_server_still_requires_one(tmp_path: Path, host: str) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    token = tokens.create("kitchen")
    with serving(tmp_path, server={"host": host}) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1") + "/v1/server"
        assert httpx.get(url, headers=bearer(token), trust_env=False).status_code == 200
        tokens.revoke("kitchen")
        for headers, code in (({}, "no-token"), (bearer(token), "wrong-token")):
            refused = httpx.get(url, headers={**headers, "host": "localhost"}, trust_env=False)
            assert (refused.status_code, refused.json()["code"]) == (401, code)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("open")) as server:
        yield server


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "10.0.0.1", "", "localhost.evil.example", "["])
def test_a_foreign_host_name_is_refused(open_server: Running, host: str) -> None:
    with open_server.client() as client:
        refused = client.get("/v1/server", headers={"host": host})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign-host")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "http://[", ""])
def test_a_foreign_origin_is_refused(open_server: Running, origin: str) -> None:
    with open_server.client() as client:
        refused = client.post("/v1/face", content=jpeg(), headers={"origin": origin})
        assert (refused.status_code, refused.json()["code"]) == (403, "foreign-origin")
        own = client.post("/v1/face", content=jpeg(), headers={"origin": open_server.url})
        assert own.status_code == 200


def test_loopback_without_tokens_has_no_rate_limit_by_default(open_server: Running) -> None:
    with httpx.Client(base_url=open_server.url, trust_env=False) as client:
        assert {client.get("/v1/server").status_code for _ in range(300)} == {200}


def test_a_configured_rate_limits_loopback_too(tmp_path: Path) -> None:
    with serving(tmp_path, server={"rate_hz": 0.01, "burst": 2}) as server, server.client() as client:
        assert [client.get("/v1/server").status_code for _ in range(3)] == [200, 200, 429]


def refused(url: str, path: str, headers: dict[str, str], size: int) -> tuple[int, str]:
    """By urllib, which sends all of a body before it reads, and asks for the connection to be closed."""
    request = urllib.request.Request(url + path, data=bytes(size), headers=headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=60)
    with caught.value as answer:
        return answer.code, json.loads(answer.read())["code"]


def test_an_early_refusal_is_received_while_the_body_is_still_sent(open_server: Running, tmp_path: Path) -> None:
    foreign = {"Origin": "https://evil.example"}
    for _ in range(4):
        assert refused(open_server.url, "/v1/face", foreign, 20 * 2**20) == (403, "foreign-origin")
        assert refused(open_server.url, "/v1/face", {}, 40 * 2**20) == (413, "too-large")
    Tokens(tmp_path / "tokens.json").create("kitchen")
    with serving(tmp_path) as server:
        assert refused(server.url, "/v1/face", {}, 20 * 2**20) == (401, "no-token")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.4", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_loopback_addresses_are_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_burst_passes_and_then_the_rate_limits() -> None:
    now_s = [0.0]
    rate = RateLimit(rate_hz=2.0, burst=3, clock_s=lambda: now_s[0])
    for _ in range(3):
        rate.take("kitchen")
    with pytest.raises(RequestError) as caught:
        rate.take("kitchen")
    assert (caught.value.code, caught.value.retry_after_s) == ("rate-limited", 0.5)
    rate.take("attic")
    now_s[0] = 0.5
    rate.take("kitchen")


def test_the_rate_limit_remembers_the_newest_10000_clients() -> None:
    rate = RateLimit(rate_hz=1e-6, burst=1, clock_s=lambda: 0.0)
    for number in range(10_001):
        rate.take(str(number))
    rate.take("0")  # forgotten, so it may again
    with pytest.raises(RequestError):
        rate.take("10000")


def test_an_unsafe_token_file_makes_every_request_503(tmp_path: Path) -> None:
    token = Tokens(tmp_path / "tokens.json").create("kitchen")
    with serving(tmp_path) as server, server.client() as client:
        assert client.get("/v1/server", headers=bearer(token)).status_code == 200
        (tmp_path / "tokens.json").chmod(0o644)
        refused = client.get("/v1/server", headers=bearer(token))
        assert (refused.status_code, refused.json()["code"]) == (503, "tokens-unreadable")
