"""The handshake and calls of one message, as a client should make them. A case's first line says what holds."""

import hmac
import time
from collections.abc import Callable
from typing import Any

import protos
from expectations import (
    CHAT,
    DOWNLOAD,
    NEVER,
    UNARY,
    UPLOAD,
    Case,
    Node,
    all_of,
    expect_close,
    expect_refused,
    expect_works,
    payload_of,
    request,
    send_refused,
)
from frames import (
    END_STREAM,
    HEADER,
    Frame,
    Hello,
    Kind,
    MethodKind,
    Pairs,
    Status,
    Welcome,
    decode_response,
    encode_request,
    usual_limits,
)
from rookery_wire import Connection

# The page


def golden_frames(node: Node) -> None:
    """What this client makes of the page is what Tests/Vectors/frames.txt shows, byte for byte"""
    blocks = (protos.PROTOS.parent / "Tests/Vectors/frames.txt").read_text().split("\n\n")
    frames = dict(map(golden_frame, blocks[2:]))
    for name, (frame, golden) in frames.items():
        assert frame.encode() == golden, name
    answer = decode_response(frames["response on stream 3, NOT_FOUND"][0], limit=1000)
    assert answer.status == Status.NOT_FOUND and answer.details.message == b"no such user" and answer.details.retryable
    assert (answer.in_flight, answer.utilisation, answer.latency_us) == (3, 250, 800), answer
    client_nonce, server_nonce, secret = bytes(range(16)), bytes(range(16, 32)), b"the cluster's secret"
    proof = hmac.digest(secret, b"rookery server" + client_nonce + server_nonce + b"n1", "sha256")
    assert Welcome.FromString(frames["welcome of n1"][0].payload).proof == proof


def golden_frame(block: str) -> tuple[str, tuple[Frame, bytes]]:
    """A block's name, the frame that it shows, and the frame's bytes."""
    name, header, *rows = block.strip().splitlines()
    start, payload = bytes.fromhex(header.replace("|", "")), bytes.fromhex("".join(rows))
    _, kind, flags, _, stream, _ = HEADER.unpack_from(start)
    return name, (Frame(kind, stream, payload, flags), start + payload)


# The handshake


def handshake(node: Node) -> None:
    """WELCOME names the node's version, cluster, limits, and its methods with their kinds"""
    with node.connect() as connection:
        welcome = connection.welcome
        assert welcome.node_id and len(welcome.nonce) == 16 and not welcome.proof, welcome
        assert all(value > 0 for _, value in welcome.limits.ListFields()), welcome.limits
        assert len(welcome.limits.ListFields()) == 5, welcome.limits
        numbers = [entry.number for entry in welcome.methods]
        assert 0 not in numbers and len(set(numbers)) == len(numbers), numbers
        kinds = {entry.name.decode(): entry.kind for entry in welcome.methods}
        assert kinds["rookery.Test/Echo"] == kinds[UNARY] == kinds["rookery.Cluster/Map"] == MethodKind.UNARY
        assert kinds[UPLOAD] == MethodKind.CLIENT_STREAMING and kinds[DOWNLOAD] == MethodKind.SERVER_STREAMING
        assert kinds[CHAT] == MethodKind.BIDIRECTIONAL


def wrong_cluster(node: Node) -> None:
    """A client of another cluster is refused with FAILED_PRECONDITION"""
    expect_refused(lambda: Connection(node.address, node.cluster + "?"), Status.FAILED_PRECONDITION)


def wrong_hello(node: Node) -> None:
    """Another version is FAILED_PRECONDITION; no limits, a short nonce, no role: INVALID_ARGUMENT"""

    def hello(**others: Any) -> Callable[[], object]:
        fields = dict(protocol_version=1, cluster_id=node.cluster.encode(), role=1, nonce=bytes(16))
        made = Hello(**{**fields, "limits": usual_limits(), **others})
        return lambda: node.connect(hello=made)

    expect_refused(hello(protocol_version=2), Status.FAILED_PRECONDITION)
    expect_refused(hello(limits=None), Status.INVALID_ARGUMENT)
    expect_refused(hello(nonce=bytes(15)), Status.INVALID_ARGUMENT)
    expect_refused(hello(role=0), Status.INVALID_ARGUMENT)


