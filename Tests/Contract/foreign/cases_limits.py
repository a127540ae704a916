"""Credit, limits, wrong bytes, TCP's segments, and the end."""

import os
import signal
import socket
import struct

from expectations import (
    ALWAYS,
    CHAT,
    DOWNLOAD,
    NEVER,
    UNARY,
    UPLOAD,
    Case,
    Node,
    TestReply,
    all_of,
    echo,
    expect_close,
    expect_works,
    flip,
    payload_of,
    request,
    send_refused,
)
from frames import (
    END_STREAM,
    PREFACE,
    Closed,
    Ended,
    Frame,
    Hello,
    Kind,
    Status,
    encode_request,
    usual_limits,
)
from rookery_wire import Call, Connection

# Credit


def held_back(node: Node, stream_credit: int, connection_credit: int) -> None:
    """10,000 bytes of credit are three frames of 4,023: 1,954 left is above zero, 2,069 below is not."""
    limits = usual_limits(stream_credit_bytes=stream_credit, connection_credit_bytes=connection_credit)
    with node.connect(limits=limits) as connection:
        call = connection.call(DOWNLOAD, request(sizes=[4000] * 6, compression=NEVER), returns_credit=False)
        stream = call.stream if stream_credit < connection_credit else 0
        expect_messages(connection, call, 3)
        connection.send(Frame(Kind.CREDIT, stream, struct.pack("<I", 2069)))
        expect_messages(connection, call, 3)
        connection.send(Frame(Kind.CREDIT, stream, struct.pack("<I", 1)))
        expect_messages(connection, call, 4)
        connection.send(Frame(Kind.CREDIT, stream, struct.pack("<I", 50_000)))
        assert call.result().status == Status.OK and len(call.messages) == 6


def expect_messages(connection: Connection, call: Call, count: int) -> None:
    """This many are there, and no more come in the time of some further calls."""
    connection.wait(lambda: len(call.messages) >= count)
    for _ in range(5):
        assert connection.call(UNARY, request(sleep_ms=10)).result().status == Status.OK
    assert len(call.messages) == count and call.answer is None, f"{len(call.messages)} messages, not {count}"


def server_waits_for_stream_credit(node: Node) -> None:
    """A reader that gives no credit stops its stream, to the byte; other calls go on"""
    held_back(node, stream_credit=10_000, connection_credit=1_000_000)


def server_waits_for_connection_credit(node: Node) -> None:
    """A reader that gives no credit for the connection stops all streams, to the byte"""
    held_back(node, stream_credit=1_000_000, connection_credit=10_000)


def long_download(node: Node) -> None:
    """A download of many windows flows while credit is given back, compressed messages counted as sent"""
    limits = usual_limits(stream_credit_bytes=8_000, connection_credit_bytes=20_000)
    with node.connect(limits=limits) as connection:
        for compression in (NEVER, ALWAYS):
            call = connection.call(DOWNLOAD, request(sizes=[3000] * 200, compression=compression))
            assert [len(payload_of(message)) for message in all_of(call)] == [3000] * 200


def client_respects_credit(node: Node) -> None:
    """An upload of several windows goes through when its writer waits for the server's credit"""
    with node.connect() as connection:
        limits = connection.welcome.limits
        piece = limits.max_message_bytes - 1000
        count = 2 * limits.connection_credit_bytes // piece
        call = connection.call(UPLOAD, None)
        least = 0
        for _ in range(count):
            call.send(request(payload=bytes(piece)))
            least = min(least, call.credit)
        call.end()
        reply = TestReply.FromString(call.result().message)
        assert (reply.bytes, reply.messages) == (count * piece, count), reply
        assert least < 0, "the upload never used its credit up, and has shown nothing"


def message_without_credit(node: Node) -> None:
    """MESSAGE when the credit is at or below zero ends the connection with RESOURCE_EXHAUSTED"""
    with node.connect() as connection:
        call = connection.call(CHAT, None)
        # The handler sleeps on the first message, so that the server uses up none of the others.
        call.send(request(sleep_ms=5000))
        while call.may_send:
            call.send_at_once(request(payload=bytes(100_000)))
        call.send_at_once(request())
        expect_close(connection, Status.RESOURCE_EXHAUSTED)


