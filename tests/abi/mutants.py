#!/usr/bin/env python3
"""Shows that no part of the shim is there without a test: takes one hook away
at a time, then one step of the exchange, and expects a named test to fail.

    mutants.py SOURCE_FOLDER BUILD_FOLDER [NAME...]

The build folder must be built whole; it is not changed. Exit status 1 where a
mutant lives, a test is not good without one, or a hook has no mutant.
"""
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from library_variant import Builder

B, C, E = "behaviour_test", "conformance_test", "e2e_test"

# Exports that are no hooks.
TABLES = {"happy_process"}

# The hooks by the test that misses them; {} is the hook's name.
HOOKS = {
    (B, "Behaviour/Connects.Races/{}"): "connect __connect",
    (B, "MidRaceShutdown.EndsTheRaceToo"): "shutdown",
    (B, "Behaviour/OptionTest.SetDuringTheRaceReachesTheWinner/NoDelay"):
        "setsockopt",
    (B, "Options.TheRulesTimeOutDoesNotShow"): "getsockopt",
    (B, "Behaviour/InProgress.TheOwnAddressIsThatOfTheConnection/Raced"):
        "getsockname",
    (B, "Behaviour/Closing.EndsTheRace/{}"):
        "close __close close_range closefrom fclose freopen freopen64",
    (B, "Behaviour/Duplicating.GivesACopyThatGetsTheWinner/{}"):
        "dup dup2 __dup2 dup3 fcntl fcntl64 __fcntl",
    (B, "Behaviour/MadeBlocking.InMidRaceTheSocketIsAConnectingOneOfItsOwn/"
        "Ioctl"): "ioctl",
    (B, "Behaviour/Registered.ReportsTheWinnerWithItsData/LevelBefore"):
        "epoll_ctl",
    (B, "OwnDescriptors.StayBelowTheHostsWay"): "epoll_create1 eventfd pipe2",
    (B, "Fork.AChildForWhichNoDescriptorIsFreeLives"): "__register_atfork",
    (B, "Behaviour/InheritedByExec.IsAttemptOne/{}"):
        "execve execv execvp execvpe execl execlp execle fexecve execveat",
    (B, "Inherited.BySpawnIsAttemptOne"): "posix_spawn",
    (B, "Inherited.BySpawnOnThePathIsAttemptOne"): "posix_spawnp",
    (B, "Inherited.BySystemIsAttemptOne"): "system",
    (B, "Inherited.ByPopenIsAttemptOne"): "popen",
    (E, "Opened/PluginTest.ResolvesOverDotAndRaces/now_0"): "dlopen",
    (B, "Behaviour/InheritedByMessage.IsAttemptOne/{}"): "sendmsg sendmmsg",
    (E, "Names/EveryFunction.AsksNobodyInClearText/{}"):
        "getaddrinfo getaddrinfo_a gethostbyname gethostbyname2"
        " gethostbyname_r gethostbyname2_r getnameinfo gethostbyaddr"
        " gethostbyaddr_r rcmd rcmd_af rexec rexec_af ruserok ruserok_af"
        " res_query __res_query res_search __res_search"
        " res_querydomain __res_querydomain res_nquery __res_nquery"
        " res_nsearch __res_nsearch res_nquerydomain __res_nquerydomain"
        " res_send __res_send res_nsend __res_nsend",
}


class Step(NamedTuple):
    """A step of the exchange, taken out."""
    name: str
    file: str
    old: str  # must be there exactly once
    new: str
    program: str
    test: str


