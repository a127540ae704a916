#!/usr/bin/env bash
# Feeds each target of Tests/Fuzz with mutated input (libFuzzer), for half a minute unless it is told otherwise.
#
# usage: fuzz.sh [--seconds N | --runs N] [--target NAME]… [--keep] [--address]
#        fuzz.sh --target NAME --replay FILE
#   --seconds N   for each target; --runs N says how many inputs instead
#   --keep        what is found to reach new code goes, minimised, into Tests/Fuzz/Corpus
#   --address     under the address sanitizer, several times slower
#
# The first build takes some ten minutes, in .build/fuzz. An input that breaks something stays in the corpus, where
# `make test` replays it.
set -euo pipefail
source "$(dirname "$0")/common.sh"

limit=(-max_total_time=30)
targets=() keep=false replay="" sanitizers=fuzzer
while [ $# != 0 ]; do
    case $1 in
        --seconds) limit=("-max_total_time=${2:?}"); shift ;;
        --runs) limit=("-runs=${2:?}"); shift ;;
        --target) targets+=("${2:?}"); shift ;;
        --replay) replay=${2:?}; shift ;;
        --keep) keep=true ;;
        --address) sanitizers=fuzzer,address ;;
        *) fail "There is no option $1; the first lines of Scripts/fuzz.sh say which there are." ;;
    esac
    shift
done

# Its own folder: with the instrumentation, nothing of an ordinary build could be used again.
export ROOKERY_FUZZ=$sanitizers
built=(--scratch-path .build/fuzz -c release)
corpora=Tests/Fuzz/Corpus
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# fuzz TARGET: ends the script with a sentence when something breaks.
fuzz() {
    local target=$1 found=$made/$1 corpus=$corpora/$1 log=$made/$1.log
    mkdir -p "$found/new" "$found/seeds" "$found/broken" "$corpus"
    "$fuzzer" seeds "$target" "$found/seeds"
    echo "==> $target"
    "$fuzzer" run "$target" "${limit[@]}" -timeout=60 -print_final_stats=1 -artifact_prefix="$found/broken/" \
        "$found/new" "$corpus" "$found/seeds" 2>&1 | tee "$log" | { grep --line-buffered pulse || true; } ||
        broken "$target" "$found/broken" "$log"
    awk '/^stat::number_of_executed_units/ { runs = $2 } /^stat::average_exec_per_sec/ { speed = $2 }
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
        END { print "    " runs " runs, " speed " a second, " edges " edges" }' "$log"
    if $keep; then keep_corpus "$target" "$found" "$corpus"; fi
}

# broken TARGET FOLDER LOG: the input becomes part of the corpus.
broken() {
    local file
    grep -E '^(broken|.*Fatal error|==[0-9]+==|SUMMARY)' "$3" >&2 || tail -5 "$3" >&2
    file=$(find "$2" -type f | head -1)
    [ -n "$file" ] || fail "The fuzzer of $1 ended without an input that it broke on; the lines above say why."
    cp "$file" "$corpora/$1/"
    file=$corpora/$1/$(basename "$file")
    fail "$1 breaks on $file. Replay it with: Scripts/fuzz.sh --target $1 --replay $file"
}

# keep_corpus TARGET FOUND CORPUS: a small set that reaches the same code. What broke something once stays as it is.
keep_corpus() {
    mkdir "$2/least"
    "$fuzzer" run "$1" -set_cover_merge=1 -use_counters=0 "$2/least" "$3" "$2/seeds" "$2/new" >"$2/merge.log" 2>&1 ||
        fail "The corpus of $1 could not be made smaller: $(tail -1 "$2/merge.log")"
    find "$3" -type f -not -name '*-*' -delete
    cp "$2"/least/* "$3/"
}

step "building the fuzzer" swift build "${built[@]}" --product fuzzer
fuzzer=$(swift build "${built[@]}" --show-bin-path)/fuzzer
[ ${#targets[@]} != 0 ] || mapfile -t targets < <("$fuzzer" list)
if [ -n "$replay" ]; then
    "$fuzzer" run "${targets[0]}" "$replay" || fail "${targets[0]} still breaks on $replay."
    exit
fi
for target in "${targets[@]}"; do fuzz "$target"; done
echo "==> nothing broke in ${#targets[@]} targets"
