// Steps, tests and groups on GoogleTest's registration and reports.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/cmocka_step.h"

namespace happy::cmocka {
namespace {

sigjmp_buf step_end;
pid_t step_thread = 0;  // 0: no step is running

const char* test_filter = nullptr;
const char* skip_filter = nullptr;

// Crashes fail the test, as with libcmocka, and the others still run.
constexpr int kCrashes[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};

void on_crash(int number) {
  fail_test({"unknown file", 0}, "ended by signal %d, %s", number,
            sigdescr_np(number));
}

// Around a step: its values, its thread, its signal handlers.
class StepScope {
 public:
  StepScope() {
    forget_values();
    struct sigaction action {};
    action.sa_handler = on_crash;
    for (size_t i = 0; i < before_.size(); ++i) {
      sigaction(kCrashes[i], &action, &before_[i]);
    }
    step_thread = gettid();
  }
  ~StepScope() {
    step_thread = 0;
    global_expecting_assert = 0;
    for (size_t i = 0; i < before_.size(); ++i) {
      sigaction(kCrashes[i], &before_[i], nullptr);
    }
    forget_values();
  }
  StepScope(const StepScope&) = delete;
  StepScope& operator=(const StepScope&) = delete;

 private:
  std::array<struct sigaction, std::size(kCrashes)> before_{};
};

int perform(const Step& step) {
  int result = 0;
  if (step.test != nullptr) {
    step.test(step.state);
  } else if (step.fixture != nullptr) {
    result = step.fixture(step.state);
  }
  if (step.check_point != nullptr && !all_blocks_freed(*step.check_point)) {
    return -1;
  }
  return all_values_used() ? result : -1;
}

// Nothing that lives here changes after the first return of sigsetjmp().
__attribute__((noinline)) int perform_until_end(const Step& step) {
  if (sigsetjmp(step_end, 1) != 0) return -1;
  return perform(step);
}

struct Group {
  std::string suite;
  CMFixtureFunction setup = nullptr;
  CMFixtureFunction teardown = nullptr;
  void* state = nullptr;
  size_t check_point = 0;
  bool ready = false;
  Place place{};
};

// Registered ones; their addresses stay.
std::deque<Group>& groups() {
  static std::deque<Group> all;
  return all;
}

Group& current_group() {
  const std::string suite =
      testing::UnitTest::GetInstance()->current_test_suite()->name();
  for (Group& group : groups()) {
    if (group.suite == suite) return group;
  }
  abort();  // only groups register GroupTest
}

class GroupTest : public testing::Test {
 public:
  GroupTest(const Group* group, const CMUnitTest& test)
      : group_(group), test_(test) {}

  static void SetUpTestSuite() {
    Group& group = current_group();
    group.check_point = memory_check_point();
    group.state = nullptr;
    group.ready =
        group.setup == nullptr ||
        run_step({.fixture = group.setup, .state = &group.state}) == 0;
    if (!group.ready) report(group.place, "the group's set-up failed");
  }

  static void TearDownTestSuite() {
    Group& group = current_group();
    if (group.teardown != nullptr &&
        run_step({.fixture = group.teardown,
                  .state = &group.state,
                  .check_point = &group.check_point}) != 0) {
      report(group.place, "the group's tear-down failed");
    }
    all_blocks_freed(group.check_point);
  }

  void TestBody() override {
    if (!group_->ready) GTEST_SKIP() << "the group's set-up failed";
    void* state =
        group_->state != nullptr ? group_->state : test_.initial_state;
    const size_t before_setup = memory_check_point();
    if (test_.setup_func != nullptr &&
        run_step({.fixture = test_.setup_func, .state = &state}) != 0) {
      return report(group_->place, "the test's set-up failed");
    }
    const size_t before_test = memory_check_point();
    run_step({.test = test_.test_func,
              .state = &state,
              .check_point = &before_test});
    if (test_.teardown_func == nullptr) return;
    // Without a set-up, a tear-down answers for its own blocks only.
    const size_t before_teardown = memory_check_point();
    if (run_step({.fixture = test_.teardown_func,
                  .state = &state,
                  .check_point = test_.setup_func != nullptr
                                     ? &before_setup
                                     : &before_teardown}) != 0) {
      report(group_->place, "the test's tear-down failed");
    }
  }

