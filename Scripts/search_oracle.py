"""What searches and Top-K lists must answer, by brute force over what everybody said, for check-import.py.

Every query is made as a tree, written down for the program and evaluated here by asking each tweet; nothing is parsed
and nothing is indexed. Words follow rule F6, tags and links twitter-text 3 (https://github.com/twitter/twitter-text).

Where only Unicode data that Python lacks can tell whether a text holds a tag or a link, a verdict is None; a query on
which any tweet's verdict is None is not asked, and such a tag is not ranked. All that is asked must agree exactly.
"""
import collections
import collections.abc
import concurrent.futures
import dataclasses
import datetime
import random
import re
import sys
import unicodedata

LONGEST_WORD = 60  # of those that are asked for
LONGEST_NAME = 15
SORTED_TOP = 5  # every so many queries are asked with --sort top as well
TRIES = 50  # to draw a query of one shape that has a verdict on every tweet

# Words (rule F6) ------------------------------------------------------------------------------------------------------

# Default_Ignorable_Code_Point of DerivedCoreProperties.txt, but for U+200B, which separates words.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")
LETTERS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"}
MARKS = {"Mn", "Mc"}


def words(text):
    """The text's words in their order, folded."""
    text = unicodedata.normalize("NFKC", IGNORABLE.sub("", unicodedata.normalize("NFKC", text).casefold()))
    found, is_open = [], False
    for character in text:
        category = unicodedata.category(character)
        begins = character == "_" or category in LETTERS
        if begins and not is_open:
            found.append("")
        is_open = begins or is_open and category in MARKS
        if is_open:
            found[-1] += character
    return found


def folded_name(name):
    return "".join(words(name))


# Tags, mentions and links (twitter-text 3) ----------------------------------------------------------------------------


def characters(is_member):
    """The inside of a regular expression's class."""
    every = "".join("x" if is_member(unicodedata.category(chr(point))) else " " for point in range(sys.maxunicode + 1))
    return "".join(f"\\U{run.start():08x}-\\U{run.end() - 1:08x}" for run in re.finditer("x+", every))


LATIN_ACCENTS = ("\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272"
                 "\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff")
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
SPACES = "\t-\r \u0085\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
HASHTAG_SPECIALS = "_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003\u0f0b\u0f0c\u00b7"
HASHTAG_LETTERS = characters(lambda category: category[0] in "LM")
# Private characters, some of which the rules take for letters, and those that are newer than this Python.
UNKNOWN_LETTERS = characters(lambda category: category in ("Co", "Cn"))


def hashtag_pattern(letters):
    every = letters + "\\d" + HASHTAG_SPECIALS
    return re.compile(f"(?:^|[\ufe0e\ufe0f]|[^&{every}])([#＃](?![\ufe0f\u20e3])([{every}]*[{letters}][{every}]*))")


HASHTAG = hashtag_pattern(HASHTAG_LETTERS)
GENEROUS_HASHTAG = hashtag_pattern(HASHTAG_LETTERS + UNKNOWN_LETTERS)
AFTER_HASHTAG = re.compile("[#＃]|://")
MENTION = re.compile("(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.-])[rR][tT]:?)"
                     "([@＠]([a-zA-Z0-9_]{1,20})(/[a-zA-Z][a-zA-Z0-9_-]{0,24})?)")
AFTER_MENTION = re.compile(f"[@＠{LATIN_ACCENTS}]|://")
CASHTAG = re.compile(f"(?:^|[{SPACES}{BIDI_CONTROLS}])(\\$([a-zA-Z]{{1,6}}(?:[._][a-zA-Z]{{1,2}})?))"
                     f"(?=$|[{SPACES}!-/:-@\\[-`{{-~])")

