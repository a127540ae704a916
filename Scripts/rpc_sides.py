"""The programs that bench_rpc.py compares: how they are started, asked and ended, and what they say."""
import contextlib
import dataclasses
import importlib.util
import json
import pathlib
import re
import resource
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent
START_SECONDS = 20

Ready = Callable[[str], bool]

# Free ports are check-import's.
spec = importlib.util.spec_from_file_location("check_import", ROOT / "Scripts/check-import.py")
check_import = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_import)


# A run ----------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Load:
    """What a client does; `rate` is for the open loop alone, in calls a second."""

    mode: str
    connections: int
    in_flight: int
    bytes: int
    rate: int | None = None

    def shape(self) -> list[str]:
        """
        >>> " ".join(Load("open", 8, 64, 32, rate=1000).shape())
        '--connections 8 --in-flight 64 --bytes 32 --rate 1000'
        """
        flags = {"--connections": self.connections, "--in-flight": self.in_flight, "--bytes": self.bytes}
        if self.rate is not None:
            flags["--rate"] = self.rate
        return [str(word) for flag in flags.items() for word in flag]


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one run gave; see the client's line above."""

    ops: float
    ops_per_s: float
    p50_us: float
    p99_us: float
    p999_us: float
    errors: float
    backlog: float
    bytes_per_s: float

    @classmethod
    def parse(cls, line: str) -> "Figures":
        """
        >>> Figures.parse('{"ops": 3}')
        Traceback (most recent call last):
        RuntimeError: the client's line lacks ops_per_s, p50_us, p99_us, p999_us, errors, backlog, bytes_per_s
        >>> Figures.parse("oops")
        Traceback (most recent call last):
        RuntimeError: the client did not end with a line of JSON but with: oops
        """
        try:
            found = dict(json.loads(line))
        except (ValueError, TypeError):
            raise RuntimeError(f"the client did not end with a line of JSON but with: {line[-200:]}") from None
        names = [field.name for field in dataclasses.fields(cls)]
        if missing := [name for name in names if not isinstance(found.get(name), (int, float))]:
            raise RuntimeError(f"the client's line lacks {', '.join(missing)}")
        return cls(*(found[name] for name in names))


# Processes ------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    return int(check_import.on_free_ports("127.0.0.1:1").split(":")[1])


@contextlib.contextmanager
def running(command: list, log: pathlib.Path, ready: Ready, seconds: float) -> Iterator[subprocess.Popen]:
    """A process from when it is `ready`, asked with what it has said so far, until the end of the block."""
    with open(log, "wb") as output:
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output)
    try:
        wait_until_ready(process, log, ready, seconds)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: subprocess.Popen, log: pathlib.Path, ready: Ready, seconds: float) -> None:
    name, deadline = f"{pathlib.Path(process.args[0]).name} {process.args[1]}", time.monotonic() + seconds
    while not ready(said := log.read_text(errors="replace")):
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended early, with status {process.returncode}: {said.strip()[-300:]}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} was not ready after {seconds:g} s; it said: {said.strip()[-300:] or 'nothing'}")
        time.sleep(0.05)


def says(line: str) -> Ready:
    """Whether a whole line is there; the last one may still be growing.

    >>> [says("open 10")(said) for said in ("info: here\\n", "open 100\\n", "open 10", "info: here\\nopen 10\\n")]
    [False, False, False, True]
    """
    return lambda said: line in said.split("\n")[:-1]


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def output_of(command: list, seconds: float) -> str:
    """What a client that should take about `seconds` prints; it is ended when it takes much longer."""
    words = list(map(str, command))
    asked, limit = " ".join([pathlib.Path(words[0]).name, *words[1:]]), 10 * seconds + 60
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{asked}: not done after {limit:.0f} s") from None
    if done.returncode != 0 or not done.stdout.strip():
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").split("\n")[-1]
        raise RuntimeError(f"{asked}: ended with status {done.returncode}, and said: {said}")
    print(done.stderr, end="", file=sys.stderr, flush=True)
    return done.stdout.strip().split("\n")[-1]


def resident_bytes(status: str) -> int:
    """The resident memory in the text of Linux' /proc/PID/status.

    >>> resident_bytes("VmPeak:   9 kB\\nVmRSS:\\t    1234 kB\\nThreads: 2\\n")
    1263616
    """
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    if not found:
        raise RuntimeError("the server's status does not say how much memory it has: did it end?")
    return int(found[1]) * 1024


