#!/usr/bin/env python3
"""Imports real data into a fresh cluster, twice, and compares what every user sees with the files alone.

The oracle below reads the same two files and knows nothing of the program: who exists, who follows whom, who said
what in which order; search_oracle.py adds what searches and Top-K lists must answer. Everything runs in a temporary
folder, on free ports, and is taken down at the end; or, with --cluster, on a cluster that is up already, and stays up.

The data is found in --data, else in ROOKERY_DATA, else in ../shared/data beside the project.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata

import search_oracle

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Unicode's White_Space; Python's own strip() takes more.
WHITE_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
TWEET_WEIGHT = 280
SHOWN_DIFFERENCES = 10
IDS_BEGIN = datetime.date(2026, 1, 1)


def stop(sentence):
    sys.exit(f"error: {sentence}")


# What the files say ---------------------------------------------------------------------------------------------------


def weight(character):
    """twitter-text v3's weight of a character that is in no link and no emoji."""
    point = ord(character)
    light = point <= 4351 or 8192 <= point <= 8205 or 8208 <= point <= 8223 or 8242 <= point <= 8247
    return 1 if light else 2


def is_postable(text):
    """True, False, or None where only the whole of twitter-text (links, emoji, refused characters) can decide."""
    if any(character in "\ufffe\ufeff\uffff\ufffd" for character in text):
        return None
    text = unicodedata.normalize("NFC", text)
    # A link weighs 23 however long it is, and every link has a dot; of an emoji sequence one may count.
    most = sum(map(weight, text)) + 23 * text.count(".")
    if most <= TWEET_WEIGHT:
        return True
    plain = [token for token in text.split(" ") if "." not in token]
    least = sum(weight(c) for token in plain for c in token if unicodedata.category(c)[0] in "LNP" and ord(c) < 0x10000)
    return False if least > TWEET_WEIGHT else None


class Oracle:
    """Users in ascending number, who follows whom, and each author's tweets in the order of the file."""

    def __init__(self, graph, tweets):
        self.edges = list(read_edges(graph))
        self.users = sorted({node for edge in self.edges for node in edge})
        if not self.users:
            stop(f"{graph} holds no edge.")
        self.follows = {user: set() for user in self.users}
        for a, b in self.edges:
            if a != b:
                self.follows[a].add(b)
                self.follows[b].add(a)
        self.said = collections.defaultdict(list)  # user -> texts
        self.open = collections.defaultdict(set)  # user -> places in `said` that only twitter-text can decide
        self.skipped = 0
        for number, line in enumerate(read_lines(tweets)):
            self.take(self.users[number % len(self.users)], line.strip(WHITE_SPACE))

    def take(self, author, text):
        postable = is_postable(text) if text else False
        if postable is False:
            self.skipped += 1
            return
        if postable is None:
            self.open[author].add(len(self.said[author]))
        self.said[author].append(text)

    def settle(self, author, seen):
        """Takes out of an author's open lines those that the cluster has refused. Returns how many it has taken."""
        places = self.open.pop(author)
        kept, position = [], 0
        for place, text in enumerate(self.said[author]):
            there = position < len(seen) and seen[position] == text
            if there or place not in places:
                kept.append(text)
                position += 1
        refused = len(self.said[author]) - len(kept)
        self.said[author] = kept
        self.skipped += refused
        return len(places) - refused


