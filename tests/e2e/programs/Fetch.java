// Fetches a page by java.net.URLConnection, by a blocking NIO channel, by a
// non-blocking one with a selector, or by the HTTP client of Java 11.
// Usage: java Fetch url|channel|selector|client HOST PORT
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

public class Fetch {
  static String url(String host, int port) throws IOException {
    try (InputStream page =
        URI.create("http://" + host + ":" + port + "/").toURL().openStream()) {
      return new String(page.readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  static String talk(SocketChannel channel) throws IOException {
    channel.configureBlocking(true);
    channel.write(ByteBuffer.wrap(
        "GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    return new String(channel.socket().getInputStream().readAllBytes(),
                      StandardCharsets.US_ASCII);
  }

  static String channel(String host, int port) throws IOException {
    try (SocketChannel channel =
        SocketChannel.open(new InetSocketAddress(host, port))) {
      return talk(channel);
    }
  }

  static String selector(String host, int port) throws IOException {
    try (SocketChannel channel = SocketChannel.open();
         Selector selector = Selector.open()) {
      channel.configureBlocking(false);
      SelectionKey key = channel.register(selector, SelectionKey.OP_CONNECT);
      channel.connect(new InetSocketAddress(host, port));
      selector.select();
      channel.finishConnect();
      key.cancel();
      selector.selectNow();
      return talk(channel);
    }
  }

  static String client(String host, int port) throws Exception {
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(
                  URI.create("http://" + host + ":" + port + "/")).build(),
              HttpResponse.BodyHandlers.ofString())
        .body();
  }

  public static void main(String[] arguments) throws Exception {
    String host = arguments[1];
    int port = Integer.parseInt(arguments[2]);
    switch (arguments[0]) {
      case "url" -> System.out.println(url(host, port));
      case "channel" -> System.out.println(channel(host, port));
      case "selector" -> System.out.println(selector(host, port));
      default -> System.out.println(client(host, port));
    }
  }
}