def peer_without_proof(node: Node) -> None:
    """Who says to be a peer and cannot prove it is UNAUTHENTICATED"""
    hello = Hello(
        protocol_version=1,
        cluster_id=node.cluster.encode(),
        role=2,
        nonce=bytes(16),
        node_id=b"n2",
        limits=usual_limits(),
    )
    proof = protos.message("rookery.rpc.Proof")(mac=bytes(32))
    with node.connect(hello=hello) as connection:
        assert len(connection.welcome.proof) == 32
        connection.send(Frame(Kind.PROOF, payload=proof.SerializeToString()))
        expect_close(connection, Status.UNAUTHENTICATED)


# Calls


def unary(node: Node) -> None:
    """An empty call has an empty answer; 1 MiB comes down whole; the partition may be named"""
    with node.connect() as connection:
        assert connection.call("rookery.Test/Echo").result().message == b""
        assert connection.call(UNARY, partition=3).result().message == b""
        answer = connection.call(UNARY, request(payload=b"tail", answer_bytes=2**20 - 4, compression=NEVER)).result()
        assert payload_of(answer.message) == bytes(2**20 - 4) + b"tail"
        assert not answer.is_draining and answer.status == Status.OK, answer


def load_report(node: Node) -> None:
    """RESPONSE tells in-flight calls and the median latency in microseconds"""
    with node.connect() as connection:
        held = [connection.call(UNARY, request(sleep_ms=2000)) for _ in range(5)]
        connection.ping()
        answer = connection.call(UNARY, request()).result()
        assert 5 <= answer.in_flight < 100, answer
        latencies = [connection.call(UNARY, request(sleep_ms=20)).result().latency_us for _ in range(130)]
        assert 15_000 < latencies[-1] < 1_000_000, f"128 calls of 20 ms are called {latencies[-1]} us"
        assert all(call.result().status == Status.OK for call in held)


def metadata(node: Node) -> None:
    """Metadata comes back, text and bytes, ahead of the answer and behind it"""
    sent: Pairs = [("colour", b"verdigris"), ("a_b.c-9", b" ~"), ("raw-bin", bytes(range(256))), ("colour", b"")]
    with node.connect() as connection:
        for method, message in ((UNARY, request(payload=b"m")), (DOWNLOAD, request(sizes=[1]))):
            call = connection.call(method, message, metadata=sent)
            all_of(call)
            assert call.initial == sent and call.result().trailing == sent, (call.initial, call.result())
        call = connection.call(CHAT, None, metadata=sent)
        call.end()
        assert call.result().trailing == sent
        assert connection.call(UNARY).result().trailing == []


def wrong_metadata(node: Node) -> None:
    """A key or value outside the rules is INVALID_ARGUMENT with every method, and the connection goes on"""
    with node.connect() as connection:
        for method in ("rookery.Test/Echo", UNARY, UPLOAD, CHAT, DOWNLOAD, "rookery.Cluster/Map", "rookery.Health/Check"):
            message = None if method in (UPLOAD, CHAT) else b""
            for entry in (("Upper", b"x"), ("", b"x"), ("text", "ü".encode()), ("text", b"\n")):
                answer = connection.call(method, message, metadata=[entry]).result()
                assert answer.status == Status.INVALID_ARGUMENT and answer.details.ran == 1, (method, answer)
        most = [("k", b"v")] * 128
        assert connection.call(UNARY, metadata=most).result().trailing == most
    for method in (UNARY, "rookery.Test/Echo"):
        too_many = encode_request(connection.methods[method], metadata=[*most, ("k", b"v")])
        send_refused(node, Status.INVALID_ARGUMENT, Frame(Kind.REQUEST, 1, too_many, END_STREAM))


def status(node: Node) -> None:
    """A status comes with its code, its message in any script, and whether the handler ran"""
    message = "не найдено: 🐦 \u0000 ünïcode"
    with node.connect() as connection:
        for code in range(1, 17):
            answer = connection.call(UNARY, request(status=code, status_message=message.encode())).result()
            assert answer.status == code and answer.message == b"", answer
            assert answer.details.message.decode() == message and answer.details.ran == 2, answer.details
        call = connection.call(DOWNLOAD, request(sizes=[3, 4], status=Status.ABORTED, status_message=b"why"))
        assert [len(payload_of(message)) for message in all_of(call)] == [3, 4]
        assert call.result().status == Status.ABORTED and call.result().details.message == b"why"


