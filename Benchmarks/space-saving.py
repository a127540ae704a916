#!/usr/bin/env python3
"""Compares SpaceSaving with Apache DataSketches' frequent items: who finds more of the true top 100 in equal memory.

usage: space-saving.py [DIRECTORY]    DIRECTORY holds space-saving-bench, built for release (default .build/release)

A stream of ten million events over a million keys, whose frequencies follow Zipf's law, is counted exactly and by both.
DataSketches comes from its Python package, in a temporary environment that is taken down at the end. About two minutes.

Memory, in bytes:
  DataSketches   its three arrays at the chosen lg_max_k: 2^lg × (8 of key + 8 of value + 2 of state). Strings' own
                 bytes are not counted, though a string key really takes more than 8.
  SpaceSaving    what its five arrays really have allocated, for keys of 8 bytes: counters, hash table and filter,
                 with the arrays' headers; it is given at most what DataSketches has.

Recall is the part of the true top 100 among the 100 largest estimates; of equal true counts at the end any is right.
Bounds are checked for every key there is: a counted one's true count lies in its bounds, any other's is not above
the bound for unseen ones. "keys" have a counter at the end; "error" is the widest bound relative to all events;
"seconds" of DataSketches are those of a loop in Python. Exits with 1 when a bound is wrong, SpaceSaving takes more
memory, or its recall is less than DataSketches'.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

PACKAGES = ["datasketches==5.2.0", "numpy==2.4.6"]
KEYS, EVENTS, TOP, SEED = 1_000_000, 10_000_000, 100, 20050105
EXPONENTS = [1.0, 1.2, 1.5]
LG_MAX_KS = [7, 8, 9, 10, 11, 12]


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".build/release").resolve()
    if not (directory / "space-saving-bench").exists():
        sys.exit(f"There is no space-saving-bench in {directory}: swift build -c release --product space-saving-bench")
    with tempfile.TemporaryDirectory() as folder:
        python = pathlib.Path(folder, "venv/bin/python")
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        sys.exit(subprocess.run([python, __file__, "--measure", directory, folder]).returncode)


def measure(directory, folder):
    import numpy

    random = numpy.random.default_rng(SEED)
    # Keys have nothing to do with their rank, as with ids.
    names = random.permutation(KEYS).astype(numpy.uint64)
    print(f"{EVENTS:,} events over {KEYS:,} keys; recall of the top {TOP}\n")
    print(f"{'':26}{'DataSketches':^43}{'SpaceSaving':^44}")
    side = f"{'bytes':>9}{'keys':>7}{'recall':>8}{'error':>10}{'seconds':>8} "
    print(f"{'Zipf':>5}{'distinct':>9}{'lg_max_k':>9}  {side} {side}  bounds")
    worse = False
    for exponent in EXPONENTS:
        weights = numpy.arange(1, KEYS + 1, dtype=float) ** -exponent
        ranks = numpy.searchsorted(numpy.cumsum(weights) / weights.sum(), random.random(EVENTS))
        events = names[numpy.minimum(ranks, KEYS - 1)]
        path = pathlib.Path(folder, "events")
        events.tofile(path)
        true = numpy.bincount(events.astype(numpy.int64), minlength=KEYS)
        texts = [str(key) for key in range(KEYS)]
        stream = [texts[key] for key in events.tolist()]
        for lg in LG_MAX_KS:
            theirs = data_sketches(stream, lg)
            ours = space_saving(directory, path, theirs["bytes"])
            rows = [describe(sketch, true) for sketch in (theirs, ours)]
            right = rows[0]["right"] and rows[1]["right"] and ours["bytes"] <= theirs["bytes"]
            print(f"{exponent:5}{numpy.count_nonzero(true):9,}{lg:9}  {rows[0]['text']}  {rows[1]['text']}  "
                  f"{'true' if right else 'WRONG'}", flush=True)
            worse |= not right or rows[1]["recall"] < rows[0]["recall"]
    return 1 if worse else 0


def data_sketches(stream, lg):
    import datasketches

    sketch = datasketches.frequent_strings_sketch(lg)
    update = sketch.update
    began = time.perf_counter()
    for key in stream:
        update(key)
    seconds = time.perf_counter() - began
    found = sketch.get_frequent_items(datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES, 0)
    # (key, estimate, lower bound, upper bound), largest estimate first; what it lost it may have lost this often.
    counters = [(int(key), lower, upper) for key, _, lower, upper in found]
    unseen = sketch.get_upper_bound("no such key")
    return {"bytes": (8 + 8 + 2) << lg, "seconds": seconds, "unseen": unseen, "counters": counters}


def space_saving(directory, path, size):
    command = [directory / "space-saving-bench", path, str(size)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    result = {"counters": []}
    for name, *values in map(str.split, printed.stdout.splitlines()):
        if name == "counter":
            result["counters"].append(tuple(map(int, values)))
        else:
            result[name] = float(values[0]) if name == "seconds" else int(values[0])
    return result


def describe(sketch, true):
    import numpy

    counters = sketch["counters"]
    smallest = max(1, int(numpy.partition(true, -TOP)[-TOP]))
    recall = sum(true[key] >= smallest for key, _, _ in counters[:TOP]) / TOP
    right = all(lower <= true[key] <= upper for key, lower, upper in counters)
    unseen = true.copy()
    unseen[[key for key, _, _ in counters]] = 0
    right = right and unseen.max() <= sketch["unseen"]
    error = max([sketch["unseen"], *(upper - lower for _, lower, upper in counters)]) / EVENTS
    text = f"{sketch['bytes']:9,}{len(counters):7,}{recall:8.2f}{error:10.6f}{sketch['seconds']:8.1f} "
    return {"recall": recall, "right": right, "text": text}


if __name__ == "__main__":
    sys.exit(measure(*map(pathlib.Path, sys.argv[2:])) if sys.argv[1:2] == ["--measure"] else main())
