#!/usr/bin/env python3
"""Writes the Swift views of the C structs that protoc-c generates.

usage: generate_messages.py PROTO_DIR OUT_DIR LIST_DIR

Reads the part of proto3 that Protos/ uses (messages, enums, scalar fields, repeated fields, line comments; no
nesting, no oneof, no maps) and writes one Swift file per .proto file to OUT_DIR. A `bytes` field whose comment begins
with "UTF-8" becomes a String, checked when it is decoded. LIST_DIR gets a list of all messages, for the fuzzer.
"""
import pathlib
import re
import sys

SCALARS = {"uint64": "UInt64", "uint32": "UInt32", "sint64": "Int64", "int64": "Int64", "bool": "Bool"}
FIELD = re.compile(r"^\s*(repeated\s+)?(\w+)\s+(\w+)\s*=\s*(\d+);\s*(?://\s*(.*))?$")
VALUE = re.compile(r"^\s*(\w+)\s*=\s*(\d+);\s*(?://\s*(.*))?$")
SWIFT_KEYWORDS = {"protected", "public", "in", "is", "as", "default", "extension", "protocol", "internal", "private"}
C_KEYWORDS = {"protected", "public", "private"}
# The RPC layer's own, which reads the C structs itself.
OF_RPC = {"rpc", "services"}


