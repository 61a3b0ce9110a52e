#include "tests/lab/loopback_lab.h"

#include <gtest/gtest.h>

namespace happy::lab {
namespace {

using std::chrono::milliseconds;

// Plain clients that name an address: what the lab does, not the library.
class LoopbackLabTest : public testing::Test {
 protected:
  Outcome curl(const std::string& address) {
    return lab_.run_plain(
        {"curl", "-sS", "--connect-timeout", "0.5",
         "http://" + address + ":" + std::to_string(lab_.web_port()) + "/"});
  }

  LoopbackLab lab_;
};

TEST_F(LoopbackLabTest, GoodAddressesAnswerWithTheirOwnName) {
  EXPECT_EQ(curl(LoopbackLab::kGood).out, "127.0.1.1\n");
  EXPECT_EQ(curl(LoopbackLab::kGoodToo).out, "127.0.1.4\n");
  EXPECT_EQ(lab_.accepted(), 2);
}

TEST_F(LoopbackLabTest, DeadAddressesHang) {
  for (const std::string address : {"127.0.1.2", "[::1]"}) {
    const Outcome outcome = curl(address);
    EXPECT_EQ(outcome.exit_status, 28) << outcome.describe();  // timed out
    EXPECT_GE(outcome.elapsed, milliseconds(500));
  }
}

TEST_F(LoopbackLabTest, TheRefusingAddressRefuses) {
  const Outcome outcome = curl(LoopbackLab::kRefusing);
  EXPECT_EQ(outcome.exit_status, 7) << outcome.describe();
  EXPECT_LT(outcome.elapsed, milliseconds(400));
}

TEST_F(LoopbackLabTest, TheHostsFileGivesPlainProgramsTheNames) {
  const Outcome outcome = lab_.run_plain({"curl", "-sS", lab_.url("healthy")},
                                         lab_.hosts_environment());
  EXPECT_EQ(outcome.out, "127.0.1.1\n") << outcome.describe();
}

// An independent client checks the resolver: gnutls-free python over TLS.
TEST_F(LoopbackLabTest, TheResolverAnswersOverTls) {
  const char* program = R"(
import socket, ssl, struct, sys
context = ssl.create_default_context(cafile=sys.argv[2])
query = (b"\0\1\1\0\0\1\0\0\0\0\0\0"
         + b"\5dead4\3lab\4test\0" + b"\0\1\0\1")
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as tcp:
    with context.wrap_socket(tcp, server_hostname="resolver.lab.test") as tls:
        tls.sendall(struct.pack("!H", len(query)) + query)
        reply = b""
        while len(reply) < 2 or len(reply) < 2 + struct.unpack(
                "!H", reply[:2])[0]:
            reply += tls.recv(4096)
for i in range(len(reply) - 3):
    if reply[i:i + 3] == bytes([127, 0, 1]):
        print(reply[i + 3])
)";
  const std::string authority =
      lab_.folder().write("ca.pem", lab_.certificate().authority_pem);
  const Outcome outcome = lab_.run_plain(
      {"python3", "-c", program, std::to_string(lab_.dot_port()), authority});
  EXPECT_EQ(outcome.out, "2\n1\n") << outcome.describe();
}

TEST(LoopbackLabs, TwoAtOnceDoNotCollide) {
  LoopbackLab one, other;
  EXPECT_NE(one.web_port(), other.web_port());
  EXPECT_NE(one.dot_port(), other.dot_port());
}

}  // namespace
}  // namespace happy::lab