SUBDOMAIN = r"(?:(?:[a-z0-9][a-z0-9_-]*)?[a-z0-9]\.)"
DOMAIN_NAME = r"(?:(?:[a-z0-9][a-z0-9-]*)?[a-z0-9]\.)"
PATH_CHARACTER = rf"[a-z0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&\u0400-\u04ff{LATIN_ACCENTS}]"
PARENTHESES = rf"\((?:{PATH_CHARACTER}+|{PATH_CHARACTER}*\({PATH_CHARACTER}+\){PATH_CHARACTER}*)\)"
PATH_END = rf"(?:[a-z0-9=_#/+\-\u0400-\u04ff{LATIN_ACCENTS}]|{PARENTHESES})"
PATH = rf"(?:{PATH_CHARACTER}*(?:{PARENTHESES}{PATH_CHARACTER}*)*{PATH_END}|@{PATH_CHARACTER}+/)"
QUERY = r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9_&=#/\-]"
SHORTENED = re.compile(rf"https?://t\.co/([a-z0-9]+)(?:{QUERY})?", re.IGNORECASE | re.ASCII)
LONGEST_SLUG = 40
LONG_LABEL = re.compile("[^.]{64}")
NEXT_SPACE = re.compile(f"[{SPACES}]|$")
# Labels and dots in which other alphabets take part, up to the next space.
STRANGE_CHAIN = re.compile(f"[^{SPACES}{BIDI_CONTROLS}!-,/:-@\\[-^`{{-~]*[^\x00-\x7f{SPACES}{BIDI_CONTROLS}]"
                           f"[^{SPACES}{BIDI_CONTROLS}!-,/:-@\\[-^`{{-~]*")


class Links:
    """Finds web addresses, given the top-level domains."""

    def __init__(self, file):
        """`file` is twitter-text's tld_lib.yml; without it, whatever holds a dot may be a link."""
        lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else []
        domains = sorted({line[2:].strip(" '\"") for line in lines if line.startswith("- ")}, key=len, reverse=True)
        self.is_sure = bool(domains)
        every = "|".join(map(re.escape, domains)) or "[^\\W_]"
        light = "|".join(re.escape(domain) for domain in domains if domain.isascii()) or "(?!)"
        end = "(?=[^0-9a-zA-Z@+-]|$)"
        self.after_dot = re.compile(rf"\.(?:(?:{every}){end if domains else ''}|xn--)", re.IGNORECASE)
        self.link = re.compile(
            rf"([^A-Za-z0-9@＠$#＃\ufffe\ufeff\uffff]|^)((https?://)?({SUBDOMAIN}*{DOMAIN_NAME}"
            rf"(?:(?:{light}){end}|xn--[a-z0-9-]+))(?::[0-9]+)?(?:/{PATH}*)?(?:{QUERY})?)",
            re.IGNORECASE | re.ASCII)

    def spans(self, text):
        for match in self.link.finditer(text):
            before, address, protocol, domain = match.groups()
            shortened = SHORTENED.match(address)
            if shortened and len(shortened[1]) <= LONGEST_SLUG:
                yield match.start(2), match.start(2) + shortened.end()
            elif not shortened and (protocol or not before or before not in "-_./") and not LONG_LABEL.search(domain):
                yield match.span(2)

    def possible_spans(self, text):
        """Up to the next space: what is perhaps an address, or goes on as one, or has labels longer than names' 63."""
        for match in STRANGE_CHAIN.finditer(text) if self.is_sure else self.after_dot.finditer(text):
            if self.after_dot.search(match[0]):
                yield match.start(), NEXT_SPACE.search(text, match.end()).start()
        for match in self.link.finditer(text):
            if LONG_LABEL.search(match[4]) or not text[match.end():][:1].isascii():
                yield match.start(2), NEXT_SPACE.search(text, match.end()).start()


def entities(text, links, hashtag=HASHTAG):
    """The facts that stand in a text, as `#tag`, `$tag`, `@name` (folded) and `filter:links`."""
    found = [(*span, "filter:links") for span in links]
    for match in hashtag.finditer(text):
        if not AFTER_HASHTAG.match(text, match.end()):
            found.append((*match.span(1), "#" + folded_name(match[2])))
    for match in MENTION.finditer(text):
        if not AFTER_MENTION.match(text, match.end()):
            is_mention = not match[3] and len(match[2]) <= LONGEST_NAME
            found.append((*match.span(1), "@" + match[2].lower() if is_mention else None))
    found += [(*match.span(1), "$" + folded_name(match[2])) for match in CASHTAG.finditer(text)]
    # Of two that overlap, the one that begins first stays.
    facts, end = set(), 0
    for start, stop, name in sorted(found, key=lambda entity: entity[0]):
        if start >= end:
            facts.add(name)
            end = stop
    return facts - {None}


