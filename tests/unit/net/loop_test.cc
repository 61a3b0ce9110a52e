#include "core/net/loop.h"

#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <semaphore>
#include <thread>

#include "tests/unit/net/plain_host.h"

namespace happy::net {
namespace {

using namespace std::chrono_literals;

// Leaked like the library's own; reachable, so that leak checkers agree.
Loop* new_loop(Loop::SetUp set_up = {},
               std::optional<Loop::IdleEnd> idle_end = {}) {
  static std::vector<Loop*>& all = *new std::vector<Loop*>;
  all.push_back(new Loop(plain_host(), std::move(set_up), std::move(idle_end)));
  return all.back();
}

TEST(Loop, RunsWorkOnAThreadOfItsOwnInOrder) {
  Loop* loop = new_loop();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(loop->post([&order, i] { order.push_back(i); }));
  }
  std::thread::id helper;
  bool on_loop = false;
  ASSERT_TRUE(loop->run_and_wait([&] {
    helper = std::this_thread::get_id();
    on_loop = loop->on_loop_thread();
  }));
  EXPECT_NE(helper, std::this_thread::get_id());
  EXPECT_TRUE(on_loop);
  EXPECT_FALSE(loop->on_loop_thread());
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Loop, ThreadIsNamedSmallAndBlocksEverySignal) {
  Loop* loop = new_loop();
  char name[16] = "";
  size_t stack = 0;
  sigset_t mask;
  ASSERT_TRUE(loop->run_and_wait([&] {
    pthread_getname_np(pthread_self(), name, sizeof name);
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
  }));
  EXPECT_STREQ(name, "happy");
#ifndef __SANITIZE_THREAD__  // which makes stacks larger
  EXPECT_LE(stack, 256u * 1024);
#endif
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD, SIGALRM, SIGUSR1, SIGPIPE,
                           SIGPROF, SIGRTMIN}) {
    EXPECT_EQ(sigismember(&mask, signal), 1) << signal;
  }
}

TEST(Loop, StartingLeavesTheCallersSignalMaskAlone) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_TRUE(new_loop()->start());
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGUSR1), sigismember(&after, SIGUSR1));
}

TEST(Loop, WorkPostedByWorkRunsLaterNotInside) {
  Loop* loop = new_loop();
  std::vector<int> order;
  ASSERT_TRUE(loop->run_and_wait([&] {
    ASSERT_TRUE(loop->post([&order] { order.push_back(2); }));
    ASSERT_TRUE(loop->run_and_wait([&order] { order.push_back(0); }));
    order.push_back(1);
  }));
  ASSERT_TRUE(loop->run_and_wait([] {}));
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2));
}

TEST(Loop, ManyThreadsMayStartAndPostAtOnce) {
  Loop* loop = new_loop();
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(loop->post([&ran] { ++ran; }));
      }
      ASSERT_TRUE(loop->run_and_wait([&ran] { ++ran; }));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, 8 * 201);
}

TEST(Loop, SetUpRunsOnTheLoopThreadBeforeAnyWork) {
  Loop* loop = nullptr;
  int turns = 0;
  loop = new_loop([&](uv_loop_t* uv) {
    EXPECT_EQ(uv, loop->uv());
    ++turns;
    return 0;
  });
  ASSERT_TRUE(loop->run_and_wait([&] { EXPECT_EQ(turns, 1); }));
}

TEST(Loop, FailedSetUpIsAValueLeavesNothingAndMayBeRetried) {
  int turns = 0;
  Loop* loop = new_loop([&](uv_loop_t*) { return ++turns == 1 ? EMFILE : 0; });
  ASSERT_TRUE(new_loop()->start());  // libuv's own, once a process
  const std::set<int> before = open_descriptors();
  const auto failed = loop->post([] { FAIL() << "must have been dropped"; });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), EMFILE);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(loop->run_and_wait([] {}));
}

TEST(Loop, NoDescriptorsLeftIsAValue) {
  ASSERT_TRUE(new_loop()->start());
  Loop* loop = new_loop();
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit none = {.rlim_cur = 3, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const auto started = loop->start();
  setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), EMFILE);
  EXPECT_TRUE(loop->start()) << "a later call tries again";
}

TEST(Loop, ChildOfAForkAbandonsItAndBuildsAnother) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer allows no threads after a forked child";
#endif
  Loop* loop = new_loop();
  const std::set<int> before = open_descriptors();
  ASSERT_TRUE(loop->start());
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    loop->abandon();
    // What is left open beyond the state before is libuv's, once a process.
    const bool closed = open_descriptors().size() <= before.size() + 2;
    bool ran = false;
    const bool works =
        new_loop()->run_and_wait([&] { ran = true; }).has_value();
    _exit(closed && works && ran ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(loop->run_and_wait([] {})) << "the parent's goes on";
}