# The sides ------------------------------------------------------------------------------------------------------------


class Swift:
    """A server at a free port, and rpc-bench as its client."""

    prefix = ""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path) -> None:
        self.program, self.folder, self.port = program, folder, free_port()

    def measure(self, load: Load, seconds: float) -> Figures:
        command = [self.program, f"{self.prefix}client", "--port", self.port, "--mode", load.mode, *load.shape(),
                   "--seconds", f"{seconds:g}", "--json"]
        return Figures.parse(output_of(command, seconds))


class Rookery(Swift):
    """A rookeryd, the only node of its cluster, with a new store each time."""

    # More connections than are opened: whoever measures needs one, too.
    CONFIG = """
cluster: bench
partitions: 1
replicas: 1
keeper: static
nodes:
  - {id: n1, address: "127.0.0.1:PORT", region: local, zone: a}
limits: {max_connections: 12000}
"""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path, node: pathlib.Path) -> None:
        super().__init__(program, folder)
        self.node = node

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen]:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            home = pathlib.Path(name)
            (home / "cluster.yaml").write_text(self.CONFIG.replace("PORT", str(self.port)))
            (home / "secret").write_text(secrets.token_hex(32))
            command = [self.node, "--node", "n1", "--config", home / "cluster.yaml", "--data", home / "data",
                       "--secret-file", home / "secret", "--test-service"]
            with running(command, home / "log", lambda said: '"serving"' in said, START_SECONDS) as process:
                yield process


class NIO(Swift):
    """Bytes by bare SwiftNIO: rpc-bench is its server, too."""

    prefix = "nio-"

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen]:
        command = [self.program, "nio-server", "--port", self.port]
        with running(command, self.folder / "nio-server.log", says(f"listening on {self.port}"),
                     START_SECONDS) as process:
            yield process


class Grpc:
    """The peer's server, its own client for closed loops, and Benchmarks/RPC/peer/open_loop.cc for the open one."""

    WARM_UP_CALLS = 300  # of each call on its way

    def __init__(self, built: pathlib.Path, folder: pathlib.Path) -> None:
        self.built, self.folder, self.port = built, folder, free_port()
        self.rates: dict[Load, float] = {}

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen]:
        command = [self.built / "bench", "server", self.port]
        with running(command, self.folder / "grpc.log", lambda _: accepts(self.port), START_SECONDS) as process:
            yield process

    def measure(self, load: Load, seconds: float) -> Figures:
        if load.mode == "open":
            command = [self.built / "open-loop", "--port", self.port, *load.shape(), "--seconds", f"{seconds:g}"]
            return Figures.parse(output_of(command, seconds))
        # The peer's client is told how many calls to make, not how long: its last rate says how many that is.
        if load not in self.rates:
            self.closed(load, self.WARM_UP_CALLS * load.connections * load.in_flight, seconds)
        return self.closed(load, max(1, round(self.rates[load] * seconds)), seconds)

    def closed(self, load: Load, calls: int, seconds: float) -> Figures:
        command = [self.built / "bench", "client", self.port, load.connections, load.in_flight, calls, load.bytes]
        figures = grpc_figures(output_of(command, seconds), calls, load.bytes)
        self.rates[load] = figures.ops_per_s
        return figures


def grpc_figures(line: str, calls: int, size: int) -> Figures:
    """The peer's client ends at its first error, so that a line means none; it does not tell p999.

    >>> grpc_figures("grpc-c++ channels 8 inflight 64 bytes 32: 31662 rpc/s p50 15395 us p99 36382 us", 9, 32)
    Figures(ops=9, ops_per_s=31662, p50_us=15395, p99_us=36382, p999_us=nan, errors=0, backlog=0, bytes_per_s=1013184)
    """
    found = re.search(r": (\d+) rpc/s p50 (\d+) us p99 (\d+) us$", line)
    if not found:
        raise RuntimeError(f"the peer's client said something else than its figures: {line!r}")
    rate, p50_us, p99_us = map(int, found.groups())
    return Figures(calls, rate, p50_us, p99_us, float("nan"), 0, 0, rate * size)


def allow_open_files(wanted: int) -> None:
    """For this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise RuntimeError(f"this needs {wanted:,} open files a process, and {hard:,} are allowed here: "
                           "raise it with 'ulimit -Hn', or name other rows with --only.")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
