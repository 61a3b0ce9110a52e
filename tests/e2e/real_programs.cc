#include "tests/e2e/real_programs.h"

#include "tests/lab/conversations.h"

namespace happy::e2e {
namespace {

constexpr uint16_t kSshPort = 22;

constexpr const char* kUrllib = R"(
import urllib.request
print(urllib.request.urlopen("http://%H:%P/").read().decode())
)";
constexpr const char* kUrllibTimeout = R"(
import urllib.request
print(urllib.request.urlopen("http://%H:%P/", timeout=8).read().decode())
)";
constexpr const char* kAsyncioRacing = R"(
import asyncio
async def main():
    reader, writer = await asyncio.open_connection(
        "%H", %P, happy_eyeballs_delay=0.25)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    print((await reader.read()).decode())
asyncio.run(main())
)";
constexpr const char* kNodeHttp = R"(
require("http").get({host: "%H", port: %P, autoSelectFamily: false}, (reply) =>
  reply.pipe(process.stdout)
).on("error", (error) => { console.error(error); process.exitCode = 1; });
)";
constexpr const char* kNodeFamily = R"(
require("http").get({host: "%H", port: %P, autoSelectFamily: true}, (reply) =>
  reply.pipe(process.stdout)
).on("error", (error) => { console.error(error); process.exitCode = 1; });
)";
constexpr const char* kNodeFetch = R"(
fetch("http://%H:%P/").then((reply) => reply.text()).then(console.log)
  .catch((error) => { console.error(error); process.exitCode = 1; });
)";
constexpr const char* kBash =
    "exec 3<>/dev/tcp/%H/%P && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && "
    "cat <&3";
constexpr const char* kPerlTiny =
    "use HTTP::Tiny; my $reply = HTTP::Tiny->new->get('http://%H:%P/');"
    "print $reply->{content}; exit !$reply->{success};";
constexpr const char* kPerlInet =
    "use IO::Socket::INET; my $s = IO::Socket::INET->new('%H:%P') or die $@;"
    "print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; $s->flush; print <$s>;";
constexpr const char* kRubyHttp =
    "require 'net/http'; puts Net::HTTP.get(URI('http://%H:%P/'))";
constexpr const char* kRubySocket =
    "require 'socket'; s = Socket.tcp('%H', %P, connect_timeout: 8);"
    "s.write(\"GET / HTTP/1.0\\r\\n\\r\\n\"); puts s.read";
constexpr const char* kPhpStream =
    "$page = file_get_contents('http://%H:%P/'); echo $page;"
    "exit($page === false ? 1 : 0);";
constexpr const char* kPhpSocket =
    "$s = fsockopen('%H', %P, $code, $why, 8); if (!$s) exit(1);"
    "fwrite($s, \"GET / HTTP/1.0\\r\\n\\r\\n\"); echo stream_get_contents($s);";

// The extension is bound deeply.
constexpr const char* kPhpCurl =
    "$c = curl_init('http://%H:%P/'); exit(curl_exec($c) ? 0 : 1);";

#define SSH(options)                                                     \
  "ssh -F none -i \"$LAB_SSH_KEY\" -o BatchMode=yes -o LogLevel=ERROR "  \
  "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null " options \
  " -p %P root@%H 'echo $SSH_CONNECTION'"

constexpr const char* kBuilt = HAPPY_BUILD_FOLDER "/programs";
constexpr const char* kProxy =
    HAPPY_SOURCE_FOLDER "/tests/e2e/programs/through_proxy.sh";

// Java without the costs of a long-lived server.
std::vector<const char*> java(const char* how) {
  return {"/usr/bin/java",
          "-Xshare:auto",
          "-XX:TieredStopAtLevel=1",
          "-cp",
          kBuilt,
          "Fetch",
          how,
          "%H",
          "%P"};
}

std::vector<const char*> shell(const char* text) { return {"sh", "-c", text}; }

}  // namespace

