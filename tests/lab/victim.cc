// A program to be killed in the middle of its work: makes a namespace lab, runs
// a program in it, and says which processes and namespace there are.
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "tests/lab/namespace_lab.h"

int main() {
  using happy::lab::NamespaceLab;
  NamespaceLab lab({.hosts = {{"198.51.100.1", {}}}, .names = {}});
  const auto link = lab.run_plain({"readlink", "/proc/self/ns/net"});
  std::printf("%d %s", lab.resolver_pid(), link.out.c_str());
  std::fflush(stdout);
  lab.run_plain({"sleep", "60"}, {}, std::chrono::seconds(60));
}
