"""Runs the cases against a node that was started with --test-service. With its process, its end is a case, too."""

import argparse
import socket
import sys
import time
import traceback

from cases import CASES, LAST
from expectations import Case, Node


def passes(case: Case, node: Node) -> bool:
    sentence = (case.__doc__ or "").strip()
    try:
        case(node)
    except Exception:  # whatever it is, the other cases are still of interest
        print(f"FAILED  {case.__name__}: {sentence}")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"passed  {case.__name__}: {sentence}", flush=True)
    return True


def wait_until_it_listens(address: str, seconds: float) -> None:
    host, port = address.rsplit(":", 1)
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if time.monotonic() > end:
                sys.exit(f"nothing listens on {address}")
            time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, metavar="HOST:PORT", help="waited for, if need be")
    parser.add_argument("--cluster", required=True, metavar="ID")
    parser.add_argument("--stop", type=int, metavar="PID", help="the node's process, which the last case ends")
    parser.add_argument("--only", metavar="CASE", help="this one alone")
    options = parser.parse_args()
    node = Node(options.address, options.cluster, options.stop)
    wait_until_it_listens(options.address, seconds=30)
    chosen = [case for case in CASES if options.only in (None, case.__name__)]
    if options.stop and options.only in (None, LAST.__name__):
        chosen.append(LAST)
    results = [passes(case, node) for case in chosen]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