const std::vector<RealProgram>& real_programs() {
  static const std::vector<RealProgram> kPrograms{
      {client("curl"), "curl", {}, 80, true},
      {{"curl_4", {"curl", "-4sS", "http://%H:%P/"}}, "curl", Uses::kIpv4},
      {{"curl_6", {"curl", "-6sS", "http://%H:%P/"}}, "curl", Uses::kIpv6},
      {{"curl_parallel",
        {"curl", "-sS", "--parallel", "http://%H:%P/a", "http://%H:%P/b",
         "http://%H:%P/c"}},
       "curl"},
      {{"curl_multi",
        {HAPPY_BUILD_FOLDER "/e2e_multi_client", "http://%H:%P/a",
         "http://%H:%P/b"}},
       "libcurl4"},
      {client("wget"), "wget"},
      {client("wget_T10"), "wget"},
      {{"git", {"git", "ls-remote", "http://%H:%P/repo.git"}}, "git"},
      {{"ssh", shell(SSH(""))}, "openssh-client", {}, kSshPort},
      {{"ssh_timeout", shell(SSH("-o ConnectTimeout=8"))},
       "openssh-client",
       {},
       kSshPort},
      {{"ssh_4", shell(SSH("-4"))}, "openssh-client", Uses::kIpv4, kSshPort},
      {{"ssh_6", shell(SSH("-6"))}, "openssh-client", Uses::kIpv6, kSshPort},
      {client("nc"), "netcat-openbsd"},
      {{"nc_w8", shell("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 8 %H %P")},
       "netcat-openbsd"},
      {{"socat",
        shell("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | socat - TCP:%H:%P")},
       "socat",
       Uses::kIpv4},
      {{"bash", {"bash", "-c", kBash}}, "bash"},
      {{"python_urllib", {"/usr/bin/python3", "-c", kUrllib}}, "python3"},
      {{"python_urllib_timeout", {"/usr/bin/python3", "-c", kUrllibTimeout}},
       "python3"},
      {client("python_asyncio"), "python3"},
      {{"python_asyncio_racing", {"/usr/bin/python3", "-c", kAsyncioRacing}},
       "python3",
       {},
       80,
       true},
      {{"node_http", {"node", "-e", kNodeHttp}}, "nodejs"},
      {{"node_select_family", {"node", "-e", kNodeFamily}},
       "nodejs",
       {},
       80,
       true},
      {{"node_fetch", {"node", "-e", kNodeFetch}}, "nodejs"},
      {{"java_url", java("url")}, "openjdk-17-jre-headless", Uses::kIpv4},
      {{"java_channel", java("channel")},
       "openjdk-17-jre-headless",
       Uses::kIpv4},
      {{"java_selector", java("selector")},
       "openjdk-17-jre-headless",
       Uses::kIpv4},
      {{"java_client", java("client")}, "openjdk-17-jre-headless", Uses::kIpv4},
      {{"perl_http_tiny", {"perl", "-e", kPerlTiny}}, "perl"},
      {{"perl_inet", {"perl", "-e", kPerlInet}}, "perl", Uses::kIpv4},
      {{"ruby_net_http", {"ruby", "-e", kRubyHttp}}, "ruby"},
      {{"ruby_socket", {"ruby", "-e", kRubySocket}}, "ruby"},
      {{"php_stream", {"php", "-r", kPhpStream}}, "php-cli"},
      {{"php_fsockopen", {"php", "-r", kPhpSocket}}, "php-cli"},
      {{"php_curl", {"php", "-r", kPhpCurl}}, "php-curl"},
      {{"nginx", {kProxy, "nginx", "%H", "%P"}}, "nginx"},
      {{"haproxy", {kProxy, "haproxy", "%H", "%P"}}, "haproxy"},
      {{"redis_cli", {"redis-cli", "-h", "%H", "-p", "%P", "PING"}},
       "redis-tools",
       Uses::kIpv4,  // first, and IPv6 only where there is no IPv4 address
       lab::kRedisPort},
      {{"psql",
        {"psql", "-XAt", "-h", "%H", "-p", "%P", "-U", "lab", "-d", "lab", "-c",
         "select inet_server_addr()"}},
       "postgresql-client",
       {},
       lab::kPostgresPort},
      {{"tokio",
        {HAPPY_BUILD_FOLDER "/programs/debug/tokio_client", "%H", "%P"}},
       "librust-tokio-dev"},
      {{"libevent", {HAPPY_BUILD_FOLDER "/e2e_libevent_client", "%H", "%P"}},
       "libevent-2.1-7"},
      {{"asio", {HAPPY_BUILD_FOLDER "/e2e_asio_client", "%H", "%P"}},
       "libboost-dev"},
  };
  return kPrograms;
}

}  // namespace happy::e2e
