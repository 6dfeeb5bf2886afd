"""Recording: the proxy, what becomes of an exchange, and the command."""

from __future__ import annotations

import asyncio
import ssl
import threading
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
import trustme

from isoloop_conformance import values
from isoloop_conformance.cassettes import Arrival, Cassette, find_secrets, lint, load, save
from isoloop_conformance.cassettes.file import read_value
from isoloop_conformance.cli import main
from isoloop_conformance.frames import Bytes
from isoloop_conformance.loader import load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.record import (
    STANDARD,
    CaptureProxy,
    RecordError,
    Upstream,
    cassette_name,
    live_variant,
    proxy,
    twin_variant,
)
from isoloop_conformance.twin import Scene, twin_named
from isoloop_conformance.variants import Variant, expand, selected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

# Of no shape that the redaction knows: it must be found because it is the key that was used.
KEY = "key" + "_of_" + "mine_0123456789"
ANTHROPIC = "anthropic-messages"
SINGLE = f"loop.single-turn@{ANTHROPIC}+sse"
ROUND_TRIP = f"loop.tool-round-trip@{ANTHROPIC}+sse"

# ---- the proxy


async def test_pieces_pass_as_they_come(vendor: Vendor, capture: Capture) -> None:
    """The client has a piece before the vendor writes the next; lengths and times are kept."""

    async def answer(sent: Sent) -> None:
        await sent.head("transfer-encoding: chunked", "content-type: text/event-stream")
        for i, piece in enumerate([b"data: a\n\n", b"data: \xc3", b"\xa9\n\n"]):
            await sent.chunk(piece)
            await got[i].wait()
            capture.now_ms += 7
        await sent.chunk(b"")

    got = [asyncio.Event() for _ in range(3)]
    vendor.answers = [answer]
    pieces: list[bytes] = []
    async with capture.request(b"{}") as response:
        async for piece in response.aiter_raw():
            pieces.append(piece)
            got[len(pieces) - 1].set()
    assert [b"data: a\n\n", b"data: \xc3", b"\xa9\n\n"] == pieces
    (exchange,) = await capture.proxy.take()
    assert exchange.complete
    assert b"".join(pieces) == exchange.body
    assert [Arrival(9, 0), Arrival(7, 7), Arrival(3, 14)] == exchange.arrived


async def test_what_is_sent_on_is_what_the_client_sent(vendor: Vendor, capture: Capture) -> None:
    """Body, path and headers, but for the connection's own and the key that is put in."""
    vendor.answers = [json_answer(b"{}")]
    headers = {"x-api-key": "made up", "x-mine": "1", "accept-encoding": "gzip, br"}
    async with capture.request(b'{"a": 1 }', "/v1/messages?beta=true", headers) as response:
        assert 200 == response.status_code
    (exchange,) = await capture.proxy.take()
    assert b'{"a": 1 }' == vendor.seen[0].body == exchange.request.body
    assert "/v1/messages?beta=true" == vendor.seen[0].path == exchange.path
    assert (KEY, "1", "identity") == tuple(
        vendor.seen[0].headers[n] for n in ("x-api-key", "x-mine", "accept-encoding")
    )
    assert "made up" == exchange.request.headers["x-api-key"]


async def test_gzip_is_undone_although_nobody_asked_for_it(
    vendor: Vendor, capture: Capture
) -> None:
    """Client and cassette get the body itself, still piece by piece."""

    async def answer(sent: Sent) -> None:
        packer = zlib.compressobj(wbits=31)
        await sent.head("transfer-encoding: chunked", "content-encoding: gzip")
        for piece in (b"data: a\n\n", b"data: b\n\n"):
            await sent.chunk(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH))
        await sent.chunk(packer.flush())
        await sent.chunk(b"")

    vendor.answers = [answer]
    async with capture.request(b"{}") as response:
        body = b"".join([piece async for piece in response.aiter_raw()])
        assert "content-encoding" not in response.headers
    (exchange,) = await capture.proxy.take()
    assert b"data: a\n\ndata: b\n\n" == body == exchange.body
    assert [9, 9] == [piece.size_bytes for piece in exchange.arrived]
    assert "content-encoding" not in exchange.headers