STEPS = [
    Step("the host keeps descriptors for itself", "shim/attempts.cc",
         "own::leaves_room(fd, own::Share::kToBegin)", "true",
         B, "Crowd.LeavesTheHostItsDescriptors"),
    Step("a number of another file is left alone", "shim/exchange.cc",
         "    if (!is_shown(race, race->numbers[i])) "
         "hide(race, race->numbers[i]);", "",
         B, "Close.BehindTheLibrarysBackNeverOverwritesTheRecycledNumber"),
    Step("the new file gets the mode of the old", "shim/exchange.cc",
         "    socket_options::copy_file_status(race->numbers[0], descriptor);",
         "", B, "Async.TheWinnerSignalsAsTheCallerAsked"),
    Step("FD_CLOEXEC is kept", "shim/exchange.cc",
         "(flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0", "0 * flags",
         B, "Modes.CloseOnExecIsKept"),
    Step("epoll registrations are taken off before", "shim/exchange.cc",
         "    epoll_sets::detach(fd);\n", "", C, "*Conformance*/epoll"),
    Step("epoll registrations are put back after", "shim/exchange.cc",
         "    epoll_sets::attach(fd);\n", "",
         B, "Behaviour/Registered.ReportsTheWinnerWithItsData/LevelBefore"),
    Step("what a number shows is noted", "shim/exchange.cc",
         "  note_shown(race, descriptor);\n  drop(race);", "  drop(race);",
         B, "Duplicates.FromBeforeTheRaceGetTheWinner"),
    Step("other numbers of the socket are found", "shim/exchange.cc",
         "  if (fd_table::is_duplicated(fd)) add_duplicates(race, fd);", "  (void)add_duplicates;",
         B, "Duplicates.FromBeforeTheRaceGetTheWinner"),
    Step("sleepers on the stand-in are woken", "shim/races.cc",
         "  exchange::replace(race, descriptor);\n"
         "  real::shutdown(race->stand_in, int{SHUT_RDWR});",
         "  exchange::replace(race, descriptor);",
         B, "*Sleeper.ForOutputWakesWithTheWinner/*"),
    Step("the winner gets the options set in mid-race", "shim/races.cc",
         "  attempts::settle_options(race, winner);\n", "",
         B, "Options.SetWhileTheWinnerConnectsReachesIt"),
    Step("the winner's own number is closed", "shim/races.cc",
         "  own::close(descriptor);\n  race->outcome.descriptor = -1;",
         "  race->outcome.descriptor = -1;",
         B, "Close.AfterEveryKindOfEndLosesNoDescriptor"),
    Step("who waits for input only is woken by it", "shim/races.cc",
         "      real::shutdown(race->stand_in, int{SHUT_RDWR});\n"
         "      exchange::hide_all(race);",
         "      exchange::hide_all(race);",
         B, "*Sleeper.ForInputOnlyWakesWithTheBanner/*"),
    Step("the loser on the caller's socket is closed", "shim/races.cc",
         "      own::close(race->attempt);\n      race->attempt = -1;", "",
         B, "Close.IsTheLosersEndThoughTheWinnerStaysOpen"),
    Step("a failed race takes the rule's time-out off", "shim/races.cc",
         "  attempts::settle_options(race, given);\n", "",
         B, "Behaviour/OutOfTime.TheSocketIsTheCallersOwnAgain/attempts"),
    Step("attempt 1 is waited for after attempt_ms", "shim/races.cc",
         "  if (descriptor >= 0 || !wait_for_error(race)) "
         "give_back(race, descriptor);",
         "  (void)wait_for_error, give_back(race, descriptor);",
         B, "Behaviour/OutOfTime.TheErrorIsTimedOutAfterTheRulesTime/attempts"),
    Step("attempt 1 is fresh after connect_ms", "shim/races.cc",
         "  attempts::disconnect(race->attempt);\n", "",
         B, "Behaviour/OutOfTime.TheSocketConnectsAgainElsewhere/bounded"),
    Step("the stand-in ends at connect_ms", "shim/stand_in.cc",
         "    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, "
         "static_cast<int>(connect_ms));", "",
         B, "Behaviour/OutOfTime.TheErrorIsTimedOutAfterTheRulesTime/bounded"),
    Step("the stand-in connects for hours", "shim/stand_in.cc",
         "  set(fd, IPPROTO_TCP, TCP_SYNCNT, kMostRetries);",
         "  set(fd, IPPROTO_TCP, TCP_SYNCNT, 1 + 0 * kMostRetries);",
         B, "StandIn.ConnectsForLongerThanTheKernelWould"),
    Step("the stand-in is on an address of its own", "shim/stand_in.cc",
         "  if (!bind_to_own_address(fd, family)) return false;", "",
         B, "StandIn.TakesNoPortOfTheHosts"),
    Step("the listener takes nobody in", "shim/stand_in.cc",
         "    if (fill_queue()) return fd;",
         "    fill_queue();\n    if (listen(fd, 64) == 0) return fd;",
         B, "Behaviour/InProgress.ThereIsNoPeer/Raced"),
    Step("a child has attempt 1 back", "shim/races.cc",
         "    entry.race.store(nullptr);\n    uncover(race, fd);",
         "    entry.race.store(nullptr), (void)race, (void)fd;",
         B, "Fork.TheChildHasAnOrdinaryConnectingSocket"),
    Step("IPV6_V6ONLY keeps nobody from IPv4", "shim/socket_options.cc",
         "    if (mapped && is(kRows[changed.row], IPPROTO_IPV6, IPV6_V6ONLY)) "
         "continue;\n", "",
         B, "Mapped/V6Only.IsOvertakenByIpv4AndReadsAsItWas/NonBlocking"),
    Step("IPV6_V6ONLY reads as it was set", "shim/attempts.cc",
         "      keep_v6_only(*race);", "      (void)keep_v6_only;",
         B, "Mapped/V6Only.IsOvertakenByIpv4AndReadsAsItWas/NonBlocking"),
    Step("a blocking caller gets the winner", "shim/blocking.cc",
         "    exchange::replace(race, other);\n", "",
         B, "Behaviour/Blocking.IsGoodOnceThenIsConnected/Raced"),
    Step("a blocking caller's waiting peers are woken", "shim/blocking.cc",
         "    real::shutdown(race->attempt, int{SHUT_RDWR});  "
         "// who polls it wakes\n", "",
         B, "BlockingRace.WakesWhoPollsTheSocketMeanwhile"),
]


