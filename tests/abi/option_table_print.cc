// Prints the table of socket options: for the test against the kernel's headers
// one row a line, with --markdown as docs/options.md has it.
#include <cstdio>
#include <cstring>

#include "tests/abi/option_names.h"

namespace {

using happy::shim::NamedRow;
using happy::shim::option_table::Reading;
using happy::shim::option_table::Travel;

const char* words_of(Travel travel) {
  switch (travel) {
    case Travel::kCopied:
      return "copied";
    case Travel::kDoubled:
      return "copied, halved";
    case Travel::kRequired:
      return "copied or no attempt";
    case Travel::kSteers:
      return "copied or no attempt, ends a race";
    case Travel::kSame:
      return "equal or no attempt";
    case Travel::kForbids:
      return "no race";
    case Travel::kHidden:
      return "no race, cannot be read";
    case Travel::kOtherForm:
      return "by another option";
    case Travel::kReadOnly:
      return "read-only";
    case Travel::kState:
      return "state of the connection";
    case Travel::kCommand:
      return "a command";
    case Travel::kListening:
      return "listening sockets only";
    case Travel::kOtherSockets:
      return "other sockets only";
    case Travel::kAbsent:
      return "no option";
  }
  return "";
}

const char* words_of(Reading reading) {
  switch (reading) {
    case Reading::kNever:
      return "";
    case Reading::kOnceSet:
      return "once set";
    case Reading::kAlways:
      return "always";
  }
  return "";
}

void print_markdown() {
  const char* level = "";
  for (const NamedRow& row : happy::shim::named_rows()) {
    if (strcmp(level, row.level) != 0) {
      level = row.level;
      printf("\n### `%s`\n\n| option | travels | asked | why |\n", level);
      printf("|---|---|---|---|\n");
    }
    printf("| `%s` | %s | %s | %s |\n", row.name, words_of(row.row.travel),
           words_of(row.row.reading), row.note);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && strcmp(arguments[1], "--markdown") == 0) {
    print_markdown();
    return 0;
  }
  for (const NamedRow& row : happy::shim::named_rows())
    printf("%s %s %d\n", row.level, row.name, row.row.name);
}
