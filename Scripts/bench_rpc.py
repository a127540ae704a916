"""Rookery's RPC layer and its peers in turns: A B A B. Scripts/bench-rpc.sh builds all of them and calls this.

ROWS
  throughput-32, throughput-1024   unary echo, closed loop, 8 connections × 64 in flight; peer: gRPC C++
  latency                          unary echo of 32 bytes, 1 × 1; peer: gRPC C++
  tail                             p99 at the highest fixed rate that gRPC C++ holds for 30 s: p99 below 20 ms, nothing
                                   failed, no backlog. Both are driven at that rate, by open loops; peer: gRPC C++
  stream                           messages of 64 KiB, server to client, one stream; peer: bytes by bare SwiftNIO
  idle                             the server's resident memory with 10,000 connections that do nothing; no peer

The server is rookeryd itself, a cluster of one node on an empty store, with `--test-service` for the methods that are
called, and everything else as it always is; without TLS, as the peers are.

Ratios are Rookery's figure by the peer's; whether more or less is better depends on the row's unit. Where there is no
peer, its figure and the ratio are null. All processes share the first two cores that this one may use.

WHAT rpc-bench MUST DO. Everything is on 127.0.0.1. An error is a sentence on standard error and an exit status above 0.
  rpc-bench client --port P --mode closed|open|stream --connections N --in-flight M --bytes B [--rate R] --seconds S
                   --json
      closed: M calls are on their way over each of N connections; the next is sent when one is answered.
      open:   call k is due k / R seconds after the start, whatever is answered, and goes to connection k mod N. Its
              latency counts from then. M is how many may be on their way over one connection; a call that waits for
              its turn grows older. After the S seconds answers are waited for, for 10 s at most; what has none by
              then is an error, and counts among the latencies with those 10 s.
      stream: M streams over each of N connections bring messages of B bytes; an op is a message.
      Connections are open before the clock starts. An answer of another length than B is an error. Prints one line:
      {"ops", "ops_per_s", "p50_us", "p99_us", "p999_us", "errors", "backlog", "bytes_per_s"}, all of them numbers.
      ops are what succeeded, the rates what of it fell within the S seconds; bytes are payload in one direction;
      latencies are 0 in a stream. backlog, 0 but in the open loop: calls due and unanswered after S seconds, beyond
      the R × p99 that are on their way at any moment (Little's law).
  rpc-bench idle --port P --connections N
      Opens N connections, handshake included, prints `open N`, and holds them until SIGTERM.
  rpc-bench nio-server, rpc-bench nio-client
      As server and client --mode stream, with frames of a length and bytes on bare SwiftNIO.
"""
import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

from rpc_sides import Figures, Grpc, Load, NIO, Rookery, allow_open_files, resident_bytes, running, says

IDLE_CONNECTIONS = 10_000
IDLE_SECONDS = 120
# What a node keeps for its store, its log and other nodes, and a little more.
NODE_FILES = 800
HELD_P99_US = 20_000


# What is measured -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Work:
    """A load, and which of its figures become rows: (what the row is called, its unit, the figure)."""

    load: Load
    rows: list[tuple[str, str, str]]
    peer: str = "grpc"


# More on their way than 1,024 a connection would break the tail's rule long before; it bounds memory when a rate is far
# too high.
WORKS = {
    "throughput-32": Work(Load("closed", 8, 64, 32), [("throughput, 32 B, 8 × 64", "calls/s", "ops_per_s")]),
    "throughput-1024": Work(Load("closed", 8, 64, 1024), [("throughput, 1 KiB, 8 × 64", "calls/s", "ops_per_s")]),
    "latency": Work(Load("closed", 1, 1, 32), [("latency p50, 32 B, 1 × 1", "us", "p50_us"),
                                               ("latency p99, 32 B, 1 × 1", "us", "p99_us")]),
    "tail": Work(Load("open", 8, 1024, 32), [("tail p99, 32 B, {rate:,} calls/s over 8", "us", "p99_us")]),
    "stream": Work(Load("stream", 1, 1, 65536), [("stream, 64 KiB, 1 × 1", "bytes/s", "bytes_per_s")], "nio"),
}
IDLE = "idle"


