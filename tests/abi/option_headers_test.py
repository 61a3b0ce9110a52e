"""Every socket option of the installed headers is in shim/option_rows.inc.

option_headers_test.py COMPILER PRINTER SOURCE_FOLDER
PRINTER is option_table_print. With headers of a later kernel this names the
options that are new: they need a row, or a place among VALUES below.
"""

import functools
import pathlib
import re
import subprocess
import sys
import unittest

COMPILER, PRINTER, ROOT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])

# libc's and the kernel's headers of one thing cannot be included together.
HEADERS = [
    ["sys/socket.h", "netinet/in.h", "netinet/tcp.h"],
    ["asm/socket.h", "linux/tcp.h"],
    ["linux/in.h", "linux/in6.h"],
    ["linux/mptcp.h"],
]

OPTION = re.compile(r"(SO|IP|IPV6|MCAST|TCP|MPTCP)_[A-Z0-9_]+$")

# Second names: of the same option.
ALIASES = {
    "SO_RCVTIMEO": "SO_RCVTIMEO_OLD",
    "SO_SNDTIMEO": "SO_SNDTIMEO_OLD",
    "SO_TIMESTAMP": "SO_TIMESTAMP_OLD",
    "SO_TIMESTAMPNS": "SO_TIMESTAMPNS_OLD",
    "SO_TIMESTAMPING": "SO_TIMESTAMPING_OLD",
    "SO_DETACH_BPF": "SO_DETACH_FILTER",
    "SO_GET_FILTER": "SO_ATTACH_FILTER",
    "IP_RECVRETOPTS": "IP_RETOPTS",
    "IP_RECVORIGDSTADDR": "IP_ORIGDSTADDR",
    "IP_PMTUDISC": "IP_MTU_DISCOVER",
    "IPV6_ADD_MEMBERSHIP": "IPV6_JOIN_GROUP",
    "IPV6_DROP_MEMBERSHIP": "IPV6_LEAVE_GROUP",
    "IPV6_RECVORIGDSTADDR": "IPV6_ORIGDSTADDR",
    "IPV6_RXHOPOPTS": "IPV6_HOPOPTS",
    "IPV6_RXDSTOPTS": "IPV6_DSTOPTS",
    "TCP_CM_INQ": "TCP_INQ",
}

# Values, flags and limits that begin like options.
VALUES = re.compile("|".join([
    r"IP_DEFAULT_MULTICAST_(LOOP|TTL)", r"IP_MAX_MEMBERSHIPS",
    r"IP_PMTUDISC_(DO|DONT|INTERFACE|OMIT|PROBE|WANT)",
    r"IPV6_PMTUDISC_(DO|DONT|INTERFACE|OMIT|PROBE|WANT)",
    r"IPV6_FL_[AFS]_[A-Z]+", r"IPV6_FLOWINFO_(FLOWLABEL|PRIORITY)",
    r"IPV6_PREFER_SRC_[A-Z_]+", r"IPV6_PRIORITY_[A-Z0-9]+",
    r"IPV6_RTHDR_(LOOSE|STRICT|TYPE_0)", r"IPV6_TLV_[A-Z0-9]+",
    r"MCAST_INCLUDE", r"MCAST_EXCLUDE",
    r"TCP_MSS(_DEFAULT|_DESIRED)?", r"TCP_MAXWIN", r"TCP_MAX_WINSHIFT",
    r"TCP_MD5SIG_(MAXKEYLEN|FLAG_[A-Z]+)",
    r"TCP_COOKIE_(IN_ALWAYS|OUT_NEVER|MAX|MIN|PAIR_SIZE)",
    r"TCP_S_DATA_(IN|OUT)", r"TCP_REPAIR_(ON|OFF|OFF_NO_WP)",
    r"TCP_RECEIVE_ZEROCOPY_FLAG_TLB_CLEAN_HINT",
    r"TCP_AO_(MAXKEYLEN|KEYF_[A-Z_]+)",
    r"MPTCP_(ATTR|PM_ATTR|PM_ADDR_ATTR|SUBFLOW_ATTR)_MAX",
    r"MPTCP_(INFO|PM_ADDR|SUBFLOW|PM_EV)_FLAGS?_[A-Z0-9_]+",
    r"MPTCP_PM_(CMD_GRP_NAME|EV_GRP_NAME|NAME|VER)", r"MPTCP_RST_[A-Z0-9]+",
]))