def too_much_credit(node: Node) -> None:
    """Credit above 2^31 - 1 ends the connection with INVALID_ARGUMENT"""
    most = struct.pack("<I", 2**31 - 1)
    send_refused(node, Status.INVALID_ARGUMENT, Frame(Kind.CREDIT, 0, most))
    with node.connect() as connection:
        connection.send(Frame(Kind.CREDIT, 99, most))
        expect_works(connection)


# What is wrong ends the connection


def wrong_checksums(node: Node) -> None:
    """A header's and a payload's wrong checksum are DATA_LOSS, the header's before anything else"""
    ping = Frame(Kind.PING, payload=b"12345678")
    for byte in (0, 4, 5, 6, 8, 12, 16, 20):
        send_refused(node, Status.DATA_LOSS, flip(ping, byte))


def wrong_headers(node: Node) -> None:
    """Unknown kinds and flags, and kinds that only a server sends, are INVALID_ARGUMENT"""
    for kind in (0, 15, 255, Kind.HELLO, Kind.PROOF, Kind.WELCOME, Kind.RESPONSE, Kind.METADATA, Kind.GOAWAY):
        send_refused(node, Status.INVALID_ARGUMENT, Frame(kind))
    for flags in (4, 0x80):
        send_refused(node, Status.INVALID_ARGUMENT, Frame(Kind.PING, payload=bytes(8), flags=flags))
    send_refused(node, Status.INVALID_ARGUMENT, Frame(Kind.PING, payload=bytes(7)))


def wrong_streams(node: Node) -> None:
    """Stream ids that are even, zero, or not above the last are INVALID_ARGUMENT"""
    with node.connect() as connection:
        payload = encode_request(connection.methods[UNARY])
    for streams in ((0,), (2,), (5, 3), (5, 5)):
        frames = [Frame(Kind.REQUEST, stream, payload, END_STREAM) for stream in streams]
        send_refused(node, Status.INVALID_ARGUMENT, *frames)
    with node.connect() as connection:
        connection.next_stream = 2**32 - 1
        expect_works(connection)


def oversized(node: Node) -> None:
    """A length above max_frame_bytes, and a message above max_message_bytes, are RESOURCE_EXHAUSTED at once"""
    with node.connect() as connection:
        limits, method = connection.welcome.limits, connection.methods[UNARY]
        connection.call(UNARY, bytes([10]) + bytes(0)).result()
    frame = Frame(Kind.REQUEST, 1, bytes(limits.max_frame_bytes + 1), END_STREAM)
    send_refused(node, Status.RESOURCE_EXHAUSTED, frame.encode()[:20])
    message = encode_request(method, bytes(limits.max_message_bytes + 1))
    send_refused(node, Status.RESOURCE_EXHAUSTED, Frame(Kind.REQUEST, 1, message, END_STREAM))


def too_many_streams(node: Node) -> None:
    """One stream above max_concurrent_streams is RESOURCE_EXHAUSTED, did not run and may be tried again"""
    with node.connect() as connection:
        calls = [connection.call(CHAT, None) for _ in range(connection.welcome.limits.max_concurrent_streams)]
        answer = connection.call(UNARY).result()
        assert answer.status == Status.RESOURCE_EXHAUSTED, answer
        assert answer.details.ran == 1 and answer.details.retryable, answer.details
        calls[0].end()
        assert calls[0].result().status == Status.OK
        expect_works(connection)


def pings(node: Node) -> None:
    """PING comes back with its bytes; the fourth in a row within 5 s each is `too many pings`"""
    with node.connect() as connection:
        for _ in range(3):
            for payload in (b"abcdefgh", bytes(8)):
                connection.ping(payload)
            expect_works(connection)
        for _ in range(3):
            connection.ping()
        connection.send(Frame(Kind.PING, payload=bytes(8)))
        assert expect_close(connection, Status.RESOURCE_EXHAUSTED).reason == "too many pings"


# TCP's segments


