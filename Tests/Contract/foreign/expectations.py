"""What the cases share: the node they talk to, its test service's messages, and what they expect of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import protos
from frames import Closed, Ended, Frame, Status
from rookery_wire import Call, Connection

TestReply, MapRequest, MapReply, StatusDetails = (
    protos.message(name)
    for name in ("rookery.TestReply", "rookery.MapRequest", "rookery.MapReply", "rookery.rpc.StatusDetails")
)
UNARY, DOWNLOAD, UPLOAD, CHAT = (f"rookery.Test/{name}" for name in ("Unary", "Download", "Upload", "Chat"))
AS_IT_LIKES, ALWAYS, NEVER = range(3)


@dataclass
class Node:
    address: str
    cluster: str
    pid: int | None = None

    def connect(self, **options: Any) -> Connection:
        return Connection(self.address, self.cluster, **options)


Case = Callable[[Node], None]


def request(**fields: Any) -> bytes:
    data: bytes = protos.message("rookery.TestRequest")(**fields).SerializeToString()
    return data


def echo(payload: bytes) -> bytes:
    data: bytes = protos.message("rookery.Echo")(payload=payload).SerializeToString()
    return data


def payload_of(reply: bytes | None) -> bytes:
    assert reply is not None, "an answer, where a message was due"
    payload: bytes = TestReply.FromString(reply).payload
    return payload


def all_of(call: Call) -> list[bytes]:
    messages = []
    while (message := call.receive()) is not None:
        messages.append(message)
    return messages


def expect_works(connection: Connection) -> None:
    answer = connection.call("rookery.Test/Echo", echo(b"still here")).result()
    assert answer.message == echo(b"still here"), answer


def expect_refused(connect: Callable[[], object], code: Status) -> Closed:
    """CLOSE with this code, and then the end of the connection."""
    try:
        connect()
    except Closed as closed:
        assert closed.code == code, closed
        assert closed.reason, "CLOSE without a reason"
        return closed
    raise AssertionError(f"no CLOSE came where {code.name} was due")


def expect_close(connection: Connection, code: Status) -> Closed:
    closed = expect_refused(lambda: connection.wait(lambda: False), code)
    try:
        connection.step()
    except Ended:
        return closed
    raise AssertionError("CLOSE was not its sender's last frame")


def send_refused(node: Node, code: Status, *frames: bytes | Frame, **options: Any) -> None:
    with node.connect(**options) as connection:
        for frame in frames:
            connection.send_bytes(frame.encode() if isinstance(frame, Frame) else frame)
        expect_close(connection, code)
    with node.connect() as connection:
        expect_works(connection)


def flip(frame: Frame, byte: int) -> bytes:
    data = bytearray(frame.encode())
    data[byte] ^= 0x10
    return bytes(data)