def preprocess(text, *flags):
    return subprocess.run(
        [COMPILER, "-E", "-P", "-x", "c++", "-D_GNU_SOURCE", *flags, "-"],
        input=text, capture_output=True, text=True, check=True).stdout


def macros(headers):
    """{name: value} of the object-like macros; None where it is no number."""
    includes = "".join(f"#include <{header}>\n" for header in headers)
    names = [line.split()[1]
             for line in preprocess(includes, "-dM").splitlines()
             if len(line.split()) > 2 and "(" not in line.split()[1]]
    names = [name for name in names if OPTION.match(name)]
    marks = "".join(f'\n"the value of" {i} is {name}\n'
                    for i, name in enumerate(names))
    values = dict.fromkeys(names)
    for line in preprocess(includes + marks).splitlines():
        found = re.match(r'"the value of" (\d+) is \(?(0x[0-9a-f]+|\d+)\)?$',
                         line, re.IGNORECASE)
        if found:
            values[names[int(found[1])]] = int(found[2], 0)
    return values


@functools.cache
def all_macros():
    out = {}
    for headers in HEADERS:
        out.update(macros(headers))
    return out


@functools.cache
def rows():
    """{name: number} of the table."""
    lines = subprocess.run([PRINTER], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return {line.split()[1]: int(line.split()[2]) for line in lines}


def unnamed(found, table):
    return sorted(name for name in found
                  if name not in table and name not in ALIASES
                  and not VALUES.fullmatch(name))


def differing(found, table):
    named = {**table,
             **{name: table[row] for name, row in ALIASES.items()}}
    return sorted(f"{name} is {value}, not {named[name]}"
                  for name, value in found.items()
                  if value is not None and named.get(name, value) != value)


class Headers(unittest.TestCase):
    def test_every_option_has_a_row(self):
        self.assertEqual(
            unnamed(all_macros(), rows()), [],
            "options of these headers without a row in shim/option_rows.inc")

    def test_numbers_are_the_headers(self):
        self.assertEqual(differing(all_macros(), rows()), [])

    def test_numbers_for_older_headers_are_the_headers(self):
        text = (ROOT / "shim/option_numbers.h").read_text()
        own = {name: int(value) for name, value in re.findall(
            r"#define (\w+) (\d+)\n", text)}
        self.assertGreater(len(own), 10)
        self.assertEqual(
            [name for name, value in all_macros().items()
             if value is not None and own.get(name, value) != value], [])

    def test_the_headers_are_read(self):
        found = all_macros()
        self.assertGreater(len(found), 250)
        self.assertEqual(found["SO_KEEPALIVE"], rows()["SO_KEEPALIVE"])
        for name in ("IP_TOS", "IPV6_TCLASS", "TCP_NODELAY", "MPTCP_INFO"):
            self.assertIsNotNone(found[name], name)


class Document(unittest.TestCase):
    def test_shows_the_table(self):
        rendered = subprocess.run([PRINTER, "--markdown"], text=True,
                                  capture_output=True, check=True).stdout
        document = (ROOT / "docs/options.md").read_text()
        begin = document.find("\n### ")
        self.assertEqual(
            document[begin:], rendered,
            "docs/options.md from its first ### on is to be what "
            "option_table_print --markdown prints")


class TheTestItself(unittest.TestCase):
    def test_names_what_is_new(self):
        found = {"SO_KEEPALIVE": 9, "SO_FUTURE": 99, "TCP_MSS": 512}
        self.assertEqual(unnamed(found, {"SO_KEEPALIVE": 9}), ["SO_FUTURE"])

    def test_tells_another_number(self):
        table = {**rows(), "SO_KEEPALIVE": 8}
        self.assertEqual(differing({"SO_KEEPALIVE": 9}, table),
                         ["SO_KEEPALIVE is 9, not 8"])

    def test_tells_an_alias_with_another_number(self):
        self.assertEqual(len(differing({"IP_PMTUDISC": 11}, rows())), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