// Between two turns the thread holds nothing that a forked child would miss.
TEST(Loop, PausedItRunsNothingUntilItIsResumed) {
  Loop* loop = new_loop();
  ASSERT_TRUE(loop->start());
  bool ran = false;
  ASSERT_TRUE(loop->pause(10s));
  ASSERT_TRUE(loop->post([&ran] { ran = true; }));
  EXPECT_FALSE(ran);
  loop->resume();
  ASSERT_TRUE(loop->run_and_wait([&ran] { EXPECT_TRUE(ran); }));
}

TEST(Loop, PausingDoesNotWaitForLongWork) {
  Loop* loop = new_loop();
  std::latch working(1), enough(1);
  ASSERT_TRUE(loop->post([&] {
    working.count_down();
    enough.wait();
  }));
  working.wait();
  EXPECT_FALSE(loop->pause(1ms));
  enough.count_down();
  ASSERT_TRUE(loop->pause(10s));
  loop->resume();
}

TEST(Loop, NeitherAStoppedLoopNorItsOwnThreadCanBePaused) {
  Loop* loop = new_loop();
  EXPECT_FALSE(loop->pause(1ms));
  ASSERT_TRUE(loop->run_and_wait([&] { EXPECT_FALSE(loop->pause(1ms)); }));
}

TEST(Loop, EndsWhenLongIdleAndStartsAgain) {
  ASSERT_TRUE(new_loop()->start());  // libuv's own, once a process
  const std::set<int> before = open_descriptors();
  int set_ups = 0;
  bool worked = false;  // so that no thread ends before its work
  std::binary_semaphore ended(0);
  const auto set_up = [&](uv_loop_t*) {
    worked = false;
    ++set_ups;
    return 0;
  };
  const auto tear_down = [&] { return ended.release(), true; };
  Loop* loop =
      new_loop(set_up, Loop::IdleEnd{1ms, [&] { return worked; }, tear_down});
  for (int turn = 1; turn <= 3; ++turn) {
    ASSERT_TRUE(loop->run_and_wait([&] {
      EXPECT_EQ(set_ups, turn);
      worked = true;
    }));
    ended.acquire();
  }
  while (loop->is_running()) std::this_thread::yield();
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Loop, EndsNotBeforeItsGuestIsIdle) {
  int asked = 0, torn_down = 0;
  bool worked = false;
  std::binary_semaphore ended(0);
  const auto is_idle = [&] { return worked && ++asked >= 5; };
  const auto tear_down = [&] {
    if (++torn_down < 3) return false;
    ended.release();
    return true;
  };
  Loop* loop = new_loop({}, Loop::IdleEnd{0ms, is_idle, tear_down});
  ASSERT_TRUE(loop->run_and_wait([&] { worked = true; }));
  ended.acquire();
  EXPECT_GE(asked, 5);
  EXPECT_EQ(torn_down, 3);
}

TEST(Loop, EndsNotWhileAHandleOfItsGuestIsOpen) {
  bool open = false, started = false;
  std::binary_semaphore ended(0);
  const auto tear_down = [&] {
    EXPECT_FALSE(open);
    return ended.release(), true;
  };
  Loop* loop =
      new_loop({}, Loop::IdleEnd{0ms, [&] { return started; }, tear_down});
  ASSERT_TRUE(loop->run_and_wait([&] {
    open = started = true;
    static uv_timer_t timer;
    uv_timer_init(loop->uv(), &timer);
    timer.data = &open;
    const auto close = [](uv_timer_t* it) {
      *static_cast<bool*>(it->data) = false;
      uv_close(reinterpret_cast<uv_handle_t*>(it), nullptr);
    };
    uv_timer_start(&timer, close, 20, 0);
  }));
  ended.acquire();
}

// Work that comes while the thread ends is done by the next one.
TEST(Loop, NoWorkIsLostBetweenTwoThreads) {
  Loop* loop = new_loop(
      {}, Loop::IdleEnd{0ms, [] { return true; }, [] { return true; }});
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(loop->run_and_wait([&ran] { ++ran; }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, 4 * 500);
}

// Detached and idle, it must not hold up exit(3).
TEST(Loop, DoesNotKeepTheProcessFromExiting) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto start_and_exit = [] {
    alarm(10);
    exit(new_loop()->start() ? 0 : 1);
  };
  EXPECT_EXIT(start_and_exit(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace happy::net