def medians(runs: list[Figures]) -> Figures:
    """The median of each figure; of errors and backlogs the largest, for a median would hide them.

    >>> medians([Figures(9, 1, 2, 3, 4, 0, 0, 5), Figures(9, 3, 1, 9, 4, 7, 0, 5), Figures(9, 2, 3, 4, 4, 0, 0, 5)])
    Figures(ops=9, ops_per_s=2, p50_us=2, p99_us=4, p999_us=4, errors=7, backlog=0, bytes_per_s=5)
    """
    def over_runs(name: str) -> float:
        return (max if name in ("errors", "backlog") else statistics.median)(getattr(run, name) for run in runs)

    return Figures(*(over_runs(field.name) for field in dataclasses.fields(Figures)))


def rounded(figures: Figures) -> dict[str, float]:
    return {name: round(value, 1) for name, value in dataclasses.asdict(figures).items()}


def row(work: str, unit: str, figure: str, rookery: Figures, peer: Figures | None) -> dict:
    """
    >>> ours, theirs = Figures(10, 30, 5, 9, 9, 0, 0, 0), Figures(10, 20, 4, 6, 9, 2, 0, 0)
    >>> row("echo", "calls/s", "ops_per_s", ours, theirs)["ratio"], row("echo", "us", "p99_us", ours, theirs)["ratio"]
    (1.5, 1.5)
    >>> print(json.dumps(row("echo", "us", "p50_us", ours, None)))  # doctest: +NORMALIZE_WHITESPACE
    {"work": "echo", "rookery": 5, "peer": null, "ratio": null, "p50_us": 5, "p99_us": 9, "peer_p50_us": null,
     "peer_p99_us": null, "unit": "us", "errors": 0, "peer_errors": null, "backlog": 0, "peer_backlog": null}
    """
    ours, theirs = rounded(rookery), rounded(peer) if peer else dict.fromkeys(dataclasses.asdict(rookery))
    ratio = round(ours[figure] / theirs[figure], 3) if theirs[figure] else None
    return {
        "work": work, "rookery": ours[figure], "peer": theirs[figure], "ratio": ratio, "p50_us": ours["p50_us"],
        "p99_us": ours["p99_us"], "peer_p50_us": theirs["p50_us"], "peer_p99_us": theirs["p99_us"], "unit": unit,
        "errors": ours["errors"], "peer_errors": theirs["errors"], "backlog": ours["backlog"],
        "peer_backlog": theirs["backlog"],
    }


# The highest rate -----------------------------------------------------------------------------------------------------


def is_held(run: Figures) -> bool:
    """The rule of the tail row.

    >>> held = Figures(9, 9, 900, 19_000, 30_000, 0, 0, 9)
    >>> is_held(held), [is_held(dataclasses.replace(held, **bad)) for bad in ({"p99_us": 20_000}, {"errors": 1},
    ...                                                                       {"backlog": 1}, {"ops": 0})]
    (True, [False, False, False, False])
    """
    return run.ops > 0 and run.p99_us < HELD_P99_US and run.errors == 0 and run.backlog == 0