def split_frames(node: Node) -> None:
    """Frames that come a byte at a time are the same frames"""
    with node.connect() as connection:
        call = connection.register()
        payload = encode_request(connection.methods[UNARY], request(payload=b"slowly"))
        for byte in Frame(Kind.REQUEST, call.stream, payload, END_STREAM).encode():
            connection.send_bytes(bytes([byte]))
        assert payload_of(call.result().message) == b"slowly"


def many_in_one_segment(node: Node) -> None:
    """Three hundred requests that are sent at once are three hundred calls"""
    with node.connect() as connection:
        calls = [connection.register() for _ in range(300)]
        frames = b""
        for number, call in enumerate(calls):
            payload = encode_request(connection.methods[UNARY], request(payload=str(number).encode()))
            frames += Frame(Kind.REQUEST, call.stream, payload, END_STREAM).encode()
        connection.send_bytes(frames)
        assert [payload_of(call.result().message) for call in calls] == [str(number).encode() for number in range(300)]


def split_handshake(node: Node) -> None:
    """The preface and HELLO may come in pieces, too"""
    fields = dict(protocol_version=1, cluster_id=node.cluster.encode(), role=1, nonce=bytes(16))
    hello = Hello(**fields, limits=usual_limits()).SerializeToString()
    host, port = node.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), 10) as bare:
        bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in PREFACE + Frame(Kind.HELLO, payload=hello).encode():
            bare.sendall(bytes([byte]))
        assert bare.recv(5)[4] == Kind.WELCOME


def interleaved(node: Node) -> None:
    """A hundred streams of all kinds on one connection keep their messages apart"""
    with node.connect() as connection:
        chats = [connection.call(CHAT, None) for _ in range(40)]
        downloads = [connection.call(DOWNLOAD, request(sizes=[number] * 20)) for number in range(30)]
        unaries = [connection.call(UNARY, request(payload=bytes([n]), sleep_ms=90 - 3 * n)) for n in range(30)]
        for turn in range(10):
            for number, chat in enumerate(chats):
                chat.send(request(payload=f"{number} {turn}".encode()))
        for chat in chats:
            chat.end()
        for number, chat in enumerate(chats):
            assert [payload_of(m) for m in all_of(chat)] == [f"{number} {turn}".encode() for turn in range(10)]
        for number, download in enumerate(downloads):
            assert [len(payload_of(message)) for message in all_of(download)] == [number] * 20
        for number, call in enumerate(unaries):
            assert payload_of(call.result().message) == bytes([number])


# The end


def goaway(node: Node) -> None:
    """SIGTERM: GOAWAY twice, calls from before and between are finished, then the server closes"""
    assert node.pid is not None
    with node.connect() as connection:
        running = connection.call(UNARY, request(payload=b"done", sleep_ms=1500))
        expect_works(connection)
        os.kill(node.pid, signal.SIGTERM)
        connection.wait(lambda: len(connection.goaways) == 1)
        assert connection.goaways[0].last_stream == 2**32 - 1, connection.goaways
        ping = connection.read_frame(1024)
        assert ping.kind == Kind.PING, "no PING behind the first GOAWAY"
        crossed = connection.call("rookery.Test/Echo", echo(b"crossed"))
        connection.send(Frame(Kind.PONG, payload=ping.payload))
        connection.wait(lambda: len(connection.goaways) == 2)
        assert connection.goaways[1].last_stream == crossed.stream, connection.goaways
        late = connection.call("rookery.Test/Echo", echo(b"late"))
        assert crossed.result().message == echo(b"crossed") and crossed.result().is_draining
        assert payload_of(running.result().message) == b"done" and running.result().is_draining
        try:
            connection.wait(lambda: False)
        except (Ended, Closed) as end:
            assert isinstance(end, Ended) or end.code == Status.UNAVAILABLE, end
        assert late.answer is None, "a call above GOAWAY's last stream was served"


CASES: list[Case] = [
    server_waits_for_stream_credit,
    server_waits_for_connection_credit,
    long_download,
    client_respects_credit,
    message_without_credit,
    too_much_credit,
    wrong_checksums,
    wrong_headers,
    wrong_streams,
    oversized,
    too_many_streams,
    pings,
    split_frames,
    many_in_one_segment,
    split_handshake,
    interleaved,
]
