#include "tests/abi/conformance/row.h"

#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace happy::abi {
namespace {

std::vector<Words> steps_of(const std::string& script) {
  std::vector<Words> steps;
  std::istringstream in(script);
  for (std::string step; std::getline(in, step, ';');)
    if (Words words = words_of(step); !words.empty())
      steps.push_back(std::move(words));
  return steps;
}

// "name world: step; step"
Row row_of(const std::string& text) {
  const size_t colon = text.find(':');
  const Words head = words_of(text.substr(0, colon));
  if (colon == std::string::npos || head.size() != 2)
    throw std::runtime_error("not \"NAME WORLD: STEPS\": " + text);
  return {head[0], head[1], steps_of(text.substr(colon + 1))};
}

}  // namespace

Words words_of(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<Row> read_rows(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file);
  std::vector<std::string> texts;  // a line that begins with a blank goes on
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == ' ' && !texts.empty())
      texts.back() += line;
    else
      texts.push_back(line);
  }
  std::vector<Row> rows;
  std::set<std::string> names;
  for (const auto& text : texts) {
    rows.push_back(row_of(text));
    if (!names.insert(rows.back().name).second)
      throw std::runtime_error(file + ": twice: " + rows.back().name);
  }
  return rows;
}

}  // namespace happy::abi