class Said:
    """A tweet: who said it, as which of their tweets, and what is known of it."""

    def __init__(self, author, place, text, links):
        self.user, self.author, self.place, self.text, self.words = author, f"u{author}", place, text, words(text)
        spans = list(links.spans(text))
        plain, generous = entities(text, spans), entities(text, [*links.possible_spans(text), *spans], GENEROUS_HASHTAG)
        self.open = plain ^ generous
        self.facts = plain & generous | {f"from:{self.author}"}


# Queries --------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Query:
    written: str
    holds: collections.abc.Callable  # of a tweet: True, False or None
    joint: str = ""


def said(written, wanted):
    """One word, or several that follow one another."""
    size = len(wanted)
    return Query(written, lambda tweet: any(
        tweet.words[at:at + size] == wanted for at in range(len(tweet.words) - size + 1)))


def fact(written, name):
    return Query(written, lambda tweet: None if name in tweet.open else name in tweet.facts)


def no(part):
    def holds(tweet):
        verdict = part.holds(tweet)
        return None if verdict is None else not verdict

    return Query(f"-({part.written})" if part.joint else f"-{part.written}", holds)


def both(*parts):
    return joined(parts, " ", decisive=False)


def either(*parts):
    return joined(parts, " OR ", decisive=True)


def joined(parts, joint, decisive):
    def holds(tweet):
        verdicts = [part.holds(tweet) for part in parts]
        return decisive if decisive in verdicts else None if None in verdicts else not decisive

    # OR binds weaker, so that only an OR inside an AND needs parentheses.
    pieces = [f"({part.written})" if part.joint > joint else part.written for part in parts]
    return Query(joint.join(pieces), holds, joint)


