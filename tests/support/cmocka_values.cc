// What mocks will return, are to be given and in which order they are to be
// called: queues by name, as libcmocka keeps them.
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/cmocka_step.h"

namespace happy::cmocka {
namespace {

constexpr int kMaybe = -2;  // any number of times; "at least once" becomes it

// One entry of a queue, with how often it is still to be used.
template <typename Value>
struct Entry {
  Place place;
  Value value;
  int count;
};

template <typename Value>
using Queue = std::deque<Entry<Value>>;

struct Values {
  std::map<std::string, Queue<LargestIntegralType>> returns;
  std::map<std::pair<std::string, std::string>, Queue<Check>> checks;
  std::list<Entry<std::string>> calls;
};

Values& values() {
  static Values all;
  return all;
}

// Uses the first entry of a queue once. False where there is none.
template <typename Value>
bool use(Queue<Value>* queue, Entry<Value>* out) {
  if (queue->empty()) return false;
  Entry<Value>& first = queue->front();
  *out = first;
  if (first.count == 1) {
    queue->pop_front();
  } else if (first.count > kMaybe) {
    --first.count;
  }
  return out->count != 0;
}

// What is left over; the first entry may have done its duty already.
template <typename Value>
bool report_leftovers(Queue<Value>* queue, const std::string& what) {
  if (!queue->empty() && queue->front().count <= kMaybe) queue->pop_front();
  for (const auto& entry : *queue) report(entry.place, what);
  return queue->empty();
}

std::string at(Place place) {
  return std::string(place.file) + ":" + std::to_string(place.line);
}

// Entries up to the next one that must be called now; `function` among them.
// Places and entries stay: `problem` is empty where the call was expected.
std::string take_call(const char* function) {
  auto& calls = values().calls;
  for (auto it = calls.begin(); it != calls.end(); ++it) {
    if (it->value == function) {
      if (it->count > kMaybe && --it->count == 0) calls.erase(it);
      return "";
    }
    if (it->count > kMaybe) {
      return "a call of " + it->value + " was expected (" + at(it->place) +
             "), not of " + function;
    }
  }
  return std::string("no call of ") + function + " was expected";
}

std::string check_problem(Place* declared, const char* function,
                          const char* parameter, LargestIntegralType value) {
  Entry<Check> entry{};
  if (!use(&values().checks[{function, parameter}], &entry)) {
    return std::string("no value was expected for parameter ") + parameter +
           " of " + function;
  }
  *declared = entry.place;
  const std::string problem = entry.value(value);
  if (problem.empty()) return "";
  return std::string("parameter ") + parameter + " of " + function + ": " +
         problem + "\n  expected at " + at(entry.place);
}

}  // namespace

void forget_values() { values() = Values{}; }

bool all_values_used() {
  bool all = true;
  for (auto& [function, queue] : values().returns) {
    all &= report_leftovers(&queue, function + " did not return this value");
  }
  for (auto& [key, queue] : values().checks) {
    all &= report_leftovers(&queue, "parameter " + key.second + " of " +
                                        key.first + " was not checked");
  }
  for (const auto& call : values().calls) {
    if (call.count <= kMaybe) continue;
    report(call.place, call.value + " was not called");
    all = false;
  }
  return all;
}

void will_return_value(Place place, const char* function,
                       LargestIntegralType value, int count) {
  if (count == 0) fail_step(place, "will_return_count() of 0 values");
  values().returns[function].push_back({place, value, count});
}

LargestIntegralType mocked(Place place, const char* function) {
  Entry<LargestIntegralType> entry{};
  if (!use(&values().returns[function], &entry)) {
    fail_step(place, std::string("no value for ") + function + " to return");
  }
  return entry.value;
}

void expect(Place place, const char* function, const char* parameter, int count,
            Check check) {
  values().checks[{function, parameter}].push_back(
      {place, std::move(check), count});
}

void check_parameter(Place place, const char* function, const char* parameter,
                     LargestIntegralType value) {
  Place declared{};
  const auto problem = check_problem(&declared, function, parameter, value);
  if (!problem.empty()) fail_step(place, problem);
}

void expect_call(Place place, const char* function, int count) {
  if (count == 0) fail_step(place, "expect_function_calls() of 0 calls");
  values().calls.push_back({place, function, count});
}

void called(Place place, const char* function) {
  const auto problem = take_call(function);
  if (!problem.empty()) fail_step(place, problem);
}

Check check_nothing() {
  return [](LargestIntegralType) { return std::string(); };
}

Check check_by(CheckParameterValue check, LargestIntegralType data) {
  return [=](LargestIntegralType value) -> std::string {
    if (check(value, data) != 0) return "";
    return std::to_string(value) + " is refused by the check";
  };
}

Check check_value(LargestIntegralType expected, bool equal) {
  return [=](LargestIntegralType value) {
    return compare_ints(value, expected, equal);
  };
}

Check check_string(const char* expected, bool equal) {
  return [=](LargestIntegralType value) {
    return compare_strings(reinterpret_cast<const char*>(value), expected,
                           equal);
  };
}

Check check_memory(const void* expected, size_t size, bool equal) {
  const auto* bytes = static_cast<const char*>(expected);
  return [=, copy = std::vector<char>(bytes, bytes + size)](
             LargestIntegralType value) {
    return compare_memory(reinterpret_cast<const void*>(value), copy.data(),
                          copy.size(), equal);
  };
}

Check check_range(LargestIntegralType minimum, LargestIntegralType maximum,
                  bool inside) {
  return [=](LargestIntegralType value) {
    return compare_range(value, minimum, maximum, inside);
  };
}

Check check_set(const LargestIntegralType* set, size_t count, bool inside) {
  return [=, copy = std::vector<LargestIntegralType>(set, set + count)](
             LargestIntegralType value) {
    return compare_set(value, copy.data(), copy.size(), inside);
  };
}

}  // namespace happy::cmocka