def bisected_rate(holds: Callable[[float], bool], first: float = 4_000, precision: float = 1.05) -> float:
    """A rate that holds, at most `precision` times below one that does not.

    It is doubled or halved from `first` until the highest one lies between two, and then bisected.

    >>> rate = bisected_rate(lambda rate: rate <= 37_000)
    >>> 37_000 / 1.05 <= rate <= 37_000
    True
    >>> 900 / 1.05 <= bisected_rate(lambda rate: rate <= 900) <= 900
    True
    >>> bisected_rate(lambda rate: False)
    Traceback (most recent call last):
    RuntimeError: no rate holds, not even 62 calls/s: is something else using both cores?
    """
    low = first
    while not holds(low):
        low /= 2
        if low < 100:
            raise RuntimeError(f"no rate holds, not even {low:.0f} calls/s: is something else using both cores?")
    high = low * 2
    while low >= first and high < 4_000_000 and holds(high):
        low, high = high, high * 2
    while high / low > precision:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def lowered_rate(holds: Callable[[float], bool], rate: float, step: float = 0.95) -> float:
    """The first of `rate`, `rate` · `step`, … that holds; what short runs have found is confirmed by long ones with it.

    >>> round(lowered_rate(lambda rate: rate <= 920, 1000), 1)
    902.5
    >>> lowered_rate(lambda rate: rate < 100, 1000)
    Traceback (most recent call last):
    RuntimeError: half of what short runs held, 1000 calls/s, does not hold for longer: is something else on both cores?
    """
    found = rate
    while not holds(found):
        found *= step
        if found < rate / 2:
            raise RuntimeError(f"half of what short runs held, {rate:.0f} calls/s, does not hold for longer: "
                               "is something else on both cores?")
    return found


# The comparison -------------------------------------------------------------------------------------------------------


def tell(text: str) -> None:
    print(f"    {text}", file=sys.stderr, flush=True)


class Comparison:
    """All rows that are asked for, of all sides that there are."""

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        self.options, self.folder = options, folder
        self.rookery = Rookery(options.program, folder, options.node)
        self.peers = {"nio": NIO(options.program, folder)}
        if options.peer:
            self.peers["grpc"] = Grpc(options.peer, folder)

    def rows(self) -> Iterator[dict]:
        for name in self.options.only or [*WORKS, IDLE]:
            if name == IDLE:
                yield self.idle_row()
            elif name == "tail" and not (self.options.rate or "grpc" in self.peers):
                tell("tail is left out: without ROOKERY_PEERS or --rate there is no rate to drive it at")
            else:
                yield from self.compared_rows(name)

    def compared_rows(self, name: str) -> Iterator[dict]:
        work, peer = WORKS[name], self.peers.get(WORKS[name].peer)
        load, seconds = work.load, self.options.seconds
        with contextlib.ExitStack() as stack:
            for side in filter(None, [self.rookery, peer]):
                stack.enter_context(side.serving())
            if load.mode == "open":
                seconds = self.options.tail_seconds
                load = dataclasses.replace(load, rate=self.options.rate or self.highest_rate(peer, load))
            ours, theirs = self.in_turns(name, load, seconds, [self.rookery, peer])
        for title, unit, figure in work.rows:
            yield row(title.format(rate=load.rate or 0), unit, figure, ours, theirs)

    def in_turns(self, name: str, load: Load, seconds: float, sides: list) -> list[Figures | None]:
        runs: list[list[Figures]] = [[] for _ in sides]
        for number in range(self.options.rounds):
            tell(f"round {number + 1} of {self.options.rounds}: {name}")
            for side, found in zip(sides, runs):
                if side:
                    found.append(side.measure(load, seconds))
        return [medians(found) if found else None for found in runs]

    def highest_rate(self, grpc: Grpc, load: Load) -> float:
        """Each rate has two tries, for on a shared machine one may be spoilt by others."""
        def holds(rate: float, seconds: float) -> bool:
            runs = (grpc.measure(dataclasses.replace(load, rate=round(rate)), seconds) for _ in range(2))
            held = any(map(is_held, runs))
            tell(f"gRPC at {rate:,.0f} calls/s for {seconds:g} s: {'held' if held else 'not held'}")
            return held

        found = bisected_rate(lambda rate: holds(rate, self.options.seconds))
        return round(lowered_rate(lambda rate: holds(rate, self.options.tail_seconds), found))

    def idle_row(self) -> dict:
        allow_open_files(IDLE_CONNECTIONS + NODE_FILES)
        sizes = []
        for number in range(self.options.rounds):
            tell(f"round {number + 1} of {self.options.rounds}: {IDLE}")
            sizes.append(self.idle_sizes())
        empty, full = (statistics.median(column) for column in zip(*sizes))
        return {
            "work": f"memory of {IDLE_CONNECTIONS:,} idle connections", "rookery": full, "peer": None, "ratio": None,
            "p50_us": None, "p99_us": None, "unit": "bytes",
            "bytes_a_connection": round((full - empty) / IDLE_CONNECTIONS),
        }

    def idle_sizes(self) -> tuple[int, int]:
        """A new server's resident memory before and with all connections, in bytes."""
        with self.rookery.serving() as server:
            status = pathlib.Path(f"/proc/{server.pid}/status")
            empty = resident_bytes(status.read_text())
            command = [self.rookery.program, "idle", "--port", self.rookery.port, "--connections", IDLE_CONNECTIONS]
            with running(command, self.folder / "idle.log", says(f"open {IDLE_CONNECTIONS}"), IDLE_SECONDS):
                return empty, resident_bytes(status.read_text())


