// What `happyctl run` changes in a program's environment. The library reads
// these variables when it is loaded (docs/architecture.md, "Environment").
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace happyctl {

// libhappy.so beside this command (a build folder), else in the library folder
// of its prefix, else where it was to be installed. nullopt: nowhere.
std::optional<std::string> find_library();

// LD_PRELOAD with `library` appended, unless a libhappy.so is in it already.
// The error says why the path cannot be put there.
tl::expected<std::string, std::string> preload_with(const std::string& existing,
                                                    const std::string& library);

// LEVEL[:FILE] with FILE made absolute; the error says what is wrong.
tl::expected<std::string, std::string> log_setting(const std::string& text);

// Whether a log setting asks for `info` or more.
bool is_talkative(const std::string& log_setting);

// This process's environment as execve(2) takes it.
std::vector<std::string> environment();

}  // namespace happyctl
