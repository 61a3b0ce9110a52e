// HAPPY_LOG and HAPPY_TRACE: whole lines, one write(2) each. Nothing is printed
// uninvited, no SIGPIPE reaches the host, and standard error is written only
// while descriptor 2 is still the file that it was at load.
#pragma once

#include <stddef.h>

namespace happy::shim::report {

void at_load();  // remembers what standard error is
// Opens the trace and log files, if any; from the first look-up on.
void open_files();
bool tracing();
// Whether the descriptor is the log's or the trace's.
bool uses(int fd);
void log_line(int level, const char* line, size_t length);
void trace_line(const char* line, size_t length);
// printf-style; at most 500 octets.
void log(int level, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

}  // namespace happy::shim::report