def stay_on_two_cores() -> None:
    """What is started later inherits it."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def show(rows: list[dict], options: argparse.Namespace) -> None:
    print(f"\nMedians of {options.rounds} rounds of {options.seconds:g} s (tail: {options.tail_seconds:g} s).\n")
    print("| work | unit | Rookery | peer | ratio | Rookery p50, p99 µs | peer p50, p99 µs |")
    print("|---|---|---|---|---|---|---|")
    for each in rows:
        cells = [shown(each.get(name)) for name in ("rookery", "peer", "ratio")]
        pairs = [f"{shown(each.get(p50))}, {shown(each.get(p99))}"
                 for p50, p99 in (("p50_us", "p99_us"), ("peer_p50_us", "peer_p99_us"))]
        print("|", " | ".join([each["work"], each["unit"], *cells, *pairs]), "|")
        for name in "errors", "peer_errors", "backlog", "peer_backlog":
            if each.get(name):
                print(f"warning: {each['work']}: {name.replace('_', ' of the ')}: {each[name]:,.0f}", file=sys.stderr)
    print()
    print(json.dumps({"rows": rows}, ensure_ascii=False))


def shown(value: float | None) -> str:
    """
    >>> shown(None), shown(1234567.8), shown(0.123), shown(71)
    ('–', '1,234,568', '0.123', '71')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = lambda text: pathlib.Path(text).resolve()
    parser.add_argument("--program", required=True, type=path, help="a built rpc-bench")
    parser.add_argument("--node", required=True, type=path, help="a built rookeryd")
    parser.add_argument("--peer", type=path,
                        help="folder with gRPC's built bench and open-loop (default: gRPC is not measured)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default 5)")
    parser.add_argument("--seconds", type=float, default=5, help="how long each time (default 5)")
    parser.add_argument("--tail-seconds", type=float, default=30, help="how long in the tail row (default 30)")
    parser.add_argument("--rate", type=int, help="drive the tail row at this rate (default: search gRPC's highest)")
    parser.add_argument("--only", action="append", metavar="ROW", choices=[*WORKS, IDLE],
                        help=f"measure this row, of {', '.join([*WORKS, IDLE])}; may be repeated (default: all)")
    options = parser.parse_args()
    if options.rounds < 1 or min(options.seconds, options.tail_seconds) <= 0 or (options.rate or 1) <= 0:
        parser.error("--rounds, --seconds, --tail-seconds and --rate must be above 0")
    return options


def main() -> None:
    options = arguments()
    # Ends as an interrupt does, through every 'finally'.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    stay_on_two_cores()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rookery-rpc-"))
    try:
        tell(f"load average before: {os.getloadavg()[0]:.1f}")
        if not (rows := list(Comparison(options, folder).rows())):
            raise RuntimeError("nothing was measured")
        show(rows, options)
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"error: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
