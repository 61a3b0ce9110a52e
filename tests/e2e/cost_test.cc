// What the library costs a program that needs nothing of it: objects that are
// not mapped and time that is not spent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "tests/lab/loopback_lab.h"

namespace happy::e2e {
namespace {

using lab::LoopbackLab;
using testing::HasSubstr;
using testing::Not;
using Microseconds = std::chrono::duration<double, std::micro>;

TEST(Cost, TrueMapsNeitherLibuvNorGnutls) {
  LoopbackLab lab;
  const auto outcome = lab.run({"/bin/true"}, {{"LD_DEBUG", "files"}});
  EXPECT_THAT(outcome.err, HasSubstr("libhappy.so"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("libuv")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("gnutls")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("libhappy-core")));
}

TEST(Cost, NoGnutlsUnderTheEmbeddedDefault) {
  LoopbackLab lab;
  const auto outcome =
      lab.run({"env", "-u", "HAPPY_POLICY", "/usr/bin/python3", "-c",
               "import socket; socket.getaddrinfo('localhost', 80);"
               "print(open('/proc/self/maps').read())"});
  EXPECT_THAT(outcome.out, HasSubstr("libhappy-core"));  // the control
  EXPECT_THAT(outcome.out, Not(HasSubstr("gnutls")));
  EXPECT_THAT(outcome.out, Not(HasSubstr("libhappy-tls")));
}

Microseconds time_true(const std::vector<std::string>& environment) {
  std::vector<char*> entries;
  for (const auto& entry : environment)
    entries.push_back(const_cast<char*>(entry.c_str()));
  entries.push_back(nullptr);
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  const auto started = std::chrono::steady_clock::now();
  pid_t child = -1;
  EXPECT_EQ(
      posix_spawn(&child, name, nullptr, nullptr, arguments, entries.data()),
      0);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return std::chrono::steady_clock::now() - started;
}

Microseconds median(std::vector<Microseconds> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

// The budget is 0.3 ms; a test on a loaded machine allows more and prints what
// it was.
TEST(Cost, AnExecUnderTheLibraryIsLittleDearer) {
  if (lab::sanitized()) GTEST_SKIP() << "a sanitizer costs more than this";
  LoopbackLab lab;
  const std::string policy = lab.folder().write("p.json", lab.policy().dump());
  std::vector<std::string> with;
  for (const auto& [name, value] : lab::library_environment({.policy = policy}))
    with.push_back(name + "=" + value);
  std::vector<Microseconds> plain_times, library_times;
  for (int i = 0; i < 200; ++i) {
    plain_times.push_back(time_true({}));
    library_times.push_back(time_true(with));
  }
  const auto more = median(library_times) - median(plain_times);
  std::printf("plain %.0f us, under the library %.0f us: %.0f us more\n",
              median(plain_times).count(), median(library_times).count(),
              more.count());
  // A slow machine is slow with both.
  EXPECT_LE(more, std::max(Microseconds(600), median(plain_times)));
}

}  // namespace
}  // namespace happy::e2e
