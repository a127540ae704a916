#!/usr/bin/env python3
"""Writes TopLevelDomains.swift: the top-level domains of today, and those that old tweets still name.

usage: generate_tlds.py [--list PUBLIC_SUFFIX_LIST] OUT_FILE

The source is the Public Suffix List (https://publicsuffix.org), as Debian's package `publicsuffix` installs it. Of its
ICANN part every rule's last label is a top-level domain. Country codes are the two-letter ASCII ones and the
internationalised ones, which stand before the marker of the new generic domains.
"""
import argparse
import pathlib
import textwrap

LIST = "/usr/share/publicsuffix/public_suffix_list.dat"
WIDTH = 116

# Two-letter codes of ISO 3166 that a tweet may hold though they are not delegated (any more): .an went in 2015 after
# the Netherlands Antilles, .tp in 2015 after .tl took its place, .um in 2007; .bl, .bq, .eh and .mf are only reserved.
FORMER_COUNTRIES = "an bl bq eh mf tp um".split()

# Generic names that ICANN had delegated and whose agreements have ended since
# (https://www.icann.org/en/registry-agreements, terminated).
FORMER_GENERICS = """
    active adac afamilycompany aigo blanco bnl boots budapest bugatti cancerresearch cartier caseih ceb chloe chrysler
    csc dodge doha doosan duck duns epost esurance everbank flsmidth fujixerox glade goodhands honeywell htc iinet
    intel iselect iveco iwc jcp jlc ladbrokes lancome liaison lixil loft lupin mcd mcdonalds meo metlife mobily
    montblanc mopar movistar mtpc mutuelle nadex nationwide newholland off onyourside orientexpress pamperedchef
    panerai piaget qvc raid rightathome rmit sapo scjohnson scor ses shriram spiegel spreadbetting srt starhub statoil
    swiftcover symantec telecity telefonica uconnect vista vistaprint warman wed xperia zippo
    موبايلي 大众汽车 工行 手表 珠宝 诺基亚
""".split()

SWIFT = """\
// Written by Scripts/generate_tlds.py from the Public Suffix List (https://publicsuffix.org, MPL 2.0); never edited.

/// The names of the top-level domains, in lower case, parted by blanks and line ends.
enum TopLevelDomains {{
    /// Country codes, the internationalised ones too.
    static let country = \"\"\"
{country}
        \"\"\"

    /// Everything else.
    static let generic = \"\"\"
{generic}
        \"\"\"
}}
"""


def read(path):
    """The country codes and the generic names of the list's ICANN part."""
    country, generic = set(FORMER_COUNTRIES), set(FORMER_GENERICS)
    before_new_generics = True
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if "===END ICANN DOMAINS===" in line:
            return country, generic
        if line.startswith("// newGTLDs"):
            before_new_generics = False
        if not line.strip() or line.startswith("//"):
            continue
        name = line.split()[0].rsplit(".", 1)[-1].lstrip("!").lower()
        is_country = len(name) == 2 if name.isascii() else before_new_generics
        (country if is_country else generic).add(name)
    raise SystemExit(f"{path} has no end of its ICANN part")


def block(names):
    return textwrap.fill(" ".join(sorted(names)), WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 8,
                         break_long_words=False, break_on_hyphens=False)


def main():
    arguments = argparse.ArgumentParser(usage=__doc__.split("\n")[2].removeprefix("usage: "))
    arguments.add_argument("--list", default=LIST)
    arguments.add_argument("out")
    options = arguments.parse_args()
    country, generic = read(options.list)
    pathlib.Path(options.out).write_text(
        SWIFT.format(country=block(country), generic=block(generic - country)), encoding="utf-8")


if __name__ == "__main__":
    main()
