#include "core/net/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <utility>

namespace happy::net {
namespace {

// Fixed and small: a host may bound its address space. libuv and GnuTLS need a
// fraction of it.
constexpr size_t kStackSize = size_t{256} * 1024;

thread_local const Loop* current_loop = nullptr;

// New threads inherit the mask of their creator.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

int create_detached(void* (*main)(void*), void* argument, size_t stack_size) {
  pthread_attr_t attributes;
  if (const int error = pthread_attr_init(&attributes)) return error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  if (stack_size != 0) pthread_attr_setstacksize(&attributes, stack_size);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, main, argument);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

Loop::Loop(const happy_host* host, SetUp set_up,
           std::optional<IdleEnd> idle_end)
    : host_(host), set_up_(std::move(set_up)), idle_end_(std::move(idle_end)) {}

tl::expected<void, int> Loop::start() {
  std::unique_lock lock(mutex_);
  return start_locked(lock);
}

tl::expected<void, int> Loop::start_locked(std::unique_lock<std::mutex>& lock) {
  for (bool tried = false;; tried = true) {
    changed_.wait(lock, [this] {
      return state_ == State::kRunning || state_ == State::kStopped;
    });
    if (state_ == State::kRunning) return {};
    if (tried && start_error_ != 0) return tl::unexpected(start_error_);
    state_ = State::kStarting;
    start_error_ = spawn();
    if (start_error_ != 0) {
      state_ = State::kStopped;
      changed_.notify_all();
    }
  }
}

tl::expected<void, int> Loop::post(Work work) {
  {
    std::unique_lock lock(mutex_);
    if (auto started = start_locked(lock); !started) return started;
    queue_.push_back(std::move(work));
    ++senders_;
  }
  uv_async_send(&async_);
  --senders_;
  return {};
}

tl::expected<void, int> Loop::run_and_wait(const Work& work) {
  if (on_loop_thread()) {
    work();
    return {};
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  auto posted = post([&] {
    work();
    // Under the lock, or the waiter could be gone before notify_one().
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  if (!posted) return posted;
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
  return {};
}

bool Loop::is_running() {
  const std::lock_guard lock(mutex_);
  return state_ != State::kStopped;
}

bool Loop::on_loop_thread() const { return current_loop == this; }

int Loop::spawn() {
  const AllSignalsBlocked blocked;
  const int error = create_detached(&thread_main, this, kStackSize);
  // A host with much static thread-local storage needs more than that.
  return error == EINVAL ? create_detached(&thread_main, this, 0) : error;
}

void* Loop::thread_main(void* self) {
  Loop* loop = static_cast<Loop*>(self);
  pthread_setname_np(pthread_self(), "happy");
  loop->host_->enter_helper_thread();
  loop->run();
  return nullptr;
}

void Loop::run() {
  const int error = set_up_loop();
  {
    const std::lock_guard lock(mutex_);
    state_ = error == 0 ? State::kRunning : State::kStopped;
    start_error_ = error;
    changed_.notify_all();
  }
  if (error != 0) return;
  current_loop = this;
  turn_until_idle();
  current_loop = nullptr;
}

void Loop::turn_until_idle() {
  last_work_ = monotonic_now();
  lasting_handles_ = open_handles();
  for (;;) {
    wait_for_events();
    begin_turn();
    uv_run(&uv_, UV_RUN_NOWAIT);
    if (idle_end_ && left_until_idle_end() <= Duration{0} && end()) return;
    end_turn();
  }
}

// As libuv would itself, but outside of a turn. 0 where it has not yet told the
// backend what to wait for.
void Loop::wait_for_events() {
  uv_update_time(&uv_);
  int timeout = uv_backend_timeout(&uv_);
  if (idle_end_ && timeout != 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(Duration{0}, left_until_idle_end()));
    const int idle = static_cast<int>(left.count());
    timeout = timeout < 0 ? idle : std::min(timeout, idle);
  }
  pollfd backend{.fd = uv_backend_fd(&uv_), .events = POLLIN, .revents = 0};
  poll(&backend, 1, timeout);
}

int Loop::open_handles() {
  int count = 0;
  const auto visit = [](uv_handle_t* handle, void* argument) {
    if (!uv_is_closing(handle)) ++*static_cast<int*>(argument);
  };
  uv_walk(&uv_, visit, &count);
  return count;
}

// The whole time for as long as there is something to do.
Duration Loop::left_until_idle_end() {
  const Time now = monotonic_now();
  if (open_handles() > lasting_handles_ || !idle_end_->is_idle()) {
    last_work_ = now;
    return std::max<Duration>(idle_end_->after, std::chrono::milliseconds(1));
  }
  return last_work_ + idle_end_->after - now;
}

// Within a turn. False: there is work after all.
bool Loop::end() {
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() || senders_ != 0) return false;
    state_ = State::kEnding;
  }
  const bool ends = idle_end_->tear_down();
  if (ends) undo_loop();
  const std::lock_guard lock(mutex_);
  if (ends) uv_ = {};  // abandon() must not find what is no longer the loop's
  state_ = ends ? State::kStopped : State::kRunning;
  in_turn_ = !ends;
  changed_.notify_all();
  return ends;
}

void Loop::begin_turn() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !paused_; });
  in_turn_ = true;
}

void Loop::end_turn() {
  const std::lock_guard lock(mutex_);
  in_turn_ = false;
  if (paused_) changed_.notify_all();
}

bool Loop::pause(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (state_ != State::kRunning || on_loop_thread()) return false;
  paused_ = true;
  changed_.wait_for(lock, limit, [this] { return !in_turn_; });
  if (!in_turn_ && state_ == State::kRunning) return true;
  paused_ = false;
  changed_.notify_all();
  return false;
}

void Loop::resume() {
  const std::lock_guard lock(mutex_);
  paused_ = false;
  changed_.notify_all();
}

int Loop::set_up_loop() {
  int error = -uv_loop_init(&uv_);
  if (error == 0) {
    async_.data = this;
    error = -uv_async_init(&uv_, &async_, &on_async);
    if (error == 0 && set_up_) error = set_up_(&uv_);
    if (error != 0) undo_loop();
  }
  // abandon() must not find numbers that are no longer the loop's.
  if (error != 0) uv_ = {};
  return error;
}

void Loop::undo_loop() {
  const auto close_handle = [](uv_handle_t* handle, void*) {
    if (!uv_is_closing(handle)) uv_close(handle, nullptr);
  };
  uv_walk(&uv_, close_handle, nullptr);
  uv_run(&uv_, UV_RUN_DEFAULT);
  uv_loop_close(&uv_);
}

void Loop::on_async(uv_async_t* async) {
  Loop* loop = static_cast<Loop*>(async->data);
  std::vector<Work> queue;
  {
    const std::lock_guard lock(loop->mutex_);
    queue.swap(loop->queue_);
  }
  loop->last_work_ = monotonic_now();
  for (Work& work : queue) work();
}

void Loop::abandon() {
  // uv_loop_close() would walk structures that the thread was changing at the
  // instant of the fork; these numbers have been constant since it started.
  for (const int descriptor : {uv_backend_fd(&uv_), uv_.async_io_watcher.fd,
                               uv_.signal_pipefd[0], uv_.signal_pipefd[1]}) {
    if (descriptor > 2) host_->close_descriptor(descriptor);
  }
}

}  // namespace happy::net
