// Tables: on the screen, as JSON and as a chart.
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "tests/bench/figures.h"

namespace happy::bench {
namespace {

using nlohmann::json;

constexpr int kCell = 9;

// [{"title", "columns": [...], "rows": [{"what", "cells": [...]}], "notes"}]
json& tables() {
  static json all = json::array();
  return all;
}

std::string machine() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2) + ", " +
             std::to_string(std::thread::hardware_concurrency()) +
             " processors";
  return "unknown";
}

std::string today() {
  const time_t now = time(nullptr);
  char out[32];
  strftime(out, sizeof out, "%Y-%m-%d", gmtime(&now));
  return out;
}

std::string kernel() {
  utsname name{};
  uname(&name);
  return std::string(name.sysname) + " " + name.release;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

// The cell of that column, and as a number; nothing where it is none.
std::string cell(const json& table, const json& row,
                 const std::string& column) {
  const auto& columns = table["columns"];
  for (size_t i = 0; i < columns.size() && i < row["cells"].size(); ++i)
    if (columns[i] == column) return row["cells"][i];
  return {};
}
std::optional<double> number(const std::string& cell) {
  const auto all = numbers(cell);
  return all.empty() ? std::nullopt : std::optional(all[0]);
}

// Horizontal bars, two a row: plain and with the library.
class Chart {
 public:
  void add(const json& table) {
    double most = 0;
    for (const json& row : table["rows"])
      for (const char* column : {"plain", "with"})
        most = std::max(most, number(cell(table, row, column)).value_or(0));
    if (most <= 0) return;
    text(0, table["title"], "title");
    y_ += kLine;
    for (const json& row : table["rows"]) {
      text(0, row["what"], "label");
      bar("plain", cell(table, row, "plain"), most);
      bar("with", cell(table, row, "with"), most);
      y_ += 4;
    }
    y_ += kLine;
  }

  std::string svg() const {
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
           std::to_string(kWidth) + "\" height=\"" + std::to_string(y_) +
           "\" font-family=\"sans-serif\" font-size=\"12\">\n"
           "<style>\n"
           "  text { fill: #222 } .title { font-weight: bold }\n"
           "  .plain { fill: #999 } .with { fill: #2a7ab0 }\n"
           "  @media (prefers-color-scheme: dark) {\n"
           "    text { fill: #ddd } .plain { fill: #777 } "
           ".with { fill: #5db2e8 }\n"
           "  }\n"
           "</style>\n" +
           body_ + "</svg>\n";
  }

 private:
  static constexpr int kWidth = 900, kLine = 16, kLabels = 370, kBars = 440;

  void text(int x, const std::string& what, const std::string& style) {
    body_ += "<text x=\"" + std::to_string(x) + "\" y=\"" +
             std::to_string(y_ + kLine - 4) + "\" class=\"" + style + "\">" +
             escaped(what) + "</text>\n";
  }
  void bar(const std::string& style, const std::string& value, double most) {
    if (value.empty()) return;  // a peer runs without the library
    const double length = std::max(number(value).value_or(0), 0.0);
    const int width = static_cast<int>(length / most * kBars);
    body_ += "<rect x=\"" + std::to_string(kLabels) + "\" y=\"" +
             std::to_string(y_ + 2) + "\" width=\"" + std::to_string(width) +
             "\" height=\"" + std::to_string(kLine - 4) + "\" class=\"" +
             style + "\"/>\n";
    text(kLabels + width + 6, style + " " + value, "value");
    y_ += kLine;
  }

  int y_ = 8;
  std::string body_;
};

}  // namespace

Table::Table(std::string title, std::vector<std::string> columns,
             int label_width)
    : number_(tables().size()),
      columns_(std::move(columns)),
      label_width_(label_width) {
  std::printf("%s\n  %-*s", title.c_str(), label_width_, "");
  for (const auto& column : columns_)
    std::printf(" %*s", std::max(kCell, static_cast<int>(column.size())),
                column.c_str());
  std::printf("\n");
  tables().push_back({{"title", title},
                      {"columns", columns_},
                      {"rows", json::array()},
                      {"notes", json::array()}});
}

Table::~Table() { std::printf("\n"); }

void Table::row(const std::string& label,
                const std::vector<std::string>& cells) {
  std::printf("  %-*s", label_width_, label.c_str());
  for (size_t i = 0; i < cells.size() && i < columns_.size(); ++i)
    std::printf(" %*s", std::max(kCell, static_cast<int>(columns_[i].size())),
                cells[i].c_str());
  std::printf("\n");
  tables()[number_]["rows"].push_back({{"what", label}, {"cells", cells}});
}

void Table::pair(const std::string& label, std::optional<double> plain,
                 std::optional<double> with, int digits,
                 const std::string& limit) {
  const auto more =
      plain && with ? std::optional(*with - *plain) : std::nullopt;
  row(label,
      {text(plain, digits), text(with, digits), text(more, digits), limit});
}

void Table::note(const std::string& text) const {
  std::printf("  %s\n", text.c_str());
  tables()[number_]["notes"].push_back(text);
}

void write_json(const std::string& path) {
  write(path, json{{"date", today()},
                   {"machine", machine()},
                   {"kernel", kernel()},
                   {"tables", tables()}}
                      .dump(1) +
                  "\n");
}

void read_json(const std::string& path) {
  std::ifstream in(path);
  tables() = json::parse(in).at("tables");
}

void write_chart(const std::string& path) {
  Chart chart;
  for (const json& table : tables()) chart.add(table);
  write(path, chart.svg());
}

}  // namespace happy::bench
