#include "core/net/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "tests/unit/net/plain_host.h"

namespace happy::net {
namespace {

class WatchTest : public testing::Test {
 protected:
  void SetUp() override {
    uv_loop_init(&loop_);
    watch_ = std::make_unique<Watch>(plain_host());
    ASSERT_EQ(watch_->open(&loop_), 0);
    for (auto& pair : pairs_) {
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    }
  }
  void TearDown() override {
    uv_walk(
        &loop_, [](uv_handle_t* h, void*) { uv_close(h, nullptr); }, nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    watch_->abandon();
    uv_loop_close(&loop_);
    watch_.reset();
    for (auto& pair : pairs_) {
      for (const int fd : pair) close(fd);
    }
  }
  void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }
  void feed(int pair) { ASSERT_EQ(write(pairs_[pair][1], "x", 1), 1); }
  int near(int pair) const { return pairs_[pair][0]; }

  uv_loop_t loop_;
  std::unique_ptr<Watch> watch_;
  int pairs_[2][2];
};

TEST_F(WatchTest, CallsOnceAnEventWithTheEventsOfEpoll) {
  int calls = 0;
  uint32_t seen = 0;
  ASSERT_TRUE(watch_->add(near(0), EPOLLIN, [&](uint32_t events) {
    ++calls;
    seen = events;
  }));
  turn();
  EXPECT_EQ(calls, 0);
  feed(0);
  turn();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(seen, uint32_t{EPOLLIN});
}

// uv_poll_init() on the descriptor itself would have set it.
TEST_F(WatchTest, LeavesABlockingFileBlocking) {
  ASSERT_TRUE(watch_->add(near(0), EPOLLIN, [](uint32_t) {}));
  feed(0);
  turn();
  EXPECT_EQ(fcntl(near(0), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(WatchTest, RemovedIsNeverCalled) {
  const auto id = watch_->add(near(0), EPOLLIN, [](uint32_t) { FAIL(); });
  ASSERT_TRUE(id);
  feed(0);
  watch_->remove(*id);
  watch_->remove(*id);
  turn();
}

TEST_F(WatchTest, RemovalDuringDispatchHoldsForEventsAlreadyFetched) {
  std::optional<WatchId> ids[2];
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    ids[i] = *watch_->add(near(i), EPOLLIN, [&, i](uint32_t) {
      ++calls;
      watch_->remove(*ids[1 - i]);
    });
    feed(i);
  }
  turn();
  EXPECT_EQ(calls, 1);
}

TEST_F(WatchTest, CallbackMayRemoveItselfAndLive) {
  std::optional<WatchId> id;
  const auto alive = std::make_shared<int>(7);
  int seen = 0;
  id = *watch_->add(near(0), EPOLLIN, [&, alive](uint32_t) {
    watch_->remove(*id);
    seen = *alive;
  });
  feed(0);
  turn();
  turn();
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(alive.use_count(), 1) << "the callback is gone with its watch";
}

// A slot taken again in mid-dispatch must not get its predecessor's event.
TEST_F(WatchTest, RecycledSlotIsAnotherRegistration) {
  std::optional<WatchId> old[2];
  int calls_of_new = 0;
  for (int i = 0; i < 2; ++i) {
    old[i] = *watch_->add(near(i), EPOLLIN, [&, i](uint32_t) {
      watch_->remove(*old[0]);
      watch_->remove(*old[1]);
      char byte;
      EXPECT_EQ(read(near(1 - i), &byte, 1), 1);
      ASSERT_TRUE(
          watch_->add(near(1 - i), EPOLLIN, [&](uint32_t) { ++calls_of_new; }));
    });
    feed(i);
  }
  turn();
  turn();
  EXPECT_EQ(calls_of_new, 0);
}

TEST_F(WatchTest, AddingDuringDispatchIsSafe) {
  int calls = 0;
  ASSERT_TRUE(watch_->add(near(0), EPOLLIN, [&](uint32_t) {
    if (++calls == 1) {
      ASSERT_TRUE(watch_->add(near(1), EPOLLIN, [&](uint32_t) { ++calls; }));
    }
  }));
  feed(0);
  feed(1);
  turn();
  turn();
  EXPECT_GE(calls, 3) << "level-triggered, both";
}

TEST_F(WatchTest, SameNumberTwiceAndBadNumberAreValues) {
  ASSERT_TRUE(watch_->add(near(0), EPOLLIN, [](uint32_t) {}));
  const auto twice = watch_->add(near(0), EPOLLIN, [](uint32_t) {});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error(), EEXIST);
  const auto bad = watch_->add(-1, EPOLLIN, [](uint32_t) {});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), EBADF);
}

TEST_F(WatchTest, MoreEventsThanOneFetchHolds) {
  int calls = 0;
  std::vector<int> copies;
  feed(0);
  for (int i = 0; i < 200; ++i) {
    copies.push_back(dup(near(0)));
    ASSERT_TRUE(
        watch_->add(copies.back(), EPOLLIN, [&](uint32_t) { ++calls; }));
  }
  for (int i = 0; i < 8; ++i) turn();
  EXPECT_GE(calls, 200);
  for (const int fd : copies) close(fd);
}

}  // namespace
}  // namespace happy::net
