// Fetches a page by tokio's own TcpStream::connect, which tries the addresses
// of the list one after the other. Usage: tokio_client HOST PORT
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn fetch(target: String) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(target).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page)
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let target = format!("{}:{}", arguments[1], arguments[2]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    println!("{}", runtime.block_on(fetch(target))?);
    Ok(())
}
