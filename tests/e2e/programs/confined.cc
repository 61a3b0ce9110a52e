// A program that locks itself in before its first look-up, then fetches a page.
//   e2e_confined chroot FOLDER HOST PORT     has no library nor policy to open
//   e2e_confined seccomp FILE HOST PORT      may only make the system calls
//   that
//                                            FILE lists between backquotes
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>

#include "tests/e2e/programs/fetch.h"

namespace {

int fail(const char* what) {
  std::perror(what);
  return 3;
}

// What it does itself, the list aside.
constexpr const char* kOwnCalls[] = {"write", "exit_group", "recvfrom",
                                     "sendto"};

// Everything else fails with EPERM.
bool allow_only(const std::string& list) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  const auto allow = [&](const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) std::fprintf(stderr, "no call %s\n", name);
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
  };
  const std::regex quoted("`([a-z0-9_]+)`");
  for (std::sregex_iterator at(list.begin(), list.end(), quoted), end;
       at != end; ++at)
    allow((*at)[1].str().c_str());
  for (const char* name : kOwnCalls) allow(name);
  return seccomp_load(filter) == 0;
}

bool lock_in(std::string_view how, const char* where) {
  if (how == "chroot") return chroot(where) == 0 && chdir("/") == 0;
  std::ifstream file(where);
  return allow_only({std::istreambuf_iterator<char>(file), {}});
}

int fetch(const char* host, const char* port) {
  const addrinfo* const list = resolve(host, port);
  const int descriptor = socket(list->ai_family, SOCK_STREAM, 0);
  if (connect(descriptor, list->ai_addr, list->ai_addrlen) != 0)
    return fail("connect");
  send(descriptor, kRequest, sizeof kRequest - 1, 0);
  char buffer[4096];
  ssize_t got;
  while ((got = recv(descriptor, buffer, sizeof buffer, 0)) > 0)
    if (write(STDOUT_FILENO, buffer, static_cast<size_t>(got)) < 0) return 3;
  return got == 0 ? 0 : fail("recv");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  if (!lock_in(argv[1], argv[2])) return fail(argv[1]);
  return fetch(argv[3], argv[4]);
}