def unknown_method(node: Node) -> None:
    """A number that no method has, and 0, is UNIMPLEMENTED and did not run"""
    with node.connect() as connection:
        for number in (0, 60_000):
            answer = connection.open(encode_request(number)).result()
            assert answer.status == Status.UNIMPLEMENTED and answer.details.ran == 1, answer
        expect_works(connection)


def peers_method(node: Node) -> None:
    """A peers' method called by a client is PERMISSION_DENIED and did not run"""
    with node.connect() as connection:
        name = next(name for name in connection.methods if name.startswith("rookery.Peer/"))
        answer = connection.call(name).result()
        assert answer.status == Status.PERMISSION_DENIED and answer.details.ran == 1, answer


def called_otherwise(node: Node) -> None:
    """A method that is called as another kind is INVALID_ARGUMENT and did not run"""
    with node.connect() as connection:
        message = encode_request(connection.methods[UNARY], request())
        upload = encode_request(connection.methods[UPLOAD], request(payload=b"of a MESSAGE"))
        for payload, flags in ((message, 0), (upload, 0), (upload, END_STREAM)):
            answer = connection.open(payload, flags).result()
            assert answer.status == Status.INVALID_ARGUMENT and answer.details.ran == 1, answer
        expect_works(connection)


def answer_above_limit(node: Node) -> None:
    """An answer above the client's max_message_bytes or max_frame_bytes is RESOURCE_EXHAUSTED instead"""
    for limit in ("max_message_bytes", "max_frame_bytes"):
        with node.connect(limits=usual_limits(**{limit: 5000})) as connection:
            assert len(connection.call(UNARY, request(answer_bytes=4900)).result().message) > 4900
            for method, fields in ((UNARY, {"answer_bytes": 6000}), (DOWNLOAD, {"sizes": [6000]})):
                answer = connection.call(method, request(compression=NEVER, **fields)).result()
                assert answer.status == Status.RESOURCE_EXHAUSTED and answer.details.ran == 2, answer


# Cancelling, and time


def cancellation(node: Node) -> None:
    """A cancelled call has no answer, its handler stops, and the connection goes on"""
    with node.connect() as connection:
        unary, download = connection.call(UNARY, request(sleep_ms=9000)), connection.call(CHAT, None)
        download.send(request(payload=b"here"))
        assert payload_of(download.receive()) == b"here"
        began = time.monotonic()
        for call in (unary, download):
            call.cancel()
        connection.wait(lambda: connection.call(UNARY).result().in_flight <= 1)
        assert time.monotonic() - began < 5, "a handler went on after CANCEL"
        download.give_credit(1)
        download.send_at_once(request())
        connection.send(Frame(Kind.CANCEL, download.stream))
        expect_works(connection)
        assert unary.answer is None and download.answer is None


def deadline(node: Node) -> None:
    """The remaining time is in milliseconds: 200 pass before a call of 9 s is DEADLINE_EXCEEDED"""
    with node.connect() as connection:
        began = time.monotonic()
        call = connection.call(UNARY, request(sleep_ms=9000), timeout_ms=200)
        chat = connection.call(CHAT, None, timeout_ms=200)
        answer = call.result()
        took = time.monotonic() - began
        assert answer.status == Status.DEADLINE_EXCEEDED and answer.details.ran == 0, answer
        assert 0.19 < took < 8, f"after {took} s"
        assert chat.result().status == Status.DEADLINE_EXCEEDED
        assert connection.call(UNARY, request(sleep_ms=300), timeout_ms=9000).result().status == Status.OK
        assert connection.call(UNARY, request(sleep_ms=300), timeout_ms=0).result().status == Status.OK


CASES: list[Case] = [
    golden_frames,
    handshake,
    wrong_cluster,
    wrong_hello,
    peer_without_proof,
    unary,
    load_report,
    metadata,
    wrong_metadata,
    status,
    unknown_method,
    peers_method,
    called_otherwise,
    answer_above_limit,
    cancellation,
    deadline,
]
