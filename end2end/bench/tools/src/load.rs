//! Connections that are kept alive, each with one request under way, for a number of seconds. On one thread: the server
//! under test has the other core.

use crate::Done;
use serde::Deserialize;
use serde_json::json;
use std::io::{Error, ErrorKind, Result, Write, stdout};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Clone, Deserialize)]
pub struct Order {
    /// `127.0.0.1:3000`
    address: String,
    /// `{}` becomes a number that no other request has.
    path: String,
    headers: Vec<(String, String)>,
    connections: usize,
    seconds: f64,
}

#[derive(Default)]
struct Seen {
    /// Microseconds each.
    took: Vec<u32>,
    bytes: usize,
    not_200: usize,
}

#[tokio::main(flavor = "current_thread")]
pub async fn run(order: Order) -> Done {
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(order.seconds);
    let mut connections = JoinSet::new();
    for number in 0..order.connections {
        connections.spawn(ask(order.clone(), number, until));
    }
    let mut all = Seen::default();
    while let Some(seen) = connections.join_next().await {
        let seen = seen??;
        all.took.extend(seen.took);
        all.bytes += seen.bytes;
        all.not_200 += seen.not_200;
    }
    let seconds = began.elapsed().as_secs_f64();
    all.took.sort_unstable();
    let result = json!({
        "requests": all.took.len(), "seconds": seconds, "per_second": all.took.len() as f64 / seconds, "not_200": all.not_200, "bytes": all.bytes,
        "p50_us": quantile(&all.took, 0.50), "p95_us": quantile(&all.took, 0.95), "p99_us": quantile(&all.took, 0.99),
    });
    Ok(writeln!(stdout(), "{result}")?)
}

fn quantile(sorted: &[u32], q: f64) -> u32 {
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

async fn ask(order: Order, connection: usize, until: Instant) -> Result<Seen> {
    let mut stream = TcpStream::connect(&order.address).await?;
    stream.set_nodelay(true)?;
    let (mut seen, mut buffer) = (Seen::default(), Vec::with_capacity(256 * 1024));
    let head: String = order.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    for round in 0.. {
        let began = Instant::now();
        if began >= until {
            break;
        }
        let path = order.path.replace("{}", &format!("{connection}.{round}"));
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{head}\r\n", order.address);
        stream.write_all(request.as_bytes()).await?;
        let is_good = answer(&mut stream, &mut buffer).await?;
        seen.took.push(began.elapsed().as_micros() as u32);
        seen.bytes += buffer.len();
        seen.not_200 += usize::from(!is_good);
        buffer.clear();
    }
    Ok(seen)
}

/// Reads one whole answer; whether it is a 200.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<bool> {
    let mut whole = usize::MAX;
    while buffer.len() < whole {
        if stream.read_buf(buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if whole == usize::MAX
            && let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
        {
            whole = end + 4 + length(&buffer[..end])?;
        }
    }
    Ok(buffer.starts_with(b"HTTP/1.1 200 "))
}

fn length(head: &[u8]) -> Result<usize> {
    let unknown = || Error::new(ErrorKind::InvalidData, "an answer without a Content-Length");
    let head = std::str::from_utf8(head).map_err(|_| unknown())?;
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let value = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim()).next();
    value.and_then(|value| value.parse().ok()).ok_or_else(unknown)
}
