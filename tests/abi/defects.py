#!/usr/bin/env python3
"""Shows that the conformance tables can fail: builds libhappy.so with one
deliberate defect at a time, from a copy of one source file, and expects a named
row to notice.

    defects.py SOURCE_FOLDER BUILD_FOLDER [DEFECT...]

The build folder must hold the objects of libhappy.so and conformance_test. It
is not changed.
"""
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from library_variant import Builder


class Defect(NamedTuple):
    name: str
    file: str
    old: str  # must be there exactly once
    new: str
    row: str  # TOPIC/NAME of one that must fail


DEFECTS = [
    Defect("swap order: epoll sets are left after the exchange",
           "shim/exchange.cc",
           """    epoll_sets::detach(fd);
    while (real::dup3(""",
           """    while (real::dup3(""",
           "epoll/level-before"),
    Defect("swap order: the old file is ended before the exchange",
           "shim/races.cc",
           """  exchange::replace(race, descriptor);
  real::shutdown(race->stand_in, int{SHUT_RDWR});""",
           """  real::shutdown(race->stand_in, int{SHUT_RDWR});
  (void)descriptor;""",
           "nonblocking/dead-first"),
    Defect("FD_CLOEXEC is lost", "shim/exchange.cc",
           "(flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0",
           "flags == -2 ? O_CLOEXEC : 0",
           "nonblocking/won-cloexec"),
    Defect("O_NONBLOCK is lost", "shim/socket_options.cc",
           "  real::fcntl(to, F_SETFL, flags);",
           "  real::fcntl(to, F_SETFL, flags & ~O_NONBLOCK);",
           "nonblocking/won-flags"),
    Defect("the owner is lost", "shim/socket_options.cc",
           "real::fcntl(to, F_SETOWN_EX, &owner);", "",
           "flags/owner-alone"),
    Defect("SO_ERROR is asked of attempt 1", "shim/hooks_connect.cc",
           "(level == SOL_SOCKET && name == SO_ERROR)", "level == -1",
           "nonblocking/all-dead"),
    Defect("SO_ERROR keeps what ending an attempt left", "shim/attempts.cc",
           "  get_int(fd, SOL_SOCKET, SO_ERROR, 0);", "",
           "blocking/all-dead"),
    Defect("a wait that timed out says EAGAIN", "shim/blocking.cc",
           "return errno == EAGAIN ? EINPROGRESS : errno;", "return errno;",
           "blocking/sndtimeo"),
    Defect("an interruption says EINPROGRESS", "shim/blocking.cc",
           "return errno == EAGAIN ? EINPROGRESS : errno;",
           "return EINPROGRESS;",
           "signals/alarm"),
    Defect("an interruption is slept over", "shim/blocking.cc",
           "  got = recv(race->wake[0], &byte, 1, 0);",
           """  do {
    got = recv(race->wake[0], &byte, 1, 0);
  } while (got < 0 && errno == EINTR);""",
           "signals/alarm-sndtimeo"),
    Defect("SO_SNDTIMEO is not kept", "shim/blocking.cc",
           "  real::setsockopt(race->wake[0], SOL_SOCKET, SO_RCVTIMEO,",
           "  real::setsockopt(race->wake[1], SOL_SOCKET, SO_RCVTIMEO,",
           "signals/sndtimeo-first"),
    Defect("epoll: level-triggered registrations are forgotten",
           "shim/epoll_sets.cc",
           "    if (at->disarmed) continue;\n",
           "    if (at->disarmed || (at->events & EPOLLET) == 0) continue;\n",
           "epoll/level-after"),
    Defect("epoll: edge-triggered becomes level-triggered",
           "shim/epoll_sets.cc",
           "    event.events = at->events;",
           "    event.events = at->events & ~uint32_t{EPOLLET};",
           "epoll/edge-after"),
    Defect("epoll: one-shot becomes lasting", "shim/epoll_sets.cc",
           "    event.events = at->events;",
           "    event.events = at->events & ~uint32_t{EPOLLONESHOT};",
           "epoll/oneshot-after"),
    Defect("epoll: a one-shot that has fired is armed again",
           "shim/epoll_sets.cc",
           "      at->disarmed = fired;", "      at->disarmed = fired && false;",
           "epoll/oneshot-fired-before"),
    Defect("epoll: the data are lost", "shim/epoll_sets.cc",
           "    event.data.u64 = at->data;", "",
           "epoll/mod-data"),
    Defect("getpeername: the stand-in is connected", "shim/stand_in.cc",
           "    if (fill_queue()) return fd;",
           "    fill_queue();\n    if (listen(fd, 64) == 0) return fd;",
           "nonblocking/connecting-peer"),
    Defect("getsockname: the stand-in's own", "shim/hooks_connect.cc",
           "real::getsockname(races::spokesman_locked(fd), address, length)",
           "real::getsockname(fd, address, length)",
           "nonblocking/connecting-name"),
    Defect("hints: the look-up asks for both families", "shim/names.cc",
           "engine->lookup_start(name, family)",
           "engine->lookup_start(name, family * 0)",
           "blocking/hinted"),
    Defect("close() leaves an errno", "shim/races.cc",
           "  errno = saved;\n}\n\nvoid duplicated_locked(",
           "  errno = EAGAIN + 0 * saved;\n}\n\nvoid duplicated_locked(",
           "closing/close-errno-won"),
    Defect("connect() leaves an errno", "shim/races.cc",
           "  if (result == 0) errno = saved;", "  (void)saved;",
           "blocking/dead-first"),
    Defect("options set in mid-race do not reach the winner",
           "shim/races.cc",
           "socket_options::note_change(level, name, value, length, "
           "&race->options);",
           "((void)name, (void)value, (void)length, level != -1);",
           "options/tcp-nodelay-during"),
    Defect("other numbers keep the loser", "shim/exchange.cc",
           "if (fd_table::is_duplicated(fd)) add_duplicates(race, fd);",
           "(void)add_duplicates;",
           "duplicates/dup-blocking"),
    Defect("close_range() closes the library's own", "shim/hooks_descriptors.cc",
           "  unsigned from = first;\n  for (int fd = own::next(",
           "  unsigned from = first;\n  for (int fd = -1 + 0 * own::next(",
           "closing/close-range-high-won"),
    Defect("a bad pointer is read", "shim/readable.h",
           "  if (!can_read_eight(last)) return false;\n", "",
           "blocking/bad-pointer"),
]


def check(defect, builder):
    topic = defect.row.split("/")[0]
    with tempfile.TemporaryDirectory(prefix="happy-defect-") as folder:
        library = builder.patched(Path(folder), defect.file, defect.old,
                                  defect.new)
        output, _ = builder.run("conformance_test", f"*Conformance*/{topic}",
                                library, seconds=250)
    rows = re.findall(r"^row (\S+)$", output, re.M)
    caught = defect.row in rows
    others = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    if not caught:
        others = f" did not notice; {len(rows)} others did"
    print(f"{'caught' if caught else 'MISSED'}  {defect.name}: "
          f"{defect.row}{others}", flush=True)
    return caught


def main():
    source, build = (Path(p).resolve() for p in sys.argv[1:3])
    wanted = sys.argv[3:]
    chosen = [d for d in DEFECTS
              if not wanted or any(w in d.name for w in wanted)]
    builder = Builder(source, build)
    caught = [check(defect, builder) for defect in chosen]
    print(f"{sum(caught)} of {len(caught)} defects caught")
    return 0 if caught and all(caught) else 1


if __name__ == "__main__":
    sys.exit(main())