class Draw:
    """Draws queries from what was said. Tweets were posted from `days[0]` to `days[1]`, nobody knows when exactly."""

    def __init__(self, tweets, days, chance):
        self.tweets, self.days, self.chance = tweets, days, chance
        counts = collections.Counter(word for tweet in tweets for word in set(tweet.words))
        self.vocabulary, self.several = set(counts), [tweet for tweet in tweets if len(tweet.words) > 1]
        ranked = sorted((word for word in counts if len(word) <= LONGEST_WORD), key=lambda word: (-counts[word], word))
        self.frequent, self.rare = ranked[:30], [word for word in ranked if counts[word] <= 2]
        self.middling = [word for word in ranked[30:] if counts[word] > 2]
        self.facts = sorted({name for tweet in tweets for name in tweet.facts})
        word, often, seldom = self.word, lambda: self.word(self.frequent), lambda: self.word(self.rare)
        hashtag, link = lambda: self.tag("#"), lambda: fact("filter:links", "filter:links")
        self.shapes = [
            often, lambda: word(self.middling), seldom, hashtag, lambda: self.tag("@"), lambda: self.tag("$"),
            self.pair, self.phrase, self.verbatim, self.keyword,
            lambda: either(word(), word()), lambda: either(both(often(), word()), word(), both(word(), often())),
            lambda: both(often(), no(word())), lambda: no(often()),
            lambda: both(no(often()), word(self.middling)), lambda: both(either(seldom(), word()), often()),
            lambda: both(either(word(), hashtag()), no(either(word(), self.phrase()))),
            lambda: both(self.author(), often()), lambda: both(self.author(), no(word())),
            lambda: both(word(), self.day()), link, lambda: both(often(), no(link())),
            self.nonsense, lambda: either(self.nonsense(), seldom()), lambda: both(word(), self.fixed()),
            lambda: self.tree(3), lambda: self.tree(3)]
        self.leaves = [word, word, self.phrase, self.author, self.day, hashtag]

    def queries(self, count):
        """Each with the tweets it must find."""
        for number in range(count):
            for _ in range(TRIES):
                query = self.shapes[number % len(self.shapes)]()
                verdicts = [query.holds(tweet) for tweet in self.tweets]
                if None not in verdicts:
                    yield query, [tweet for tweet, verdict in zip(self.tweets, verdicts) if verdict]
                    break

    def spelled(self, word):
        """The word in another case or width, as long as it folds to itself; OR is no word."""
        wide = word.translate({point: point + 0xFEE0 for point in range(0x21, 0x7F)})
        ways = [way for way in (word.upper(), word.title(), wide) if words(way) == [word] and way != "OR"]
        return self.chance.choice([word, word, *ways])

    def word(self, pool=None):
        pool = pool or self.chance.choice([self.frequent, self.middling, self.rare])
        word = self.chance.choice(pool or self.frequent)
        return said(self.spelled(word), [word])

    def pair(self):
        pool = [word for word in self.some_tweet().words if len(word) <= LONGEST_WORD] or self.frequent
        return both(*(self.word([word]) for word in self.chance.sample(pool, min(2, len(pool)))))

    def phrase(self):
        tweet, size = self.some_tweet(), self.chance.choice([2, 3])
        at = self.chance.randrange(max(1, len(tweet.words) - size + 1))
        wanted = tweet.words[at:at + size]
        left, right = self.chance.choice(['""', "“”"])
        return said(f"{left}{' '.join(map(self.spelled, wanted))}{right}", wanted)

    def verbatim(self):
        """A piece of a tweet as it was written, in quotation marks."""
        chunks = re.sub('["“”]', " ", self.some_tweet().text).split()
        at = self.chance.randrange(len(chunks))
        return self.quoting(" ".join(chunks[at:at + self.chance.choice([2, 3])]), '"{}"')

    def keyword(self):
        """Words that no space parts, such as it's and well-known."""
        chunks = [chunk for tweet in self.chance.sample(self.tweets, min(50, len(self.tweets)))
                  for chunk in tweet.text.split() if chunk[0].isalnum() and not re.search('["“”():]', chunk)]
        joined = [chunk for chunk in chunks if len(words(chunk)) > 1]
        return self.quoting(self.chance.choice(joined), "{}") if joined else self.word()

    def quoting(self, text, form):
        wanted = words(text)
        # A mark right behind a quotation mark would make another character of it.
        fits = 0 < len(wanted) <= 8 and len(text) <= 4 * LONGEST_WORD and unicodedata.category(text[0])[0] not in "MC"
        return said(form.format(text), wanted) if fits else self.phrase()

    def some_tweet(self):
        return self.chance.choice(self.several or [tweet for tweet in self.tweets if tweet.words])

    def tag(self, sign):
        names = [name[1:] for name in self.facts if name[0] == sign and words(name[1:]) == [name[1:]]]
        if not names:
            return fact(f"{sign}nobody", f"{sign}nobody")
        name = self.chance.choice(names)
        # A username is ASCII in a query as everywhere else; a tag may be written in another width.
        written = self.spelled(name) if sign != "@" else self.chance.choice([name, name.upper()])
        return fact(self.chance.choice({"#": "#＃", "@": "@＠", "$": "$"}[sign]) + written, sign + name)

    def author(self):
        name = self.chance.choice(self.tweets).author
        return fact(f"from:{self.chance.choice([name, '@' + name, name.upper()])}", f"from:{name}")

    def day(self):
        first, last = self.days
        one = datetime.timedelta(days=1)
        day, is_over = self.chance.choice([(first - one, False), (first, False), (last + one, True)])
        operator, verdict = self.chance.choice([("since", not is_over), ("until", is_over)])
        return Query(f"{operator}:{day}", lambda _: verdict)

    def fixed(self):
        """Imported tweets have neither likes nor media and answer nobody."""
        written, verdict = self.chance.choice([
            ("min_likes:0", True), ("min_likes:1", False), ("filter:media", False), ("-filter:media", True),
            ("filter:replies", False), (f"to:{self.chance.choice(self.tweets).author}", False)])
        return Query(written, lambda _: verdict)

    def nonsense(self):
        while True:
            word = "".join(self.chance.choices("bcdfghjklmnpqrstvwxz", k=9))
            if word not in self.vocabulary:
                return said(word, [word])

    def tree(self, depth):
        if depth == 0:
            return self.chance.choice(self.leaves)()
        parts = [self.tree(self.chance.randrange(depth)) for _ in range(self.chance.choice([2, 2, 3]))]
        return self.chance.choice([both(*parts), either(*parts), both(parts[0], no(parts[1])), no(parts[0])])