class Mutant(NamedTuple):
    name: str
    build: object  # folder -> library
    program: str
    test: str


def mutants(builder):
    for (program, test), names in HOOKS.items():
        for hook in names.split():
            yield Mutant(
                f"without {hook}()",
                lambda folder, hook=hook: builder.without(folder, [hook]),
                program, test.format(hook))
    for step in STEPS:
        yield Mutant(
            f"not: {step.name}",
            lambda folder, step=step: builder.patched(
                folder, step.file, step.old, step.new),
            step.program, step.test)


def without_mutant(source):
    exports = (Path(source) / "shim/exports.map").read_text()
    hooks = set(re.findall(r"\b(\w+);", exports.split("local:")[0]))
    covered = {hook for names in HOOKS.values() for hook in names.split()}
    return sorted(hooks - covered - TABLES)


def lives(mutant, builder):
    """What is wrong, or nothing."""
    output, good = builder.run(mutant.program, mutant.test)
    if not good:
        return f"{mutant.test} is not good by itself\n{output[-2000:]}"
    with tempfile.TemporaryDirectory(prefix="happy-mutant-") as folder:
        library = mutant.build(Path(folder))
        _, good = builder.run(mutant.program, mutant.test, library)
    return f"{mutant.test} did not notice" if good else ""


def main():
    source, build = (Path(p).resolve() for p in sys.argv[1:3])
    wanted = sys.argv[3:]
    builder = Builder(source, build)
    chosen = [m for m in mutants(builder)
              if not wanted or any(w in m.name for w in wanted)]
    killed = 0
    for mutant in chosen:
        complaint = lives(mutant, builder)
        killed += not complaint
        print(f"{'LIVES ' if complaint else 'killed'}  {mutant.name}: "
              f"{complaint or mutant.test}", flush=True)
    forgotten = without_mutant(source)
    if forgotten:
        print(f"hooks without a mutant: {' '.join(forgotten)}")
    print(f"{killed} of {len(chosen)} mutants killed")
    return 0 if chosen and killed == len(chosen) and not forgotten else 1


if __name__ == "__main__":
    sys.exit(main())