@pytest.mark.parametrize(
    ("lines", "data", "problem"),
    [
        (["content-encoding: br", "content-length: 2"], b"xx", "content encoding `br`"),
        (["content-encoding: gzip", "content-length: 2"], b"xx", "incorrect header check"),
        (
            ["content-encoding: gzip", "content-length: 15"],
            zlib.compress(b"hello" * 9, wbits=31)[:15],
            "ends too early",
        ),
        (["content-length: 9"], b"xx", "peer closed connection"),
        (["transfer-encoding: chunked"], b"5\r\nhello\r\n", "peer closed connection"),
    ],
)
async def test_a_response_that_is_not_whole_breaks_off_and_says_why(
    vendor: Vendor, capture: Capture, lines: list[str], data: bytes, problem: str
) -> None:
    """The client must not take it for a whole one, and no cassette is made of it."""

    async def answer(sent: Sent) -> None:
        await sent.head(*lines)
        await sent.write(data)
        sent.close()

    vendor.answers = [answer]
    with pytest.raises(httpx.TransportError):
        async with capture.request(b"{}") as response:
            await response.aread()
    (exchange,) = await capture.proxy.take()
    assert not exchange.complete
    assert problem in exchange.problem


async def test_a_client_that_leaves_after_the_last_event_spoils_nothing(
    vendor: Vendor, capture: Capture
) -> None:
    """The rest of the body is still taken in (an SDK may stop at the terminal event)."""

    async def answer(sent: Sent) -> None:
        await sent.head("transfer-encoding: chunked")
        await sent.chunk(b"last event")
        await left.wait()
        await sent.chunk(b"")

    left = asyncio.Event()
    vendor.answers = [answer]
    async with capture.request(b"{}") as response:
        async for _ in response.aiter_raw():
            break
    left.set()
    (exchange,) = await capture.proxy.take()
    assert (True, b"last event") == (exchange.complete, bytes(exchange.body))


async def test_a_client_that_leaves_in_the_middle_is_not_waited_for(
    vendor: Vendor, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's connection is closed, and the exchange is not whole."""

    async def answer(sent: Sent) -> None:
        await sent.head("transfer-encoding: chunked")
        await sent.chunk(b"first")
        await sent.closed()

    monkeypatch.setattr(proxy, "_LEFTOVER_S", 0.01)
    vendor.answers = [answer]
    async with capture.request(b"{}") as response:
        async for _ in response.aiter_raw():
            break
    await vendor.idle()
    (exchange,) = await capture.proxy.take()
    assert not exchange.complete


async def test_an_unknown_certificate_is_refused(vendor: Vendor) -> None:
    """A live recording checks who answers."""
    capture = await Capture.start(vendor, httpx.create_ssl_context())
    with pytest.raises(httpx.TransportError):
        async with capture.request(b"{}"):
            pass
    (exchange,) = await capture.proxy.take()
    await capture.aclose()
    assert "certificate" in exchange.problem
    assert [] == vendor.seen


# ---- which cases


def test_a_cassette_is_named_after_its_case() -> None:
    """What it was recorded with can be told from its name."""
    names = [cassette_name(v, "twin") for v in variants(f"loop.single-turn@{ANTHROPIC}*")]
    assert ["twin/loop.single-turn", "twin/loop.single-turn+json"] == names


@pytest.mark.parametrize(
    ("case", "word"),
    [("recorded.hello", "cassette"), ("stream.truncated", "end"), ("stream.cuts", "edits")],
)
def test_what_the_twin_does_not_say_is_no_recording_of_it(case: str, word: str) -> None:
    """Bytes from a file, edits and faults are the suite's doing."""
    found: list[str] = []
    for variant in variants(case):
        with pytest.raises(RecordError, match=r"exchange \d+ has `\w+`") as caught:
            twin_variant(variant)
        found.append(str(caught.value))
    assert any(f"`{word}`" in text for text in found), found


def test_a_live_run_answers_calls_as_the_case_does() -> None:
    """Ids of calls are not known before; so each tool has one answer for all its calls."""
    live = live_variant(variant_named(ROUND_TRIP), "some-model")
    assert {"lookup": {"text": "a language"}, "zebra": {"text": "ok"}} == live.case["answers"]
    assert [{"run": {"input": "What is Rust?"}}, {"await": {"result": "r1"}}] == live.case["steps"]
    assert "some-model" == values.case_begin(live, "t", "http://x")["model"]
    assert "real" == values.case_begin(live, "t", "http://x")["clock"]["mode"]
    assert "exchanges" not in live.case


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("control.retry-backoff", "exchange 0 has `error`"),
        ("control.abort-mid-text", "step"),
        ("loop.next-run", "2 runs"),
    ],
)
def test_what_no_real_provider_can_be_asked_for_is_not_run(case: str, problem: str) -> None:
    """An error, a held stream, an answer that must be known in advance."""
    with pytest.raises(RecordError, match=problem):
        live_variant(variants(case)[0], "some-model")


