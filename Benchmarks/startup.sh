#!/usr/bin/env bash
# How long one waits for a cluster to start, for an import, and for one command. Prints medians, and what was measured.
# Everything runs in a temporary folder, on free ports, and is taken down at the end. About half a minute.
#
# usage: startup.sh [DIRECTORY]    DIRECTORY holds rookery and rookeryd, built for release (default .build/release)
#
# The data is found where Scripts/check-import.py finds it; without it only the start is measured.
set -euo pipefail
source "$(dirname "$0")/../Scripts/common.sh"

built=${1:-.build/release}
for program in rookery rookeryd; do
    [ -x "$built/$program" ] || fail "There is no $program in $built: Scripts/bench.sh builds it."
done

exec python3 - "$built/rookery" <<'PYTHON'
import contextlib, importlib.util, os, pathlib, shutil, statistics, sys, tempfile, time

STARTS, READS = 5, 20

# The cluster on free ports, and where the data is, are check-import's; it imports what lies beside it.
sys.path.insert(0, "Scripts")
spec = importlib.util.spec_from_file_location("check_import", "Scripts/check-import.py")
check_import = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_import)


def measure(rookery, *arguments, **options):
    began = time.perf_counter()
    rookery.run(*arguments, **options)
    return time.perf_counter() - began


def show(command, seconds):
    ms = sorted(1000 * second for second in seconds)
    print(f"  {statistics.median(ms):8.1f} ms   {ms[0]:8.1f} to {ms[-1]:.1f} ms   {len(ms):3} runs   rookery {command}",
          flush=True)


def starts(rookery):
    for _ in range(STARTS):
        yield measure(rookery, "cluster", "up", "--data", rookery.data)
        rookery.run("cluster", "down", "--data", rookery.data)
        rookery.run("cluster", "wipe", "--data", rookery.data)


def with_data(rookery, graph, tweets):
    with rookery.running():
        took = measure(rookery, "import", "--graph", graph, "--tweets", tweets, timeout=3600)
        show(f"import --graph {graph.name} --tweets {tweets.name}", [took])
        again = measure(rookery, "import", "--graph", graph, "--tweets", tweets, timeout=3600)
        show("import … (a second time)", [again])
        show("home --as u12", [measure(rookery, "home", "--as", "u12") for _ in range(READS)])


folder = pathlib.Path(tempfile.mkdtemp(prefix="rookery-startup-"))
try:
    rookery = check_import.Rookery(os.path.abspath(sys.argv[1]), folder)
    rookery.configure()
    print("    median         least to most              command")
    show("cluster up (nothing stored)", list(starts(rookery)))
    data = pathlib.Path(os.environ.get("ROOKERY_DATA") or "../shared/data").resolve()
    graph, tweets = data / "graphs/socfb-Reed98.edges", data / "tweets/tweets.txt"
    if graph.is_file() and tweets.is_file():
        with_data(rookery, graph, tweets)
    else:
        print(f"  There is no {graph}: set ROOKERY_DATA to measure the import and reads.")
except (RuntimeError, OSError) as error:
    sys.exit(f"error: {error}")
finally:
    with contextlib.suppress(RuntimeError):  # it is down already when nothing went wrong
        rookery.run("cluster", "down", "--data", rookery.data)
    shutil.rmtree(folder, ignore_errors=True)
PYTHON
