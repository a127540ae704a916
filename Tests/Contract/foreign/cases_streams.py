"""Calls of many messages, compression, and Rookery's own methods."""

import os
import struct
import time
from typing import Any

import xxhash

import protos
from expectations import (
    ALWAYS,
    CHAT,
    DOWNLOAD,
    NEVER,
    UNARY,
    UPLOAD,
    Case,
    MapReply,
    MapRequest,
    Node,
    TestReply,
    all_of,
    expect_works,
    payload_of,
    request,
    send_refused,
)
from frames import (
    COMPRESSED,
    END_STREAM,
    FEATURE_LZ4,
    Frame,
    Kind,
    Status,
    encode_request,
)
from rookery_wire import Connection

# Streams


def server_streaming(node: Node) -> None:
    """A streamed answer's messages come in order, then an empty RESPONSE"""
    sizes = [0, 1, 127, 128, 100_000, 7]
    with node.connect() as connection:
        call = connection.call(DOWNLOAD, request(sizes=sizes, compression=NEVER))
        assert [payload_of(message) for message in all_of(call)] == [bytes(size) for size in sizes]
        assert call.result().status == Status.OK and call.result().message == b""
        assert all_of(connection.call(DOWNLOAD)) == []


def client_streaming(node: Node) -> None:
    """A streamed request is counted by the server, and END_STREAM on the REQUEST means no messages"""
    with node.connect() as connection:
        call = connection.call(UPLOAD, None)
        for count in range(10):
            call.send(request(payload=bytes(count)))
        call.end()
        reply = TestReply.FromString(call.result().message)
        assert (reply.bytes, reply.messages) == (45, 10), reply
        payload = encode_request(connection.methods[UPLOAD])
        none = TestReply.FromString(connection.open(payload, END_STREAM).result().message)
        assert (none.bytes, none.messages) == (0, 0), none
        chat = connection.open(encode_request(connection.methods[CHAT]), END_STREAM)
        assert all_of(chat) == [] and chat.result().status == Status.OK


def bidirectional(node: Node) -> None:
    """Each message is answered while the stream is open both ways"""
    with node.connect() as connection:
        call = connection.call(CHAT, None)
        for number in range(20):
            call.send(request(payload=str(number).encode(), answer_bytes=number))
            assert payload_of(call.receive()) == bytes(number) + str(number).encode()
        call.end()
        assert call.receive() is None and call.result().status == Status.OK


