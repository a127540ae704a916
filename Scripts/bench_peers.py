"""Rookery and its peer in turns: A B A B. Scripts/bench-peers.sh builds both and calls this."""
import argparse
import collections
import contextlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONNECTIONS, DEPTH = 8, 16
MIXES = ["home", "user", "read", "dsb", "post", "like"]
# Rookery's writes are on the disk when they are answered. What writes much is compared with a peer that forgets what was
# written when it ends, and with one that keeps it.
WRITING = {"dsb", "post", "like"}
MODES = {
    "volatile": ["--save", "", "--appendonly", "no"],
    "durable": ["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
}

# The cluster on free ports is check-import's.
spec = importlib.util.spec_from_file_location("check_import", ROOT / "Scripts/check-import.py")
check_import = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_import)

Figures = collections.namedtuple("Figures", "rate p50_us p99_us errors")


class Peer:
    """Redis in one mode, and the program that uses it as a Twitter."""

    def __init__(self, program, graph, folder, mode):
        self.program, self.graph, self.mode = program, graph, mode
        self.port = int(check_import.on_free_ports("127.0.0.1:1").split(":")[1])
        self.folder = folder / mode
        self.folder.mkdir()

    @contextlib.contextmanager
    def running(self):
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen(command + MODES[self.mode], stdout=log, stderr=log)
        try:
            self.wait(process)
            yield self
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait(self, process):
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"redis-server ({self.mode}) did not start: {(self.folder / 'log').read_text()[-300:]}")

    def measure(self, mix, seconds):
        command = [self.program, self.port, self.graph, mix, CONNECTIONS, DEPTH, seconds]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
        found = re.search(r": (\d+) ops/s p50 (\d+) us p99 (\d+) us", done.stdout)
        if done.returncode != 0 or not found:
            raise RuntimeError(f"the peer failed at {mix}: {done.stderr.strip() or done.stdout.strip()}")
        return Figures(*map(int, found.groups()), {})


def measure_rookery(rookery, mix, seconds):
    shape = ["--loop", "lockstep", "--connections", CONNECTIONS, "--in-flight", DEPTH]
    report = json.loads(rookery.run("bench", mix, *shape, "--seconds", seconds, "--json", timeout=600))
    # What the writes have caused elsewhere must not be paid for by whoever is measured next.
    rookery.settle()
    return Figures(report["ops_per_s"], report["p50_us"], report["p99_us"], report["errors"])


def rounds(rookery, peers, options):
    """Yields (mix, who, figures) for every run."""
    for number in range(options.rounds):
        for mix in options.mixes or MIXES:
            print(f"    round {number + 1} of {options.rounds}: {mix}", file=sys.stderr, flush=True)
            yield mix, "rookery", measure_rookery(rookery, mix, options.seconds)
            for peer in peers:
                if peer.mode == "volatile" or mix in WRITING:
                    yield mix, peer.mode, peer.measure(mix, options.seconds)


def medians(runs):
    found = collections.defaultdict(list)
    for mix, who, figures in runs:
        found[mix, who].append(figures)
    return {
        key: Figures(*(statistics.median(getattr(run, name) for run in all_runs) for name in Figures._fields[:3]),
                     dict(sum((collections.Counter(run.errors) for run in all_runs), collections.Counter())))
        for key, all_runs in found.items()
    }


def rows(figures):
    for (mix, who), peer in figures.items():
        if who == "rookery":
            continue
        rookery = figures[mix, "rookery"]
        yield {
            "work": f"{mix} / {who} peer", "rookery": round(rookery.rate), "peer": round(peer.rate),
            "ratio": round(rookery.rate / peer.rate, 3), "rookery_p50_us": rookery.p50_us, "peer_p50_us": peer.p50_us,
            "rookery_p99_us": rookery.p99_us, "peer_p99_us": peer.p99_us, "rookery_errors": rookery.errors,
        }


def show(all_rows, options):
    print(f"\nMedians of {options.rounds} rounds of {options.seconds:g} s, {CONNECTIONS} × {DEPTH} in lockstep, "
          f"{options.graph.name}; Rookery: three nodes, every write synced.\n")
    print("| work | rookery/s | redis/s | ratio | rookery p50, p99 ms | redis p50, p99 ms |\n|---|---|---|---|---|---|")
    for row in all_rows:
        ms = {name: row[name] / 1000 for name in row if name.endswith("_us")}
        print(f"| {row['work']} | {row['rookery']:,} | {row['peer']:,} | {row['ratio']:.3f} "
              f"| {ms['rookery_p50_us']:.2f}, {ms['rookery_p99_us']:.2f} "
              f"| {ms['peer_p50_us']:.2f}, {ms['peer_p99_us']:.2f} |")
        if row["rookery_errors"]:
            print(f"warning: {row['work']}: Rookery's errors: {row['rookery_errors']}", file=sys.stderr)
    print()
    print(json.dumps({"rows": all_rows}))


def compare(options, folder):
    rookery = check_import.Rookery(os.path.abspath(options.program), folder)
    peers = [Peer(options.peer, options.graph, folder, mode) for mode in MODES]
    with contextlib.ExitStack() as stack:
        stack.enter_context(rookery.running())
        for peer in peers:
            stack.enter_context(peer.running())
        print("==> importing the graph, and 20 posts of each user", flush=True)
        rookery.run("bench", "home", "--graph", options.graph, "--preload", "--seconds", 1, "--warmup", 0, timeout=1800)
        rookery.settle()
        return list(rows(medians(rounds(rookery, peers, options))))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="a built rookery, with rookeryd beside it")
    parser.add_argument("--peer", required=True, help="the built peer")
    parser.add_argument("--graph", required=True, type=lambda path: pathlib.Path(path).resolve(), help="edge list")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--seconds", type=float, default=5, help="how long each time (default 5)")
    parser.add_argument("mixes", nargs="*", metavar="MIX", help=f"of {', '.join(MIXES)} (default: all)")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    if unknown := set(options.mixes) - set(MIXES):
        parser.error(f"there is no mix {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    # Ends as an interrupt does, through every 'finally'.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rookery-peers-"))
    try:
        show(compare(options, folder), options)
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        check_import.stop(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
