// Internationalised names: the A-label form under which policies name them and
// resolvers know them, by the library that libc itself uses for AI_IDN.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace happy {

bool is_ascii(std::string_view name);
// "bücher.example" (UTF-8) as "xn--bcher-kva.example", by IDNA2008 with
// libidn2, loaded at the first such name. nullopt: no such name, or no libidn2.
std::optional<std::string> to_a_labels(const std::string& name);
// The same of a name in the locale's encoding, as AI_IDN has it.
std::optional<std::string> to_a_labels_by_locale(const std::string& name);
// And back, as AI_CANONIDN has it; `name` itself where that cannot be.
std::string from_a_labels_by_locale(const std::string& name);

}  // namespace happy
