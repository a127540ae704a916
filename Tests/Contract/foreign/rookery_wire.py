"""Rookery's wire as a client in another language sees it: the handshake, calls and credit.

Written from docs/protocol.md alone. One blocking socket and no threads: whoever waits for something reads frames, and
frames for other calls are put aside for these (`Connection.step`).
"""

import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from frames import (
    COMPRESSED,
    END_STREAM,
    FEATURE_LZ4,
    HEADER,
    PREFACE,
    ROLE_CLIENT,
    Answer,
    Ended,
    Frame,
    GoAway,
    Hello,
    Kind,
    Pairs,
    Welcome,
    WireError,
    checksum,
    closed,
    compress,
    decode_metadata,
    decode_response,
    decompress,
    encode_request,
    usual_limits,
)


def cost_of(payload: bytes) -> int:
    """A MESSAGE's credit: the whole frame."""
    return HEADER.size + 4 + len(payload)


@dataclass
class Call:
    """One stream: what was sent on it, and what has come."""

    connection: "Connection"
    stream: int
    credit: int
    returns_credit: bool
    initial: Pairs | None = None
    messages: deque[bytes] = field(default_factory=deque)
    compressed_messages: int = 0
    answer: Answer | None = None
    owed: int = 0

    def send(self, message: bytes, *, compressed: bool = False) -> None:
        """Sends when both credits are above zero; until then takes what comes."""
        payload = compress(message) if compressed else message
        self.connection.wait(lambda: self.may_send or self.answer is not None)
        if self.answer is None:
            self.send_at_once(payload, COMPRESSED if compressed else 0)

    @property
    def may_send(self) -> bool:
        return self.credit > 0 and self.connection.credit > 0

    def send_at_once(self, payload: bytes, flags: int = 0) -> None:
        self.connection.send(Frame(Kind.MESSAGE, self.stream, payload, flags))
        self.credit -= cost_of(payload)
        self.connection.credit -= cost_of(payload)

    def end(self) -> None:
        self.connection.send(Frame(Kind.END, self.stream, flags=END_STREAM))

    def cancel(self) -> None:
        """No answer will come, and what has crossed is for nobody."""
        self.connection.send(Frame(Kind.CANCEL, self.stream))
        del self.connection.calls[self.stream]

    def give_credit(self, count: int) -> None:
        self.connection.send(Frame(Kind.CREDIT, self.stream, struct.pack("<I", count)))

    def receive(self) -> bytes | None:
        """The next message; none when the answer has come."""
        self.connection.wait(lambda: bool(self.messages) or self.answer is not None)
        return self.messages.popleft() if self.messages else None

    def result(self) -> Answer:
        self.connection.wait(lambda: self.answer is not None)
        assert self.answer is not None
        return self.answer