 private:
  const Group* const group_;
  const CMUnitTest test_;
};

// * is any text, ? any one character.
bool matches(const char* pattern, const char* text) {
  if (*pattern == '\0') return *text == '\0';
  if (*pattern == '*') {
    return matches(pattern + 1, text) ||
           (*text != '\0' && matches(pattern, text + 1));
  }
  return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
         matches(pattern + 1, text + 1);
}

// main() of a cmocka program has no arguments to hand on.
void initialize_once() {
  static bool done = false;
  if (std::exchange(done, true)) return;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  static std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  static std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  testing::InitGoogleTest(&argc, argv.data());
}

// A name that a filter can hold, and that no other group has.
std::string suite_name(const char* name) {
  std::string base(name);
  for (char& c : base) {
    if (!isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  std::string out = base;
  const auto taken = [&] {
    for (const Group& group : groups()) {
      if (group.suite == out) return true;
    }
    return false;
  };
  for (int i = 2; taken(); ++i) out = base + "_" + std::to_string(i);
  return out;
}

// A program may run one group after another: those behind it are left out.
void leave_out(const std::string& suite) {
  std::string filter = GTEST_FLAG_GET(filter);
  filter += filter.find('-') == std::string::npos ? "-" : ":";
  GTEST_FLAG_SET(filter, filter + suite + ".*");
}

bool wanted(const CMUnitTest& test) {
  if (test.name == nullptr || test.test_func == nullptr) return false;
  if (test_filter != nullptr && !matches(test_filter, test.name)) return false;
  return skip_filter == nullptr || !matches(skip_filter, test.name);
}

void tell_of_skip(Place place) {
  GTEST_SKIP() << place.file << ":" << place.line << ": skip()";
}

}  // namespace

int run_step(const Step& step) {
  const StepScope scope;
  return perform_until_end(step);
}

void report(Place place, const std::string& message) {
  ADD_FAILURE_AT(place.file, place.line) << message;
}

void end_step() {
  if (step_thread == 0) exit(EXIT_FAILURE);  // an assertion in main()
  if (step_thread != gettid()) {
    print_error("An assertion failed on a thread that is not the test's.\n");
    abort();
  }
  siglongjmp(step_end, 1);
}

void fail_step(Place place, const std::string& message) {
  report(place, message);
  end_step();
}

void skip_test(Place place) {
  tell_of_skip(place);
  end_step();
}

int run_group(Place place, const char* name, const CMUnitTest* tests,
              size_t count, CMFixtureFunction setup,
              CMFixtureFunction teardown) {
  initialize_once();
  Group& group = groups().emplace_back(
      Group{suite_name(name), setup, teardown, nullptr, 0, false, place});
  for (size_t i = 0; i < count; ++i) {
    if (!wanted(tests[i])) continue;
    testing::RegisterTest(group.suite.c_str(), tests[i].name, nullptr, nullptr,
                          place.file, place.line,
                          [&group, test = tests[i]]() -> GroupTest* {
                            return new GroupTest(&group, test);
                          });
  }
  const bool good = RUN_ALL_TESTS() == 0;
  leave_out(group.suite);
  const int failed = testing::UnitTest::GetInstance()->failed_test_count();
  return failed != 0 || good ? failed : 1;
}

}  // namespace happy::cmocka

void cmocka_set_test_filter(const char* pattern) {
  happy::cmocka::test_filter = pattern;
}

void cmocka_set_skip_filter(const char* pattern) {
  happy::cmocka::skip_filter = pattern;
}

void cmocka_set_message_output(cm_message_output) {}