# The comparison -------------------------------------------------------------------------------------------------------


class SearchComparison:
    """Asks the same cluster as `comparison`, and counts into it."""

    def __init__(self, comparison, same, links, days, seed):
        self.comparison, self.oracle, self.same, self.days = comparison, comparison.oracle, same, days
        self.chance = random.Random(seed)
        self.tweets = [Said(author, place, text, links) for author, texts in self.oracle.said.items()
                       for place, text in enumerate(texts)]

    def run(self, count, workers):
        print(f"    {count} queries, {sum(bool(tweet.open) for tweet in self.tweets)} tweets of doubtful tags or links")
        jobs = [*self.searches(count), *self.rankings()]
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda job: self.comparison.check(*job), jobs))

    def searches(self, count):
        draw = Draw(self.tweets, self.days, self.chance)
        for number, (query, wanted) in enumerate(draw.queries(count if draw.frequent else 0)):
            arguments = ["search", "--all", "--archive", "--max", 100]
            compare = lambda page, query=query, wanted=wanted: self.found(page, query, wanted)
            user = self.chance.choice(self.oracle.users)
            yield user, "search", arguments, compare, ["--", query.written]
            if number % SORTED_TOP == 0:
                # Nothing is liked, answered or retweeted: equal scores stand newest first.
                yield user, "search by score", [*arguments, "--sort", "top"], compare, ["--", query.written]

    def found(self, page, query, wanted):
        what = f"search {query.written!r}"
        ids = [int(tweet["id"]) for tweet in page["tweets"]]
        assert page.get("next") is None and not page["missing_nodes"], f"{what}: --all did not come to the end"
        assert all(a > b for a, b in zip(ids, ids[1:])), f"{what}: ids do not descend strictly"
        ends = [len(ids), *(str(ids[at]) if ids else None for at in (0, -1))]
        told = [page["count"], *(page.get(key) and str(page[key]) for key in ("newest_id", "oldest_id"))]
        self.same(told, ends, f"{what}: count, newest_id, oldest_id")
        shown = sorted((tweet["author"], int(tweet["id"]), tweet["text"]) for tweet in page["tweets"])
        wanted = sorted(wanted, key=lambda tweet: (tweet.author, tweet.place))
        self.same([(author, text) for author, _, text in shown], [(tweet.author, tweet.text) for tweet in wanted],
                  f"{what}: tweets by author, oldest first")
        # One text may be there twice: ids are those that the timelines showed.
        known = [self.comparison.ids.get(tweet.user, [])[tweet.place:][:1] for tweet in wanted]
        self.same([[str(number)] for _, number, _ in shown], [list(map(str, ids)) for ids in known], f"{what}: ids")

    def rankings(self):
        tags = collections.Counter(name[1:] for tweet in self.tweets for name in tweet.facts if name[0] == "#")
        doubtful = {name[1:] for tweet in self.tweets for name in tweet.open if name[0] == "#"}
        users = {f"u{user}": len(follows) for user, follows in self.oracle.follows.items()}
        asked = [("hashtags", [], k, tags, doubtful) for k in (10, 50, 1000)]
        asked += [("users", ["--by", "followers"], k, users, ()) for k in (10, 100, 1000)]
        for what, options, *wanted in asked:
            compare = lambda answer, wanted=wanted: self.ranked(answer, *wanted)
            user = self.chance.choice(self.oracle.users)
            yield user, f"top {what}", ["top", what, *options, "-k", wanted[0]], compare

    def ranked(self, answer, k, counts, doubtful):
        assert answer["exact"] is True and not answer["missing_nodes"], f"-k {k}: the list is not exact"
        seen = [(item["key"], item["count"]) for item in answer["items"]]
        sure = [item for item in seen if item[0] not in doubtful]
        wanted = sorted(((key, count) for key, count in counts.items() if count and key not in doubtful),
                        key=lambda item: (-item[1], item[0]))
        self.same(sure, wanted[:k - (len(seen) - len(sure))], f"-k {k}: the largest, with their counts")
