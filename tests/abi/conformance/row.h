// A row of the conformance tables: a name, the world that it is played in, and
// a script of steps. The text form is described in docs/testing.md. Parsing
// only; what a step does is the stage's matter.
#pragma once

#include <string>
#include <vector>

namespace happy::abi {

using Words = std::vector<std::string>;

struct Row {
  std::string name;
  std::string world;
  std::vector<Words> steps;
};

// The words of a text between blanks.
Words words_of(const std::string& text);
std::string joined(const Words& words);
// Throws std::runtime_error with the file's line where a row is malformed or
// a name is there twice.
std::vector<Row> read_rows(const std::string& file);

}  // namespace happy::abi