class Connection:
    """A connection to one node, after the handshake."""

    def __init__(
        self,
        address: str,
        cluster: str,
        *,
        limits: Any = None,
        features: int = FEATURE_LZ4,
        hello: Any = None,
        timeout: float = 10,
    ) -> None:
        host, port = address.rsplit(":", 1)
        self.timeout = timeout
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.limits = limits or usual_limits()
        self.calls: dict[int, Call] = {}
        self.pongs: list[bytes] = []
        self.goaways: list[Any] = []
        self.next_stream, self.owed, self.credit = 1, 0, 0
        self.room = self.limits.connection_credit_bytes
        self._shake_hands(hello or self._hello(cluster, features))

    def _hello(self, cluster: str, features: int) -> Any:
        return Hello(
            protocol_version=1,
            cluster_id=cluster.encode(),
            role=ROLE_CLIENT,
            nonce=os.urandom(16),
            limits=self.limits,
            features=features,
        )

    def _shake_hands(self, hello: Any) -> None:
        self.send_bytes(PREFACE + Frame(Kind.HELLO, payload=hello.SerializeToString()).encode())
        frame = self.read_frame(largest=256 * 1024)
        if frame.kind == Kind.CLOSE:
            raise closed(frame)
        if frame.kind != Kind.WELCOME:
            raise WireError(f"a frame of kind {frame.kind} in place of WELCOME")
        self.welcome = Welcome.FromString(frame.payload)
        if self.welcome.protocol_version != 1 or self.welcome.cluster_id != hello.cluster_id:
            raise WireError("WELCOME is of another version or cluster")
        self.methods = {entry.name.decode(): entry.number for entry in self.welcome.methods}
        self.features = hello.features & self.welcome.features
        self.credit = self.welcome.limits.connection_credit_bytes

    # Calls

    def call(
        self,
        method: str,
        message: bytes | None = b"",
        *,
        compressed: bool = False,
        returns_credit: bool = True,
        **request: Any,
    ) -> Call:
        """Opens a call. One whose message is None streams its requests, and says later that there are no more."""
        part = compress(message or b"") if compressed else message or b""
        flags = (END_STREAM if message is not None else 0) | (COMPRESSED if compressed else 0)
        return self.open(encode_request(self.methods[method], part, **request), flags, returns_credit)

    def open(self, payload: bytes, flags: int = END_STREAM, returns_credit: bool = True) -> Call:
        call = self.register(returns_credit)
        self.send(Frame(Kind.REQUEST, call.stream, payload, flags))
        return call

    def register(self, returns_credit: bool = True) -> Call:
        """A call on the next stream, whose REQUEST the caller sends."""
        call = Call(self, self.next_stream, self.welcome.limits.stream_credit_bytes, returns_credit)
        self.calls[self.next_stream] = call
        self.next_stream += 2
        return call

    def ping(self, payload: bytes = b"rookery?") -> None:
        """Returns when the PONG is back, and so with it everything that was sent before it."""
        count = len(self.pongs)
        self.send(Frame(Kind.PING, payload=payload))
        self.wait(lambda: len(self.pongs) > count)
        if self.pongs[-1] != payload:
            raise WireError("PONG brings other bytes than PING did")

    # Frames in

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + self.timeout
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what was waited for has not come")
            self.step()

    def step(self) -> Frame:
        """Takes one frame and does what it asks for."""
        frame = self.read_frame(self.limits.max_frame_bytes)
        match frame.kind:
            case Kind.PING:
                self.send(Frame(Kind.PONG, payload=frame.payload))
            case Kind.PONG:
                self.pongs.append(frame.payload)
            case Kind.GOAWAY:
                self.goaways.append(GoAway.FromString(frame.payload))
            case Kind.CLOSE:
                raise closed(frame)
            case Kind.CREDIT:
                self._take_credit(frame)
            case Kind.METADATA | Kind.MESSAGE | Kind.RESPONSE:
                self._take_for_call(frame)
            case _:
                raise WireError(f"a server sends no frame of kind {frame.kind}")
        return frame

    def _take_credit(self, frame: Frame) -> None:
        (count,) = struct.unpack("<I", frame.payload)
        if frame.stream == 0:
            self.credit += count
        elif call := self.calls.get(frame.stream):
            call.credit += count

    def _take_for_call(self, frame: Frame) -> None:
        call = self.calls.get(frame.stream)
        if frame.kind == Kind.MESSAGE:
            self.room -= cost_of(frame.payload)
            self._return_credit(call, cost_of(frame.payload) if call is None or call.returns_credit else 0)
        if call is None:
            return
        if frame.kind == Kind.METADATA:
            if call.initial is not None or call.messages:
                raise WireError("METADATA is not ahead of all else")
            call.initial = decode_metadata(frame.payload)
        elif frame.kind == Kind.MESSAGE:
            is_compressed = bool(frame.flags & COMPRESSED)
            call.compressed_messages += is_compressed
            limit = self.limits.max_message_bytes
            call.messages.append(decompress(frame.payload, limit) if is_compressed else frame.payload)
        else:
            call.answer = decode_response(frame, self.limits.max_message_bytes)
            del self.calls[frame.stream]

    def _return_credit(self, call: Call | None, count: int) -> None:
        """When as much is owed as the server may still send, and half of a stream's window; not for one that is over."""
        self.owed += count
        if self.owed > 0 and self.owed >= self.room:
            self.send(Frame(Kind.CREDIT, 0, struct.pack("<I", self.owed)))
            self.room, self.owed = self.room + self.owed, 0
        if call is not None:
            call.owed += count
            if 2 * call.owed >= self.limits.stream_credit_bytes:
                call.give_credit(call.owed)
                call.owed = 0

    def read_frame(self, largest: int) -> Frame:
        """Checks in the page's order."""
        start = self._read(HEADER.size)
        if struct.unpack("<I", self._read(4))[0] != checksum(start):
            raise WireError("a header's checksum is wrong")
        length, kind, flags, zero, stream, of_payload = HEADER.unpack(start)
        if kind not in list(Kind) or flags & ~(END_STREAM | COMPRESSED) or zero:
            raise WireError(f"a header of kind {kind}, flags {flags}, {zero}")
        if length > largest:
            raise WireError(f"a payload of {length} bytes, where {largest} are allowed")
        payload = self._read(length)
        if checksum(payload) != of_payload:
            raise WireError("a payload's checksum is wrong")
        return Frame(kind, stream, payload, flags)

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise Ended(f"the socket ended {len(data)} bytes into {count}")
            data += piece
        return bytes(data)

    # Frames out

    def send(self, frame: Frame) -> None:
        self.send_bytes(frame.encode())

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
