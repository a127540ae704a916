"""The messages of Protos/, as classes made at run time: nothing generated is kept, so nothing can be out of date."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTOS = Path(__file__).resolve().parents[3] / "Protos"


def _load() -> descriptor_pool.DescriptorPool:
    """protoc-c has protoc's whole front end, and the build needs it anyway."""
    files = sorted(str(file) for file in PROTOS.glob("*.proto"))
    pool = descriptor_pool.DescriptorPool()
    with tempfile.NamedTemporaryFile() as output:
        command = ["protoc-c", f"--descriptor_set_out={output.name}", f"-I{PROTOS}", *files]
        subprocess.run(command, check=True)
        for file in descriptor_pb2.FileDescriptorSet.FromString(output.read()).file:
            pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _load()


def message(name: str) -> Any:
    """The class of the message with this full name, such as `rookery.rpc.Hello`."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(name))


def enum(name: str) -> Any:
    """The descriptor of the enumeration with this full name."""
    return _POOL.FindEnumTypeByName(name)
