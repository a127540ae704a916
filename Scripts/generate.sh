#!/usr/bin/env bash
# Protos/*.proto -> C structs (protoc-c) -> Swift views of them, and the list of them that the fuzzer goes by. Nothing in
# the four folders is edited by hand.
#
# usage: generate.sh [--check]    --check changes nothing, and fails when what is there is not what would be made
set -euo pipefail
source "$(dirname "$0")/common.sh"

folders=(Sources/CRPCMessages Sources/CMessages Sources/Messages/Generated Tests/Fuzz/Targets/Generated)
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# c_messages FOLDER PROTO…: sources into FOLDER, headers into FOLDER/include, where SwiftPM makes a module of all of them.
c_messages() {
    local folder=$made/$1
    shift
    mkdir -p "$folder/include"
    protoc-c --proto_path=Protos --c_out="$folder" "$@"
    mv "$folder"/*.h "$folder/include/"
    # The arena that the messages are unpacked into rides along, so that their one importer sees it.
    cp Sources/CProtobufC/shim.h "$folder/include/arena.h"
}

generate() {
    # What the RPC layer itself says; it knows nothing of the rest.
    local own=(Protos/rpc.proto Protos/services.proto) others=()
    for proto in Protos/*.proto; do
        [[ " ${own[*]} " == *" $proto "* ]] || others+=("$proto")
    done
    c_messages Sources/CRPCMessages "${own[@]}"
    c_messages Sources/CMessages "${others[@]}"
    python3 Scripts/generate_messages.py Protos "$made/Sources/Messages/Generated" "$made/Tests/Fuzz/Targets/Generated"
}

# Files that did not change keep their time, so that nothing is built again for nothing.
take_over() {
    local folder=$1 file
    mkdir -p "$folder"
    while IFS= read -r file; do
        [ -e "$made/$folder/$file" ] || rm "$folder/$file"
    done < <(cd "$folder" && find . -type f)
    while IFS= read -r file; do
        mkdir -p "$(dirname "$folder/$file")"
        cmp -s "$made/$folder/$file" "$folder/$file" || cp "$made/$folder/$file" "$folder/$file"
    done < <(cd "$made/$folder" && find . -type f)
}

compare() {
    local folder same=true
    for folder in "${folders[@]}"; do
        diff -r --brief "$folder" "$made/$folder" || same=false
    done
    $same || fail "The generated code does not match Protos/: run 'make generate'."
}

generate
if [ "${1:-}" = --check ]; then
    compare
else
    for folder in "${folders[@]}"; do take_over "$folder"; done
fi