def answer_before_end(node: Node) -> None:
    """A server may answer before END; what the client still sends is dropped, and its credit comes back"""
    with node.connect() as connection:
        call = connection.call(UPLOAD, None)
        call.send(request(status=Status.FAILED_PRECONDITION, status_message=b"no more"))
        assert call.result().status == Status.FAILED_PRECONDITION
        piece = request(payload=bytes(64 * 1024))
        window = connection.welcome.limits.connection_credit_bytes
        for _ in range(2 * window // len(piece)):
            connection.wait(lambda: connection.credit > 0)
            call.send_at_once(piece)
        call.end()
        expect_works(connection)


def misplaced_messages(node: Node) -> None:
    """MESSAGE behind END, or on a stream that was never opened, is INVALID_ARGUMENT"""
    with node.connect() as connection:
        opened = Frame(Kind.REQUEST, 1, encode_request(connection.methods[CHAT]))
        closed = Frame(Kind.REQUEST, 1, encode_request(connection.methods[UNARY], request(sleep_ms=2000)), END_STREAM)
    end, message = Frame(Kind.END, 1, flags=END_STREAM), Frame(Kind.MESSAGE, 1)
    # Its handler must not have ended: what comes for a stream that is over is ignored.
    busy = Frame(Kind.MESSAGE, 1, request(sleep_ms=2000))
    send_refused(node, Status.INVALID_ARGUMENT, opened, busy, end, message)
    send_refused(node, Status.INVALID_ARGUMENT, Frame(Kind.MESSAGE, 7))
    send_refused(node, Status.INVALID_ARGUMENT, closed, end)
    send_refused(node, Status.INVALID_ARGUMENT, closed, message)


# Compression


def compression(node: Node) -> None:
    """Requests, answers and messages may each be an LZ4 block, and are told by their flag"""
    text = b"All work and no play makes Jack a dull boy. " * 1000
    with node.connect() as connection:
        assert connection.features == FEATURE_LZ4
        for asked, compressed in ((True, ALWAYS), (False, NEVER)):
            message = request(payload=text, compression=compressed)
            answer = connection.call(UNARY, message, compressed=asked).result()
            assert answer.was_compressed == asked and payload_of(answer.message) == text
            assert TestReply.FromString(answer.message).was_compressed == asked
        upload = connection.call(UPLOAD, None)
        upload.send(request(payload=text), compressed=True)
        upload.send(request(payload=text))
        upload.end()
        assert TestReply.FromString(upload.result().message).bytes == 2 * len(text)
        download = connection.call(DOWNLOAD, request(sizes=[9000, 9001], compression=ALWAYS))
        assert [len(payload_of(message)) for message in all_of(download)] == [9000, 9001]
        assert download.compressed_messages == 2


def compression_declined(node: Node) -> None:
    """Without agreement the server compresses nothing, and a compressed message is INVALID_ARGUMENT"""
    with node.connect(features=0) as connection:
        answer = connection.call(UNARY, request(answer_bytes=9000, compression=ALWAYS)).result()
        assert not answer.was_compressed and payload_of(answer.message) == bytes(9000)
        payload = encode_request(connection.methods[UNARY], struct.pack("<I", 1) + b"\x10a")
    frame = Frame(Kind.REQUEST, 1, payload, END_STREAM | COMPRESSED)
    send_refused(node, Status.INVALID_ARGUMENT, frame, features=0)


def wrong_blocks(node: Node) -> None:
    """Blocks that are not what they claim are INVALID_ARGUMENT, above the limit RESOURCE_EXHAUSTED"""
    with node.connect() as connection:
        limit, method = connection.welcome.limits.max_message_bytes, connection.methods[UNARY]
    block = b"\x1f\x0a" + b"\x01\x00" + b"\x27" + b"\x50" + b"\x0a" * 5
    for size, code in (
        (63, Status.INVALID_ARGUMENT),
        (65, Status.INVALID_ARGUMENT),
        (255 * len(block) + 1, Status.INVALID_ARGUMENT),
        (limit + 1, Status.RESOURCE_EXHAUSTED),
    ):
        payload = encode_request(method, struct.pack("<I", size) + block)
        send_refused(node, code, Frame(Kind.REQUEST, 1, payload, END_STREAM | COMPRESSED))


# Rookery's own methods


def cluster_map(node: Node) -> None:
    """rookery.Cluster/Map names the nodes, and an owner for every partition of every region"""
    with node.connect() as connection:
        answer = connection.call("rookery.Cluster/Map", MapRequest().SerializeToString()).result()
        reply = MapReply.FromString(answer.message)
        assert node.address.encode() in [row.address for row in reply.nodes], reply
        assert connection.welcome.node_id in [row.id for row in reply.nodes], reply
        assert [row.partition for row in reply.partitions] == list(range(reply.partition_count)), reply
        assert {row.primary for row in reply.partitions} <= {row.id for row in reply.nodes}, reply
        assert sum(region.count for region in reply.regions) == reply.partition_count > 0, reply


# What every server has


def health(node: Node) -> None:
    """The server and its services are SERVING; one that is not there is NOT_FOUND; a watch begins with what is"""
    question, reply = protos.message("rookery.rpc.HealthRequest"), protos.message("rookery.rpc.HealthReply")
    with node.connect() as connection:
        for service in (b"", b"rookery.Tweets", b"rookery.Test"):
            asked = question(service=service).SerializeToString()
            assert reply.FromString(connection.call("rookery.Health/Check", asked).result().message).status == 1
        absent = question(service=b"rookery.Cuckoo").SerializeToString()
        assert connection.call("rookery.Health/Check", absent).result().status == Status.NOT_FOUND
        for asked, status in ((b"", 1), (absent, 3)):
            watch = connection.call("rookery.Health/Watch", asked)
            assert reply.FromString(watch.receive()).status == status
            watch.cancel()
        timed = connection.call("rookery.Health/Watch", timeout_ms=500)
        assert len(all_of(timed)) == 1 and timed.result().status == Status.DEADLINE_EXCEEDED
        expect_works(connection)


def reflection(node: Node) -> None:
    """Reflection lists WELCOME's methods, and every message as its .proto has it"""
    with node.connect() as connection:
        reply = protos.message("rookery.rpc.ServicesReply")
        services = reply.FromString(connection.call("rookery.Reflection/Services").result().message).services
        methods = [method for service in services for method in service.methods]
        told = {method.name: method.kind for method in methods}
        assert told == {entry.name: entry.kind for entry in connection.welcome.methods}
        for name in {name for method in methods for name in (method.request, method.reply)}:
            expect_shapes(connection, name.decode())
        asked = protos.message("rookery.rpc.ShapesRequest")(message=b"rookery.Cuckoo").SerializeToString()
        assert connection.call("rookery.Reflection/Shapes", asked).result().status == Status.NOT_FOUND


def expect_shapes(connection: Connection, name: str) -> None:
    """A message and all that it holds, against what protobuf makes of Protos/."""
    asked = protos.message("rookery.rpc.ShapesRequest")(message=name.encode()).SerializeToString()
    answer = connection.call("rookery.Reflection/Shapes", asked).result()
    reply = protos.message("rookery.rpc.ShapesReply").FromString(answer.message)
    assert reply.messages[0].name == name.encode()
    held = {shape.name for shape in [*reply.messages, *reply.enums]}
    for shape in reply.messages:
        fields = protos.message(shape.name.decode()).DESCRIPTOR.fields
        expected = [
            (
                field.name.encode(),
                field.number,
                3 if field.is_repeated else 1,
                field.type,
                (field.message_type or field.enum_type).full_name.encode() if field.type in (11, 14) else b"",
            )
            for field in sorted(fields, key=lambda field: field.number)
        ]
        assert [(one.name, one.number, one.label, one.type, one.type_name) for one in shape.fields] == expected, shape
        assert held >= {one.type_name for one in shape.fields if one.type_name}, shape
    for shape in reply.enums:
        values = [(value.name.encode(), value.number) for value in protos.enum(shape.name.decode()).values]
        assert [(value.name, value.number) for value in shape.values] == values, shape


def connections(node: Node) -> None:
    """A connection sees itself in the list, with what it has called and the call that asks"""
    with node.connect() as connection:
        for _ in range(3):
            connection.call(UNARY).result()
        connection.call(UNARY, request(status=Status.ABORTED)).result()
        page = protos.message("rookery.rpc.ConnectionsReply").FromString(
            connection.call("rookery.Connections/List").result().message
        )
        own = max(page.connections, key=lambda one: one.id)
        host, port = connection.socket.getsockname()
        assert own.address == f"{host}:{port}".encode() and own.role == 1 and not own.tls, own
        counted = own.traffic
        assert (counted.calls_started, counted.calls_succeeded, counted.calls_failed) == (5, 3, 1), own
        asked = protos.message("rookery.rpc.StreamsRequest")(connection=own.id).SerializeToString()
        answer = connection.call("rookery.Connections/Streams", asked).result()
        streams = protos.message("rookery.rpc.StreamsReply").FromString(answer.message).streams
        assert [(one.method, one.state) for one in streams] == [(b"rookery.Connections/Streams", 2)], streams


# Sessions


def unauthenticated(node: Node) -> None:
    """Without a session, and with one that nobody gave, posting is UNAUTHENTICATED with a sentence, and did not run"""
    with node.connect() as connection:
        for session in (b"", b"not a token"):
            answer = connection.call("rookery.Tweets/Post", session=session, idempotency_key=(2**64 - 1, 7)).result()
            assert answer.status == Status.UNAUTHENTICATED and answer.message == b"", answer
            assert answer.details.ran == 1 and not answer.details.retryable, answer.details
            assert answer.details.message.decode().isprintable(), answer.details


def story(node: Node) -> None:
    """A user registers and posts; the same key again is the same tweet, and everybody can read it"""
    with node.connect() as connection:
        region = map_of(connection).regions[0]
        key = new_key()
        register = rookery("RegisterRequest")(
            name=f"f{key[1] % 10**9}".encode(), region=region.region, secret_kind=1, secret=os.urandom(32)
        )
        partition = region.first + xxhash.xxh3_64_intdigest(struct.pack(">QQ", *key)) % region.count
        reply = ask(connection, "Accounts/Register", register, "SessionReply", partition=partition, idempotency_key=key)
        at_home = {"partition": partition_of(reply.user_id), "session": reply.token}
        assert partition_of(reply.user_id) == partition

        post, key = rookery("PostRequest")(text="Grüße from another language".encode()), new_key()
        first, again = (
            tweet_of(ask(connection, "Tweets/Post", post, "TweetReply", idempotency_key=key, **at_home))
            for _ in range(2)
        )
        assert first == again and first.author_id == reply.user_id and first.text == post.text, (first, again)
        show = rookery("TweetRequest")(id=first.id)
        assert tweet_of(ask(connection, "Tweets/Show", show, "TweetReply", partition=partition_of(first.id))) == first
        without_key = connection.call("rookery.Tweets/Post", post.SerializeToString(), **at_home).result()
        assert without_key.status == Status.INVALID_ARGUMENT and without_key.details.ran == 1, without_key


def rookery(name: str) -> Any:
    return protos.message(f"rookery.{name}")


def ask(connection: Connection, method: str, message: Any, reply: str, **head: Any) -> Any:
    answer = connection.call(f"rookery.{method}", message.SerializeToString(), **head).result()
    assert answer.status == Status.OK, (method, answer)
    return rookery(reply).FromString(answer.message)


def map_of(connection: Connection) -> Any:
    return ask(connection, "Cluster/Map", rookery("MapRequest")(), "MapReply")


def tweet_of(reply: Any) -> Any:
    return rookery("TweetRow").FromString(reply.tweet.row)


def new_key() -> tuple[int, int]:
    """Unix milliseconds, and 64 random bits."""
    return time.time_ns() // 1_000_000, int.from_bytes(os.urandom(8), "little")


def partition_of(id_: int) -> int:
    """Bits 8 to 21."""
    return id_ >> 8 & 0x3FFF


CASES: list[Case] = [
    server_streaming,
    client_streaming,
    bidirectional,
    answer_before_end,
    misplaced_messages,
    compression,
    compression_declined,
    wrong_blocks,
    cluster_map,
    health,
    reflection,
    connections,
    unauthenticated,
    story,
]