# ---- the command, against the twin


def test_wrong_usage_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is run, and nothing is written."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    into = ["--into", str(tmp_path)]
    for options, problem in [
        (["--case", "loop.dance"], "no case matches `loop.dance`"),
        (["--live", "--dialect", ANTHROPIC], "not set: ANTHROPIC_API_KEY;"),
        (["--check", "--live"], "without --live"),
        (["--model", "x"], "need --live"),
        (["--live", "--base-url", "https://x"], "name its --dialect"),
        (["--sdk", "cobol"], "no driver `cobol`"),
    ]:
        assert 5 == main(["record", *into, *options])
        assert problem in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


@pytest.mark.slow
def test_recording_the_twin_twice_gives_the_same_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the twin says, in its own pieces, at the case's own time; nothing of the day or host."""
    for folder in ("a", "b"):
        assert 0 == main(["record", "--into", str(tmp_path / folder), "--case", SINGLE])
    first, second = (tmp_path / f / f"{ANTHROPIC}/twin/loop.single-turn.yaml" for f in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert [] == lint(first, ANTHROPIC)
    cassette = load(first)
    assert "twin" == cassette.provenance["kind"]
    (interaction,) = cassette.interactions
    reply = variant_named(SINGLE).case["exchanges"][0]["reply"]
    frames = twin_named(ANTHROPIC).stream(reply, Scene(values.MODEL, 0))
    pieces = [Arrival(len(f.data), 0) for f in frames if isinstance(f, Bytes)]
    assert pieces == interaction.response.arrived
    assert frames == interaction.response.chunks
    assert "https://api.anthropic.com/v1/messages" == interaction.request.uri
    assert ["REDACTED"] == interaction.request.headers["x-api-key"]
    assert "1 exchange\n" in capsys.readouterr().out


@pytest.mark.slow
def test_the_committed_recordings_of_the_twin_are_up_to_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What `nox -s drift` checks, here with the transport that users may not have."""
    assert 0 == main(["record", "--check", "--sdk", "python-httpx"]), capsys.readouterr().err
    assert "up to date" in capsys.readouterr().out


@pytest.mark.slow
def test_the_check_finds_what_is_missing_and_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes nothing itself."""
    options = ["record", "--into", str(tmp_path), "--dialect", ANTHROPIC]
    stale = tmp_path / ANTHROPIC / "twin" / "loop.single-turn.yaml"
    assert 0 == main([*options, "--case", SINGLE])
    text = stale.read_text("utf-8").replace("Be brief.", "Be loud.")
    stale.write_text(text, "utf-8")
    capsys.readouterr()
    assert 1 == main([*options, "--check"])
    said = capsys.readouterr().err
    assert f"{ANTHROPIC}/twin/loop.single-turn.yaml differs" in said
    assert f"{ANTHROPIC}/twin/tools.parallel.yaml is missing" in said
    assert text == stale.read_text("utf-8")
    assert [stale] == list(tmp_path.rglob("*.yaml"))
    stale.rename(stale.with_name("loop.dance.yaml"))
    assert 5 == main([*options, "--check"])
    assert "the recording of no case" in capsys.readouterr().err


@pytest.mark.slow
def test_what_was_recorded_beyond_the_standard_cases_is_kept_up_to_date(tmp_path: Path) -> None:
    """One JSON body, in one piece, with its length; the check and the next recording include it."""
    options = ["record", "--into", str(tmp_path), "--dialect", ANTHROPIC]
    path = tmp_path / ANTHROPIC / "twin" / "loop.single-turn+json.yaml"
    assert 0 == main([*options, "--case", f"loop.single-turn@{ANTHROPIC}+json"])
    text = path.read_text("utf-8")
    (interaction,) = load(path).interactions
    assert ["application/json"] == interaction.response.headers["content-type"]
    assert [Arrival(len(interaction.response.body), 0)] == interaction.response.arrived
    path.write_text(text.replace("Be brief.", "Be loud."), "utf-8")
    assert 0 == main(options)
    assert text == path.read_text("utf-8")
    standard = {name for name in STANDARD for v in variants(name) if v.dialect == ANTHROPIC}
    assert len(standard) + 1 == len(list(path.parent.iterdir()))


@pytest.mark.slow
def test_a_failed_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The driver ends at once; then one that does not exist."""
    for driver, problem in [("true", "before saying hello"), ("./no-such-driver", "cannot start")]:
        options = ["--into", str(tmp_path), "--case", SINGLE, "--driver", driver]
        assert 1 == main(["record", *options])
        assert problem in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


# ---- the command, against a vendor


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "url", "header", "value"),
    [
        (ANTHROPIC, "/v1/messages", "x-api-key", KEY),
        ("openai-chat", "/v1/chat/completions", "authorization", f"Bearer {KEY}"),
        ("openai-responses", "/v1/responses", "authorization", f"Bearer {KEY}"),
    ],
)
def test_a_live_recording_has_everything_but_the_key(
    live: Live,
    capsys: pytest.CaptureFixture[str],
    dialect: str,
    url: str,
    header: str,
    value: str,
) -> None:
    """The vendor gets the real key, the driver never; what echoes it is redacted."""
    live.plays(dialect)
    assert 0 == live.record("loop.tool-round-trip@*+sse")
    path = live.path("loop.tool-round-trip")
    assert KEY not in path.read_text("utf-8")
    assert KEY not in capsys.readouterr().out
    assert [] == list(find_secrets(read_value(path)))
    assert [value, value] == [seen.headers[header] for seen in live.vendor.seen]
    assert [url, url] == [seen.path for seen in live.vendor.seen]
    cassette = load(path)
    assert {"kind": "live", "provider": "localhost", "model": "some-model"} == {
        k: cassette.provenance[k] for k in ("kind", "provider", "model")
    }
    first, second = cassette.interactions
    assert live.vendor.url + url == first.request.uri
    assert ["REDACTED"] == first.request.headers[header]
    assert b'"model":"some-model"' in first.request.body
    # The key was in it: its length is not that of what arrived.
    assert b"the key is REDACTED" in first.response.body
    assert [] == first.response.arrived
    assert ["REDACTED"] == first.response.headers["set-cookie"]
    assert b"a language" in second.request.body
    assert len(second.response.body) == sum(p.size_bytes for p in second.response.arrived)
    assert len(second.response.arrived) > 1


@pytest.mark.slow
def test_a_recording_that_cannot_be_made_again_is_kept(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --force, neither a live recording nor one made by hand is overwritten."""
    path = live.path("loop.tool-round-trip")
    source = load(places().cassettes / ANTHROPIC / "text" / "hello.yaml")
    provenance = {"kind": "live", "provider": "x", "model": "y", "date": "2026-01-01"}
    save(path, Cassette(provenance, source.interactions))
    before = path.read_bytes()
    assert 1 == live.record(ROUND_TRIP)
    assert "exists and is `live`; --force" in capsys.readouterr().err
    assert (before, []) == (path.read_bytes(), live.vendor.seen)
    assert 0 == live.record(ROUND_TRIP, "--force")
    assert before != path.read_bytes()


@pytest.mark.slow
def test_a_live_run_that_fails_writes_nothing(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused key, with the vendor's word for it, and without the key."""
    said = twin_named(ANTHROPIC).rejection(401, {"message": f"bad key {KEY}"}, Scene("m"))
    live.vendor.answers = [json_answer(said.body, 401)]
    assert 1 == live.record(ROUND_TRIP)
    err = capsys.readouterr().err
    assert "the run failed: authentication: " in err
    assert "bad key REDACTED" in err
    assert KEY not in err
    assert not live.path("loop.tool-round-trip").exists()


# ---- a vendor of our own, over TLS


@dataclass
class Seen:
    """A request that reached the vendor."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sent:
    """An answer that is being given."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self, *lines: str, status: int = 200) -> None:
        await self.write("\r\n".join([f"HTTP/1.1 {status} Some", *lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def closed(self) -> None:
        """Wait until the other side has closed."""
        assert b"" == await self.reader.read()

    def close(self) -> None:
        self.writer.close()


@dataclass
class Vendor:
    """A server with a certificate that nobody knows but the tests."""

    authority: trustme.CA
    answers: list[Callable[[Sent], Awaitable[None]]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def start(self) -> asyncio.Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(context)
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        return server

    async def idle(self) -> None:
        """Wait until nobody is connected."""
        await asyncio.gather(*self.tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                self.seen.append(Seen(head[0].split(" ")[1], headers, body))
                await self.answers[len(self.seen) - 1](Sent(reader, writer))
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()
            self.tasks.discard(task)


def json_answer(body: bytes, status: int = 200) -> Callable[[Sent], Awaitable[None]]:
    async def answer(sent: Sent) -> None:
        lines = ["content-type: application/json", f"content-length: {len(body)}"]
        await sent.head(*lines, status=status)
        await sent.write(body)

    return answer


def stream_answer(
    dialect: str, reply: list[dict[str, Any]], exchange: int
) -> Callable[[Sent], Awaitable[None]]:
    """Return an answer in the dialect, which echoes the key in a cookie."""

    async def answer(sent: Sent) -> None:
        lines = ["content-type: text/event-stream", "transfer-encoding: chunked"]
        await sent.head(*lines, f"set-cookie: seen={KEY}")
        for frame in twin_named(dialect).stream(reply, Scene("some-model", exchange)):
            assert isinstance(frame, Bytes)
            await sent.chunk(frame.data)
        await sent.chunk(b"")

    return answer


@dataclass
class Capture:
    """The proxy before the vendor, with a clock that the test moves."""

    proxy: CaptureProxy
    client: httpx.AsyncClient
    url: str = ""
    now_ms: int = 1000

    @classmethod
    async def start(cls, vendor: Vendor, tls: ssl.SSLContext) -> Capture:
        client = httpx.AsyncClient(trust_env=False, verify=False)
        capture = cls(await CaptureProxy.start(tls), client)
        upstream = Upstream(vendor.url, lambda: capture.now_ms, {"x-api-key": KEY})
        capture.url = capture.proxy.open("/k1", upstream)
        return capture

    def request(
        self, body: bytes, path: str = "/v1/messages", headers: dict[str, str] | None = None
    ) -> Any:
        return self.client.stream("POST", self.url + path, content=body, headers=headers)

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.proxy.aclose()


@dataclass
class Live:
    """A vendor in a thread of its own, because a command has an event loop of its own."""

    vendor: Vendor
    into: Path
    dialect: str = ANTHROPIC

    def plays(self, dialect: str) -> None:
        """Have the vendor call a tool, and answer; in the first answer it repeats the key."""
        self.dialect = dialect
        said = {"text": f"the key is {KEY}", "cuts": []}
        call = {"id": "call_1", "name": "lookup", "argumentsText": '{"q":"rust"}'}
        self.vendor.answers = [
            stream_answer(dialect, [{"say": said}, {"call": call}], 0),
            stream_answer(dialect, [{"say": "A language."}], 1),
        ]

    def record(self, case: str, *options: str) -> int:
        base = self.vendor.url + twin_named(self.dialect).base_path
        given = ["--live", "--dialect", self.dialect, "--model", "some-model", "--case", case]
        given += ["--base-url", base, "--into", str(self.into), *options]
        return main(["record", *given])

    def path(self, case: str) -> Path:
        return self.into / self.dialect / "live" / f"{case}.yaml"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest_asyncio.fixture
async def vendor(authority: trustme.CA) -> AsyncIterator[Vendor]:
    vendor = Vendor(authority)
    async with await vendor.start():
        yield vendor


@pytest_asyncio.fixture
async def capture(vendor: Vendor) -> AsyncIterator[Capture]:
    context = ssl.create_default_context()
    vendor.authority.configure_trust(context)
    capture = await Capture.start(vendor, context)
    yield capture
    await capture.aclose()


@pytest.fixture
def live(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    vendor = Vendor(authority)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with await vendor.start():
            ready.set()
            await asyncio.to_thread(over.wait)
            for task in vendor.tasks:
                task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    live = Live(vendor, tmp_path / "cassettes")
    live.plays(ANTHROPIC)
    yield live
    over.set()
    thread.join()


@cache
def every_variant() -> list[Variant]:
    requirements = load_requirements(places().contract / "requirements")
    return [v for case in load_cases(places().cases, requirements) for v in expand(case)]


def variants(case: str) -> list[Variant]:
    return selected(every_variant(), [case])


def variant_named(name: str) -> Variant:
    (variant,) = variants(name)
    return variant
