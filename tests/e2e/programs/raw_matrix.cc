// Prints what res_query(3) and its relatives say to many questions, one a line:
// the question, a tab, the result, h_errno, the header, and the answer section
// in the form of zone files, sorted. Not the length and not what stands behind
// the answers: a resolver adds options for who asks with some.
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

// libc's own printer of records, which has no successor.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace {

constexpr int kTypes[] = {ns_t_a,         ns_t_aaaa, ns_t_mx,  ns_t_txt,
                          ns_t_srv,       ns_t_soa,  ns_t_ptr, ns_t_cname,
                          44 /* SSHFP */, 65 /* HTTPS */};
const char* const kNames[] = {
    "both.lab.test", "both.lab.test.", "BOTH.lab.test",
    "both",          "mail.lab.test",  "_http._tcp.lab.test",
    "big.lab.test",  "host.lab.test",  "missing.lab.test",
    "missing",       "x.invalid",      "b\303\274cher.lab.test"};
constexpr size_t kSizes[] = {65535, 600, 40};

std::string answers_of(const unsigned char* message, int length) {
  ns_msg parsed;
  if (ns_initparse(message, length, &parsed) != 0) return " unreadable";
  std::string out =
      " rcode " + std::to_string(ns_msg_getflag(parsed, ns_f_rcode));
  std::vector<std::string> records;
  for (int i = 0; i < ns_msg_count(parsed, ns_s_an); ++i) {
    ns_rr record;
    static char text[131072];
    if (ns_parserr(&parsed, ns_s_an, i, &record) != 0 ||
        ns_sprintrr(&parsed, &record, nullptr, nullptr, text, sizeof text) < 0)
      return out + " unreadable";
    records.emplace_back(text);
  }
  std::sort(records.begin(), records.end());
  for (const auto& record : records) out += " | " + record;
  return out;
}

using Ask = std::function<int(unsigned char* answer, int size)>;

void show(const std::string& what, size_t size, bool judged, const Ask& ask) {
  std::vector<unsigned char> answer(size);
  h_errno = 0;
  const int result = ask(answer.data(), static_cast<int>(size));
  const int error = h_errno;
  std::printf("%s in %zu\t", what.c_str(), size);
  if (result < 0) {
    std::printf("-1, h_errno %d\n", judged ? error : 0);
    return;
  }
  const bool whole = static_cast<size_t>(result) <= size;
  std::printf("%s%s%s\n", whole ? "whole" : "cut",
              (answer[2] & 2) != 0 ? " truncated" : "",
              whole ? answers_of(answer.data(), result).c_str() : "");
}

void ask_all(const char* name, int type, size_t size) {
  const std::string about =
      " \"" + std::string(name) + "\" type " + std::to_string(type);
  struct __res_state* const state = &_res;
  show("res_query" + about, size, true, [&](unsigned char* to, int room) {
    return res_query(name, ns_c_in, type, to, room);
  });
  show("res_search" + about, size, true, [&](unsigned char* to, int room) {
    return res_search(name, ns_c_in, type, to, room);
  });
  show("res_nquery" + about, size, true, [&](unsigned char* to, int room) {
    const int result = res_nquery(state, name, ns_c_in, type, to, room);
    if (result < 0) h_errno = state->res_h_errno;
    return result;
  });
  show("res_nsearch" + about, size, true, [&](unsigned char* to, int room) {
    return res_nsearch(state, name, ns_c_in, type, to, room);
  });
  show("res_querydomain" + about, size, true, [&](unsigned char* to, int room) {
    return res_querydomain(name, "lab.test", ns_c_in, type, to, room);
  });
  show("res_send" + about, size, false, [&](unsigned char* to, int room) {
    unsigned char question[512];
    const int length =
        res_mkquery(ns_o_query, name, ns_c_in, type, nullptr, 0, nullptr,
                    question, static_cast<int>(sizeof question));
    if (length < 0) return -1;
    const int result = res_send(question, length, to, room);
    if (result >= 0 && memcmp(question, to, 2) != 0) std::printf("wrong ID ");
    return result;
  });
}

}  // namespace

int main() {
  res_init();
  for (const char* name : kNames)
    for (const int type : kTypes)
      for (const size_t size : kSizes) ask_all(name, type, size);
}
