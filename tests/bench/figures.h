// What the benchmarks share: medians, and timing a process from spawn to exit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/lab/child.h"

namespace happy::bench {

// One number a line, as the measuring programs print them.
std::vector<double> numbers(const std::string& text);
// Nothing where there is nothing to take it of. Sorts a copy.
std::optional<double> median(std::vector<double> values);
// "12.3", or "-" without a value.
std::string text(std::optional<double> value, int digits = 1);

// Milliseconds from posix_spawn() to the end, with exactly this environment
// and no output. Throws where the program fails.
double time_process(const std::vector<std::string>& arguments,
                    const lab::Environment& environment);

// Figures under one title, printed as they come and kept for reports. The first
// column says what a row is about.
class Table {
 public:
  // `columns`: without the first. "limit" is what the figure before is to keep
  // to.
  Table(std::string title, std::vector<std::string> columns,
        int label_width = 44);
  ~Table();  // an empty line
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  void row(const std::string& label, const std::vector<std::string>& cells);
  // The usual one: without and with the library, and the difference.
  void pair(const std::string& label, std::optional<double> plain,
            std::optional<double> with, int digits = 1,
            const std::string& limit = {});
  // A line below.
  void note(const std::string& text) const;

 private:
  const size_t number_;
  const std::vector<std::string> columns_;
  const int label_width_;
};

// All tables so far: as JSON, with the date and the machine, and as a chart of
// those that have a column "with". Throws where a file cannot be written.
void write_json(const std::string& path);
void write_chart(const std::string& path);
// Those of write_json() in place of the ones so far.
void read_json(const std::string& path);

// Each prints its own tables.
void exec_cost();
void memory();
void healthy_connects();
void second_process();
void races();
void loopback_connects();
void sleepers();
void crowd();
void look_ups();
void instructions();
void lazy_eye();
void race_costs();

}  // namespace happy::bench