def read_edges(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        fields = line.split()
        if not fields or fields[0][0] in "#%":
            continue
        try:
            yield int(fields[0]), int(fields[1])
        except (ValueError, IndexError):
            stop(f"{path.name}:{number} is not an edge: {line!r}.")


def read_lines(path):
    lines = path.read_bytes().decode("utf-8", errors="replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def slice_files(graph, tweets, size, folder):
    """About `size` users as the edges name them, all edges between them, and the first 4 · `size` lines."""
    edges, chosen = list(read_edges(graph)), set()
    for edge in edges:
        if len(chosen) >= size:
            break
        chosen.update(edge)
    small_graph, small_tweets = folder / "slice.edges", folder / "slice.txt"
    small_graph.write_text("".join(f"{a} {b}\n" for a, b in edges if a in chosen and b in chosen))
    small_tweets.write_bytes(b"".join(line + b"\n" for line in tweets.read_bytes().split(b"\n")[: 4 * size]))
    return small_graph, small_tweets


# The cluster ----------------------------------------------------------------------------------------------------------


class Rookery:
    """The command line, with a configuration, a data folder and a session store of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.config, self.data = folder / "cluster.yaml", folder / "data"
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}

    def configure(self):
        self.config.write_text(on_free_ports((ROOT / "cluster.yaml").read_text(encoding="utf-8")))

    def run(self, *arguments, timeout=120, after=()):
        """`after` stands behind all options: a `--` and what follows it."""
        command = [self.program, *map(str, arguments), "--config", self.config, *after]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, timeout=timeout)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().split("\n")[-1]
            asked = " ".join(map(str, [*arguments, *after]))
            raise RuntimeError(f"rookery {asked}: exit status {done.returncode}: {said}")
        return done.stdout.decode()

    def ask(self, *arguments, after=()):
        return json.loads(self.run(*arguments, "--json", after=after))

    @contextlib.contextmanager
    def running(self):
        self.configure()
        try:
            self.run("cluster", "up", "--data", self.data)
            yield
        finally:
            try:
                self.run("cluster", "down", "--data", self.data)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"warning: the cluster did not go down: {error}", file=sys.stderr)

    def settle(self):
        """Waits until no event is on its way between partitions, which is when counts and followers agree (P4, P5)."""
        deadline = time.monotonic() + 60
        while backlog := sum(node.get("backlog", 0) for node in self.ask("cluster", "status")["nodes"]):
            if time.monotonic() > deadline:
                stop(f"{backlog} events between partitions were still on their way after 60 s.")
            time.sleep(0.2)


def on_free_ports(config):
    """The project's own cluster.yaml, with another free port for each one in it.

    They are below those that the system gives to outgoing connections, so that none of these takes one meanwhile.
    """
    free = {}

    def replaced(match):
        while match[2] not in free:
            port = random.randrange(20000, 32000)
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
                if port not in free.values():
                    free[match[2]] = port
        return f"{match[1]}:{free[match[2]]}"

    return re.sub(r"(127\.0\.0\.1|localhost):(\d+)", replaced, config)


# The comparison -------------------------------------------------------------------------------------------------------


class Comparison:
    def __init__(self, rookery, oracle):
        self.rookery, self.oracle = rookery, oracle
        self.passed, self.differences = collections.Counter(), []
        self.ids = {}  # author -> ids, oldest first, as whoever was first asked saw them

    def check(self, user, what, arguments, compare, after=()):
        try:
            compare(self.rookery.ask(*arguments, "--as", f"u{user}", after=after))
            self.passed[what] += 1
        except AssertionError as error:
            self.differences.append(f"{what} of u{user}: {error}")
        except (RuntimeError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
            self.differences.append(f"{what} of u{user}: {type(error).__name__}: {error}")

    def check_user(self, user):
        follows = self.oracle.follows[user]
        name = f"u{user}"
        self.check(user, "home", ["home", "--all"], lambda page: self.same_timeline(page, {user} | follows))
        self.check(user, "user", ["user", name, "--all"], lambda page: self.same_timeline(page, {user}))
        for what in "followers", "following":
            self.check(user, what, [what, name, "--all"], lambda page: same_accounts(page, follows))
        self.check_counters(user)

    def check_counters(self, user, what="counters"):
        follows, said = len(self.oracle.follows[user]), len(self.oracle.said[user])
        wanted = {"followers": follows, "following": follows, "tweets": said}

        def compare(answer):
            seen = {key: answer["world"][key] for key in wanted}
            same(seen, wanted, "counts")
            for key in wanted:
                regions = sum(region.get(key, 0) for region in answer["regions"].values())
                same(regions, wanted[key], f"sum of regions, {key}")

        self.check(user, what, ["counters", "--user", f"u{user}"], compare)

    def same_timeline(self, page, authors):
        assert page.get("next") is None, "--all ended before the end"
        ids = [int(tweet["id"]) for tweet in page["tweets"]]
        assert all(a > b for a, b in zip(ids, ids[1:])), "ids do not descend strictly"
        by_author = collections.defaultdict(list)
        for tweet in reversed(page["tweets"]):
            by_author[tweet["author"]].append(tweet)
        strangers = by_author.keys() - {f"u{author}" for author in authors}
        assert not strangers, f"shows {sorted(strangers)[:3]}, who are not followed"
        for author in authors:
            tweets = by_author[f"u{author}"]
            same([tweet["text"] for tweet in tweets], self.oracle.said[author], f"what u{author} said, oldest first")
            numbers = [tweet["id"] for tweet in tweets]
            same(numbers, self.ids.setdefault(author, numbers), f"ids of u{author}'s tweets")

    def over_all_users(self, work, workers):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            done = 0
            for _ in pool.map(work, self.oracle.users):
                done += 1
                if done % 200 == 0:
                    print(f"    {done} of {len(self.oracle.users)} users", flush=True)

    def settle_open_lines(self):
        """Lines whose weight the oracle cannot know: the cluster's word is taken, once, and held against it after."""
        if not self.oracle.open:
            return
        lines, taken = sum(map(len, self.oracle.open.values())), 0
        for author in list(self.oracle.open):
            page = self.rookery.ask("user", f"u{author}", "--all", "--as", f"u{author}")
            taken += self.oracle.settle(author, [tweet["text"] for tweet in reversed(page["tweets"])])
        print(f"    {lines} lines need all of twitter-text to be judged; the cluster took {taken} of them")


def same(seen, wanted, what):
    if seen == wanted:
        return
    if isinstance(wanted, list):
        at = next((i for i, (a, b) in enumerate(zip(seen, wanted)) if a != b), min(len(seen), len(wanted)))
        raise AssertionError(
            f"{what}: {len(seen)} entries instead of {len(wanted)}, other from number {at} on: "
            f"{seen[at:at + 1]} instead of {wanted[at:at + 1]}")
    raise AssertionError(f"{what}: {seen} instead of {wanted}")


def same_accounts(page, users):
    assert page.get("next") is None, "--all ended before the end"
    names = [account["name"] for account in page["accounts"]]
    assert len(names) == len(set(names)), "an account stands there twice"
    seen, wanted = set(names), {f"u{user}" for user in users}
    assert seen == wanted, f"{len(seen - wanted)} too many, {len(wanted - seen)} missing: {sorted(seen ^ wanted)[:5]}"


# ----------------------------------------------------------------------------------------------------------------------


def timed(what, work):
    print(f"==> {what}", flush=True)
    began = time.monotonic()
    result = work()
    print(f"    done in {time.monotonic() - began:.1f} s", flush=True)
    return result


def build():
    for product in "rookery", "rookeryd":
        subprocess.run(["swift", "build", "-c", "release", "--product", product], cwd=ROOT, check=True)
    return str(ROOT / ".build/release/rookery")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder with graphs/ and tweets/")
    parser.add_argument("--graph", type=pathlib.Path, help="edge list (default: graphs/socfb-Reed98.edges of the data)")
    parser.add_argument("--tweets", type=pathlib.Path, help="tweets (default: tweets/tweets.txt of the data)")
    parser.add_argument("--slice", type=int, metavar="N", help="only N users, and 4 lines for each")
    parser.add_argument("--program", help="a built rookery, with rookeryd beside it (default: build for release)")
    parser.add_argument("--queries", type=int, default=200, metavar="N", help="searches to compare, and Top-K "
                        "lists with them (default 200; 0 for neither)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the searches (default: any)")
    parser.add_argument("--workers", type=int, default=4, help="users that are compared at once (default 4)")
    parser.add_argument("--cluster", type=pathlib.Path, metavar="DIR", help="use the cluster of DIR/cluster.yaml, which is "
                        "up, with the sessions in DIR/state")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder for a look")
    return parser.parse_args()


def find_data(options):
    return options.data or pathlib.Path(os.environ.get("ROOKERY_DATA") or ROOT.parent / "shared/data")


def find_files(options):
    data = find_data(options)
    graph = options.graph or data / "graphs/socfb-Reed98.edges"
    tweets = options.tweets or data / "tweets/tweets.txt"
    for path in graph, tweets, ROOT / "cluster.yaml":
        if not path.is_file():
            stop(f"There is no {path}: set ROOKERY_DATA to the folder that holds graphs/ and tweets/.")
    return graph.resolve(), tweets.resolve()


def compare_searches(comparison, options, first_day):
    links = search_oracle.Links(find_data(options) / "twitter-text/tld_lib.yml")
    searches = search_oracle.SearchComparison(comparison, same, links, (first_day, today()), options.seed)
    what = f"comparing searches and Top-K lists, seed {options.seed}"
    timed(what, lambda: searches.run(options.queries, options.workers))


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def compare(rookery, graph, tweets, options):
    workers = options.workers
    # A cluster that is up may have been given the tweets on another day.
    first_day = IDS_BEGIN if options.cluster else today()
    oracle = Oracle(graph, tweets)
    print(f"    {len(oracle.users)} users, {len(oracle.edges)} edges, {sum(map(len, oracle.said.values()))} tweets")

    def load():
        output = rookery.run("import", "--graph", graph, "--tweets", tweets, timeout=3600).strip()
        print("\n".join(f"    {line}" for line in output.split("\n")[-5:]))
        rookery.settle()

    timed("importing", load)
    comparison = Comparison(rookery, oracle)
    comparison.settle_open_lines()
    counters = lambda user: comparison.check_counters(user, "counters after the first import")
    timed("comparing everybody's counters", lambda: comparison.over_all_users(counters, workers))
    timed("importing again", load)
    timed("comparing everything that everybody sees", lambda: comparison.over_all_users(comparison.check_user, workers))
    if options.queries:
        compare_searches(comparison, options, first_day)
    return comparison


def main():
    options = arguments()
    graph, tweets = find_files(options)
    began = time.monotonic()
    program = options.program or timed("building for release (several minutes the first time)", build)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rookery-import-"))
    try:
        if options.slice:
            graph, tweets = slice_files(graph, tweets, options.slice, folder)
        rookery = Rookery(os.path.abspath(program), options.cluster.resolve() if options.cluster else folder)
        with contextlib.nullcontext() if options.cluster else rookery.running():
            comparison = compare(rookery, graph, tweets, options)
    except (RuntimeError, subprocess.SubprocessError) as error:
        stop(error)
    finally:
        if options.keep:
            print(f"    everything is left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for difference in comparison.differences[:SHOWN_DIFFERENCES]:
        print(f"  {difference}")
    counts = ", ".join(f"{what} {count}" for what, count in comparison.passed.items())
    verdict = "FAIL" if comparison.differences else "PASS"
    print(f"{verdict}: {comparison.passed.total()} comparisons agree ({counts}), "
          f"{len(comparison.differences)} differ, {time.monotonic() - began:.0f} s")
    sys.exit(1 if comparison.differences else 0)


if __name__ == "__main__":
    main()
