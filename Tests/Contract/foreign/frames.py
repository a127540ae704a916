"""Frames and their payloads: bytes to values and back. Written from docs/protocol.md, "Frames" and "Calls"."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import lz4.block
import xxhash

import protos

Hello, Welcome, Limits, Metadata, MetadataEntry, StatusDetails, GoAway, Close = (
    protos.message(f"rookery.rpc.{name}")
    for name in "Hello Welcome Limits Metadata MetadataEntry StatusDetails GoAway Close".split()
)

PREFACE = bytes.fromhex("52 4B 52 59 01 00 00 00")
ROLE_CLIENT = 1
FEATURE_LZ4 = 1
END_STREAM, COMPRESSED = 1, 2
HEADER = struct.Struct("<IBBHII")
REQUEST = struct.Struct("<HHIQQQHHI")
RESPONSE = struct.Struct("<BBHHHIHH")
NO_PARTITION = 65_535
GREATEST_CREDIT = 2**31 - 1

# Each an entry's key and value; a key may come twice.
Pairs = list[tuple[str, bytes]]


class Kind(IntEnum):
    HELLO, WELCOME, PROOF, REQUEST, MESSAGE, RESPONSE, CANCEL, PING, PONG, CREDIT, GOAWAY, CLOSE, END, METADATA = range(
        1, 15
    )


class Status(IntEnum):
    """gRPC's codes."""

    OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED = range(8)
    RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = range(8, 15)
    DATA_LOSS, UNAUTHENTICATED = 15, 16


class MethodKind(IntEnum):
    UNARY, CLIENT_STREAMING, SERVER_STREAMING, BIDIRECTIONAL = range(4)


class WireError(Exception):
    """The other side did what the page does not allow."""


class Closed(Exception):
    """The other side said CLOSE."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{Status(code).name}: {reason}")
        self.code, self.reason = Status(code), reason


class Ended(Exception):
    """The socket ended."""


def checksum(data: bytes) -> int:
    return xxhash.xxh3_64_intdigest(data, seed=0) & 0xFFFF_FFFF


@dataclass(frozen=True)
class Frame:
    kind: int
    stream: int = 0
    payload: bytes = b""
    flags: int = 0

    def encode(self) -> bytes:
        start = HEADER.pack(len(self.payload), self.kind, self.flags, 0, self.stream, checksum(self.payload))
        return start + struct.pack("<I", checksum(start)) + self.payload


@dataclass
class Answer:
    """RESPONSE, taken apart."""

    status: Status
    message: bytes
    was_compressed: bool
    is_draining: bool
    details: Any
    in_flight: int
    utilisation: int
    latency_us: int
    trailing: Pairs


def encode_metadata(pairs: Pairs) -> bytes:
    entries = [MetadataEntry(key=key.encode(), value=value) for key, value in pairs]
    return bytes(Metadata(entries=entries).SerializeToString())


def decode_metadata(data: bytes) -> Pairs:
    return [(entry.key.decode("ascii"), entry.value) for entry in Metadata.FromString(data).entries]


def compress(message: bytes) -> bytes:
    """u32 uncompressed size, and one LZ4 block."""
    block: bytes = lz4.block.compress(message, store_size=False)
    return struct.pack("<I", len(message)) + block


def decompress(data: bytes, limit: int) -> bytes:
    if len(data) < 4:
        raise WireError("a compressed message has no size")
    (size,) = struct.unpack_from("<I", data)
    if size > limit or size > 255 * (len(data) - 4):
        raise WireError(f"a block of {len(data) - 4} bytes claims to hold {size}")
    message: bytes = lz4.block.decompress(data[4:], uncompressed_size=size)
    if len(message) != size:
        raise WireError(f"a block that claims {size} bytes holds {len(message)}")
    return message


def encode_request(
    method: int,
    message: bytes = b"",
    *,
    timeout_ms: int = 0,
    metadata: Pairs | None = None,
    session: bytes = b"",
    partition: int = NO_PARTITION,
    idempotency_key: tuple[int, int] = (0, 0),
) -> bytes:
    """REQUEST's payload. The message may have been compressed; the rest never is."""
    extra = encode_metadata(metadata) if metadata else b""
    fixed = REQUEST.pack(method, len(session), timeout_ms, 0, *idempotency_key, partition, len(extra), 0)
    return fixed + session + extra + message


def decode_response(frame: Frame, limit: int) -> Answer:
    code, flags, details, in_flight, utilisation, latency, extra, zero = RESPONSE.unpack_from(frame.payload)
    rest = frame.payload[RESPONSE.size :]
    if not frame.flags & END_STREAM or zero or details + extra > len(rest):
        raise WireError("a malformed RESPONSE")
    message = rest[details + extra :]
    return Answer(
        status=Status(code) if code <= 16 else Status.UNKNOWN,
        message=decompress(message, limit) if frame.flags & COMPRESSED else message,
        was_compressed=bool(frame.flags & COMPRESSED),
        is_draining=bool(flags & 1),
        details=StatusDetails.FromString(rest[:details]),
        in_flight=in_flight,
        utilisation=utilisation,
        latency_us=latency,
        trailing=decode_metadata(rest[details : details + extra]),
    )


def closed(frame: Frame) -> Closed:
    close = Close.FromString(frame.payload)
    return Closed(close.code, close.reason.decode())


def usual_limits(**others: int) -> Any:
    """What a client lets the server send."""
    mebibyte = 1024 * 1024
    limits = Limits(
        max_frame_bytes=4 * mebibyte,
        max_message_bytes=2 * mebibyte,
        max_concurrent_streams=100,
        stream_credit_bytes=256 * 1024,
        connection_credit_bytes=mebibyte,
    )
    for name, value in others.items():
        setattr(limits, name, value)
    return limits
