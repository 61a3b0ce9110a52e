// How the verbs write: what a user reads goes out whole or the command says
// that it did not. A file that is full, or a descriptor that is closed, is no
// reason to throw, nor to end well. Colours are terminal.h's.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace happyctl {

// First of all: gives what is closed of descriptors 0 to 2 a file that cannot
// be used, so that none that is opened later gets such a number. Programs that
// this command starts find them closed.
void guard_standard_descriptors();

// To standard output. What fails is told by finish_output().
void show(std::string_view text);
// JSON as text, indented by so many spaces; on one line without a number. What
// is not UTF-8, as a file's name may be, is replaced.
std::string dumped(const nlohmann::ordered_json& json, int indent = -1);
// To standard output, indented by two.
void show_json(const nlohmann::ordered_json& json);

// To standard error; nobody can be told where that fails. `text` ends its line.
void complain(std::string_view text);

// Last of all: false where something did not get out to standard output, which
// is said on standard error then.
[[nodiscard]] bool finish_output();

}  // namespace happyctl
