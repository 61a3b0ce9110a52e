// Thousands of connections in flight at once in one process. As many race as
// leave the host its descriptors; the others are libc's own connect().
#include <malloc.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/abi/behaviour.h"
#include "tests/lab/late_server.h"
#include "tests/lab/library.h"

namespace happy::behaviour {
namespace {

// RLIMIT_NOFILE, as long as it lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t wanted) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = now_ = std::min(wanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

  rlim_t now() const { return now_; }

 private:
  rlimit before_{};
  rlim_t now_ = 0;
};

size_t crowd_size() { return lab::sanitized() ? 2000 : 10'000; }

// Without what the allocator keeps of freed memory.
long resident_kib() {
  malloc_trim(0);
  long all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// Both addresses of crowd.lab.test, closed until opened.
lab::LateServer late_server() {
  return lab::LateServer(
      {{IpAddress::parse("127.0.47.1").value(), web_port()},
       {IpAddress::parse("127.0.47.2").value(), web_port()}});
}

class Crowd : public testing::Test {
 protected:
  // The library closes what is its own a moment later; the next test counts.
  void TearDown() override {
    fds_.clear();
    EXPECT_TRUE(eventually([] { return open_descriptors() < 200; }));
  }

  void begin_all(size_t count, const Target& target) {
    for (size_t i = 0; i < count; ++i) {
      fds_.push_back(tcp());
      const int fd = fds_.back().get();
      ASSERT_GE(fd, 0) << "the host has no descriptor left for number " << i;
      ASSERT_EQ(begin(fd, target), EINPROGRESS);
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                        .data = {.fd = fd}};
      ASSERT_EQ(epoll_ctl(set_.get(), EPOLL_CTL_ADD, fd, &event), 0);
    }
  }

  size_t racing() const {
    return std::ranges::count_if(
        fds_, [](const Descriptor& fd) { return is_stand_in(fd.get()); });
  }

  // Collects edges until so many descriptors have reported. On a slow machine
  // the kernel repeats its SYNs ever less often meanwhile.
  bool report(size_t wanted, milliseconds limit = 60s) {
    const Stopwatch watch;
    while (edges_.size() < wanted && watch.elapsed() < limit) collect(100ms);
    return edges_.size() >= wanted;
  }
  void collect(milliseconds limit) {
    epoll_event events[256];
    const int count =
        epoll_wait(set_.get(), events, 256, static_cast<int>(limit.count()));
    for (int i = 0; i < count; ++i)
      edges_[events[i].data.fd].push_back(events[i].events);
  }

  const Descriptor set_{epoll_create1(EPOLL_CLOEXEC)};
  std::vector<Descriptor> fds_;
  std::map<int, std::vector<uint32_t>> edges_;
};

// Numbers of local TCP ports that a socket other than a stand-in has.
std::set<int> ports_in_use() {
  std::set<int> ports;
  for (const char* name : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(name);
    std::string line, place, local;
    while (std::getline(file, line)) {
      std::istringstream(line) >> place >> local;
      const size_t colon = local.find(':');
      if (colon == std::string::npos) continue;
      // 127.64.0.0/10, the first octet last.
      const bool ours = colon == 8 && local.substr(6, 2) == "7F" &&
                        std::stoi(local.substr(4, 2), nullptr, 16) >> 6 == 1;
      if (!ours) ports.insert(std::stoi(local.substr(colon + 1), nullptr, 16));
    }
  }
  return ports;
}

bool can_bind(int port) {
  const Descriptor fd = tcp();
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(static_cast<uint16_t>(port));
  return bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0;
}

// Ephemeral ports that nobody uses and that still cannot be bound.
std::vector<int> ports_taken_away() {
  int first = 0, last = 0;
  std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
  const std::set<int> used = ports_in_use();
  std::vector<int> out;
  for (int port = first; port <= last; ++port)
    if (!used.contains(port) && !can_bind(port)) out.push_back(port);
  if (out.empty()) return out;
  // Others on this machine come and go.
  const std::set<int> now = ports_in_use();
  std::erase_if(out,
                [&](int port) { return now.contains(port) || can_bind(port); });
  return out;
}

TEST_F(Crowd, OfThousandsInFlightAllConnectAndNothingIsLost) {
  const Target target = resolve("crowd");
  const DescriptorLimit limit(300'000);
  if (limit.now() < 2 * crowd_size())
    GTEST_SKIP() << "RLIMIT_NOFILE cannot be raised to 20,000";
  auto server = late_server();
  // What the library needs once is there before anything is counted.
  const Descriptor first = tcp();
  ASSERT_EQ(begin(first, target), EINPROGRESS);
  ASSERT_TRUE(is_stand_in(first.get()));
  const int before = open_descriptors();
  const long before_kib = resident_kib();

  ASSERT_NO_FATAL_FAILURE(begin_all(crowd_size(), target));
  const size_t raced = racing();
  EXPECT_GE(raced, 500u);
  collect(0ms);
  EXPECT_EQ(edges_.size(), 0u) << "before any server has answered";
  EXPECT_LE(ports_taken_away().size(), 2u);

  // The second address is that of races alone.
  server.open(1);
  EXPECT_TRUE(report(1));
  server.open(0);
  ASSERT_TRUE(report(crowd_size())) << edges_.size();
  size_t won_elsewhere = 0;
  for (const Descriptor& fd : fds_) {
    ASSERT_EQ(edges_[fd.get()], std::vector<uint32_t>{EPOLLOUT}) << fd.get();
    ASSERT_EQ(so_error(fd.get()), 0);
    won_elsewhere += peer_of(fd.get()) == "127.0.47.2";
  }
  EXPECT_GE(won_elsewhere, 1u);
  EXPECT_LE(won_elsewhere, raced);

  fds_.clear();
  edges_.clear();
  EXPECT_TRUE(eventually([&] { return open_descriptors() <= before; }))
      << open_descriptors() << " descriptors, " << before << " before";
  const long lost_kib = resident_kib() - before_kib;
  EXPECT_LT(lost_kib, lab::sanitized() ? 1 << 20 : 8192);
}

// Two thirds of the limit are the host's.
TEST_F(Crowd, LeavesTheHostItsDescriptors) {
  const Target target = resolve("hung");
  const DescriptorLimit limit(4096);
  ASSERT_NO_FATAL_FAILURE(begin_all(2700, target));
  EXPECT_GT(racing(), 100u);
  EXPECT_LT(racing(), 1000u);
}

// The common limit: the numbers above 1,000 are few.
TEST_F(Crowd, RacesUnderTheUsualLimitToo) {
  const Target target = resolve("hung");
  const DescriptorLimit limit(1024);
  ASSERT_NO_FATAL_FAILURE(begin_all(40, target));
  EXPECT_EQ(racing(), 40u);
}

}  // namespace
}  // namespace happy::behaviour
