// Functions that libc exports under several names, and those that close or
// duplicate: each by the very name, as programs may be linked against it.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "tests/abi/behaviour.h"

namespace happy::behaviour {
namespace {

template <typename Function>
Function* named(const std::string& name) {
  auto* found = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name.c_str()));
  EXPECT_NE(found, nullptr) << name;
  return found;
}

class ByName : public testing::TestWithParam<const char*> {
 protected:
  template <typename Function>
  static Function* function() {
    return named<Function>(GetParam());
  }
  // Whether GetParam() is `name`, with or without underscores and "64".
  static bool is(const std::string& name) {
    std::string plain = GetParam();
    while (plain.front() == '_') plain.erase(0, 1);
    if (plain.ends_with("64")) plain.resize(plain.size() - 2);
    return plain == name;
  }
};
std::string name_of_function(const testing::TestParamInfo<const char*>& info) {
  return info.param;
}

class Connects : public ByName {};
INSTANTIATE_TEST_SUITE_P(Behaviour, Connects,
                         testing::Values("connect", "__connect"),
                         name_of_function);

TEST_P(Connects, Races) {
  const Target target = resolve("refused");
  const Descriptor fd = tcp();
  const auto connect = function<int(int, const sockaddr*, socklen_t)>();
  EXPECT_EQ(connect(fd.get(), target.get(), target.length), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  ASSERT_EQ(polled(fd.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(fd.get()), "127.0.30.2");
}

class Duplicating : public ByName {
 protected:
  static int duplicate(int fd) {
    if (is("dup")) return function<int(int)>()(fd);
    if (is("dup2")) return function<int(int, int)>()(fd, 400);
    if (is("dup3")) return function<int(int, int, int)>()(fd, 401, 0);
    return function<int(int, int, ...)>()(fd, F_DUPFD, 402);
  }
};
INSTANTIATE_TEST_SUITE_P(Behaviour, Duplicating,
                         testing::Values("dup", "dup2", "__dup2", "dup3",
                                         "fcntl", "fcntl64", "__fcntl"),
                         name_of_function);

TEST_P(Duplicating, GivesACopyThatGetsTheWinner) {
  const Descriptor fd = tcp();
  ASSERT_EQ(begin(fd, resolve("second")), EINPROGRESS);
  const Descriptor copy(duplicate(fd.get()));
  ASSERT_EQ(polled(copy.get(), POLLOUT, kLong), POLLOUT);
  EXPECT_EQ(peer_of(copy.get()), "127.0.20.2");
}

// The race holds descriptors of its own until it ends.
class Closing : public ByName {
 protected:
  static constexpr int kNumber = 700;  // below it nothing may be closed

  static void end(int fd) {
    if (is("close")) {
      function<int(int)>()(fd);
    } else if (is("close_range")) {
      function<int(unsigned, unsigned, int)>()(fd, fd, 0);
    } else if (is("closefrom")) {
      function<void(int)>()(fd);
    } else if (is("fclose")) {
      function<int(FILE*)>()(fdopen(fd, "r"));
    } else {
      function<FILE*(const char*, const char*, FILE*)>()("/dev/null", "r",
                                                         fdopen(fd, "r"));
    }
  }
  static int settled_descriptors() {
    int count = open_descriptors(), steady = 0;
    eventually([&] {
      const int now = open_descriptors();
      steady = now == std::exchange(count, now) ? steady + 1 : 0;
      return steady > 5;
    });
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(Behaviour, Closing,
                         testing::Values("close", "__close", "close_range",
                                         "closefrom", "fclose", "freopen",
                                         "freopen64"),
                         name_of_function);

TEST_P(Closing, EndsTheRace) {
  {
    const Descriptor warm = tcp();
    ASSERT_EQ(begin(warm, resolve("second")), EINPROGRESS);
    expect_connected(warm.get());
  }
  ASSERT_EQ(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), kNumber), kNumber);
  const int before = settled_descriptors();
  ASSERT_EQ(dup2(tcp().get(), kNumber), kNumber);
  ASSERT_EQ(begin(kNumber, resolve("hung")), EINPROGRESS);
  ASSERT_GT(open_descriptors(), before);
  end(kNumber);
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }, 2s))
      << open_descriptors() << " instead of " << before;
  // With all that it needs.
  const Descriptor next = tcp();
  ASSERT_EQ(begin(next, resolve("second")), EINPROGRESS);
  expect_connected(next.get());
}

}  // namespace
}  // namespace happy::behaviour