def camel(name):
    first, *rest = name.lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def parse(path):
    """Yields ("message" | "enum", name, doc lines, [(…)]) in file order."""
    doc, current = [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        stripped = line.strip()
        if current is None:
            opened = re.match(r"^(message|enum)\s+(\w+)\s*\{$", stripped)
            if opened:
                current = (opened[1], opened[2], doc, [])
                doc = []
            elif stripped.startswith("//"):
                doc.append(stripped[2:].strip())
            elif stripped and not re.match(r"^(syntax|package|import)\b", stripped):
                sys.exit(f"{path.name}:{number}: cannot read: {stripped}")
            else:
                doc = []
            continue
        if stripped == "}":
            yield current
            current = None
        elif not stripped or stripped.startswith("//"):
            continue
        elif current[0] == "enum" and (match := VALUE.match(line)):
            current[3].append((match[1], int(match[2]), match[3]))
        elif current[0] == "message" and (match := FIELD.match(line)):
            current[3].append((bool(match[1]), match[2], match[3], match[4], match[5] or ""))
        else:
            sys.exit(f"{path.name}:{number}: cannot read: {stripped}")


def enum_swift(name, doc, values):
    out = [f"/// {line}" for line in doc]
    out.append(f"public enum {name}: UInt32, Sendable, CaseIterable {{")
    for value, number, comment in values:
        if comment:
            out.append(f"    /// {comment}")
        out.append(f"    case {camel(value)} = {number}")
    out.append("}")
    return out


class Field:
    def __init__(self, raw, enums):
        self.repeated, self.kind, self.proto, _, self.comment = raw
        name = camel(self.proto)
        self.name = f"`{name}`" if name in SWIFT_KEYWORDS else name
        c_name = self.proto + ("_" if self.proto in C_KEYWORDS else "")
        self.c = c_name
        self.count = f"n_{self.proto}"
        self.is_enum = self.kind in enums
        self.is_text = self.kind == "bytes" and self.comment.startswith("UTF-8")
        self.is_bytes = self.kind == "bytes" and not self.is_text
        self.is_message = not (self.is_enum or self.kind == "bytes" or self.kind in SCALARS)
        self.zero = f".{camel(enums[self.kind])}" if self.is_enum else None

    @property
    def element(self):
        if self.is_text:
            return "String"
        if self.is_bytes:
            return "[UInt8]"
        return SCALARS.get(self.kind, self.kind)

    @property
    def declaration(self):
        if self.repeated:
            return f"[{self.element}] = []"
        if self.is_message:
            return f"{self.element}?"
        zero = {"String": '""', "[UInt8]": "[]", "Bool": "false"}.get(self.element, self.zero or "0")
        return f"{self.element} = {zero}"

    def reading(self):
        """Swift that copies the C field into the Swift one."""
        name = self.name
        if self.repeated:
            source = f"count: raw.pointee.{self.count}, from: raw.pointee.{self.c}"
            if self.is_text:
                return f'{name} = try readTexts({source}, field: "{self.proto}")'
            if self.is_bytes:
                return f"{name} = readBytes({source})"
            if self.is_message:
                return f"{name} = try readMessages({source})"
            if self.is_enum:
                return f'{name} = try readEnums({source}.map(\\.rawValue), field: "{self.proto}")'
            return f"{name} = readScalars({source})"
        if self.is_text:
            return f'{name} = try readText(raw.pointee.{self.c}, field: "{self.proto}")'
        if self.is_bytes:
            return f"{name} = readBytes(raw.pointee.{self.c})"
        if self.is_message:
            return f"{name} = try readMessage(raw.pointee.{self.c})"
        if self.is_enum:
            return f'{name} = try readEnum(raw.pointee.{self.c}.rawValue, field: "{self.proto}")'
        if self.kind == "bool":
            return f"{name} = raw.pointee.{self.c} != 0"
        return f"{name} = raw.pointee.{self.c}"

    def writing(self):
        """Swift that copies the Swift field into the C one."""
        name = f"self.{self.name}" if self.name in ("raw", "arena") else self.name
        if self.repeated:
            call = {True: "texts", False: "messages"}[self.is_text]
            call = "bytes" if self.is_bytes else call
            if not (self.is_text or self.is_bytes or self.is_message):
                call = "scalars"
            value = name
            if self.is_enum:
                value = f"{name}.map {{ Rookery__{self.kind}(rawValue: $0.rawValue) }}"
            return f"(raw.pointee.{self.count}, raw.pointee.{self.c}) = arena.{call}({value})"
        if self.is_text:
            return f"raw.pointee.{self.c} = arena.text({name})"
        if self.is_bytes:
            return f"raw.pointee.{self.c} = arena.bytes({name})"
        if self.is_message:
            return f"raw.pointee.{self.c} = arena.message({name})"
        if self.is_enum:
            return f"raw.pointee.{self.c} = Rookery__{self.kind}(rawValue: {name}.rawValue)"
        if self.kind == "bool":
            return f"raw.pointee.{self.c} = {name} ? 1 : 0"
        return f"raw.pointee.{self.c} = {name}"


def message_swift(name, doc, raw_fields, enums):
    fields = [Field(raw, enums) for raw in raw_fields]
    out = [f"/// {line}" for line in doc]
    out.append(f"public struct {name}: WireMessage {{")
    for field in fields:
        if field.comment:
            out.append(f"    /// {field.comment}")
        out.append(f"    public var {field.name}: {field.declaration}")
    out.append("")
    out += f"""
    public init() {{}}

    public static func decode(_ bytes: UnsafeRawBufferPointer) throws(DecodingFailure) -> {name} {{
        try Arena.decode(bytes)
    }}

    public func encode() -> [UInt8] {{ Arena.encode(self) }}

    public static var descriptor: UnsafeRawPointer {{ Arena.descriptor(of: {name}.self) }}
}}

extension {name}: CBacked {{
    static func unpack(
        _ allocator: UnsafeMutablePointer<ProtobufCAllocator>, _ count: Int, _ data: UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<Rookery__{name}>? {{
        rookery__{snake(name)}__unpack(allocator, count, data)
    }}

    init(copying raw: UnsafePointer<Rookery__{name}>) throws(DecodingFailure) {{""".split("\n")[1:]
    out.extend(f"        {field.reading()}" for field in fields)
    out.append("    }")
    out.append("")
    out.append(f"    func fill(_ raw: UnsafeMutablePointer<Rookery__{name}>, _ arena: Arena) {{")
    out.append(f"        rookery__{snake(name)}__init(raw)")
    out.extend(f"        {field.writing()}" for field in fields)
    out.append("    }")
    out.append("}")
    return out


def message_list(protos):
    """Swift that names every message; those of the RPC layer, which reads the C structs itself, by their names."""
    names = {path.stem: [name for kind, name, _, _ in parse(path) if kind == "message"] for path in protos}
    own = {proto: names.pop(proto) for proto in sorted(OF_RPC)}
    out = [
        "// Generated by Scripts/generate_messages.py from Protos/; do not edit.",
        "",
        "@testable import Messages",
        "",
        "/// Every message that there is.",
        "enum MessageList {",
        "    static let files: [(proto: String, messages: [any CBacked.Type])] = [",
    ]
    for proto, messages in names.items():
        out.append("        (")
        out.append(f'            "{proto}",')
        out.append("            [")
        out += [f"                {name}.self," for name in messages]
        out.append("            ]")
        out.append("        ),")
    out.append("    ]")
    for proto, messages in own.items():
        out += ["", f"    /// Of Protos/{proto}.proto.", f"    static let {proto} = ["]
        out += [f'        "{name}",' for name in messages]
        out.append("    ]")
    out.append("}")
    return out


def main():
    proto_dir, out_dir, list_dir = map(pathlib.Path, sys.argv[1:4])
    protos = sorted(proto_dir.glob("*.proto"))
    list_dir.mkdir(parents=True, exist_ok=True)
    (list_dir / "MessageList.swift").write_text("\n".join(message_list(protos)) + "\n")
    parsed = {path: list(parse(path)) for path in protos if path.stem not in OF_RPC}
    enums = {name: values[0][0] for items in parsed.values() for kind, name, _, values in items if kind == "enum"}
    out_dir.mkdir(parents=True, exist_ok=True)
    for path, items in parsed.items():
        lines = [f"// Generated by Scripts/generate_messages.py from Protos/{path.name}; do not edit.", "", "import CMessages"]
        for kind, name, doc, entries in items:
            lines.append("")
            lines += enum_swift(name, doc, entries) if kind == "enum" else message_swift(name, doc, entries, enums)
        target = out_dir / f"{path.stem.capitalize()}Messages.swift"
        target.write_text("\n".join(lines) + "\n")


main()
