//! A small HTTP server: one service, a bounded number of connections, each cut when it dawdles.
//!
//! Owns the accept loop. Assumes nothing of who asks: heads are bounded by the library, and a service that reads bodies bounds them itself.
//! When all connections are taken, newcomers wait in the system's backlog, and are refused by it when that is full. An address that has its
//! share of them is refused at once, so that nobody takes those of others.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::addresses::Places;
use crate::stream::Paced;

/// How long to wait after a failed accept: the usual cause, too many open files, does not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What an address is told that has its share.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What peers may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections that are served at once.
    pub connections: usize,
    /// Of these, those of one address: of IPv4, or a network of 64 bits of IPv6.
    pub per_address: usize,
    /// How long the head of a request may take.
    pub head_time: Duration,
    /// How long a peer may leave an answer unread.
    pub unread_time: Duration,
    /// How long a connection may last, from the first byte to the last.
    pub connection_time: Duration,
    /// Whether a connection may carry more than one request.
    pub keep_alive: bool,
}

/// Serves until the token is cancelled.
pub async fn serve<A, F, B>(listener: TcpListener, limits: Limits, stop: CancellationToken, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send,
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let shares = Places::new(limits.connections, limits.per_address, 0);
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(share) = shares.take(address.ip(), false) else {
            refuse(stream);
            continue;
        };
        let (answer, stop) = (answer.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(limits.head_time).keep_alive(limits.keep_alive);
            let stream = Paced::new(stream, limits.unread_time);
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                () = stop.cancelled() => {}
                served = tokio::time::timeout(limits.connection_time, connection) => {
                    if let Ok(Err(error)) = served {
                        debug!(%error, "a connection broke");
                    }
                }
            }
            // In this order: whoever gets the place finds a share.
            drop(share);
            drop(place);
        });
    }
}

/// Says that there is no place, if that can be said without waiting.
fn refuse(stream: TcpStream) {
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(BUSY));
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::Bytes;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;

    const PATIENCE: Duration = Duration::from_secs(60);
    /// More than what systems keep of an answer that nobody reads.
    const LONG: usize = 64 << 20;

    /// A server whose answers are long where the path says so.
    async fn open(limits: Limits) -> (SocketAddr, tokio_util::sync::DropGuard) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let (address, stop) = (listener.local_addr().expect("it is bound"), CancellationToken::new());
        let answer = |request: Request<Incoming>| {
            let length = if request.uri().path() == "/long" { LONG } else { 1 };
            std::future::ready(Response::new(Full::new(Bytes::from(vec![0; length]))))
        };
        tokio::spawn(serve(listener, limits, stop.clone(), answer));
        (address, stop.drop_guard())
    }

    fn limits() -> Limits {
        Limits {
            connections: 3,
            per_address: 2,
            head_time: PATIENCE,
            unread_time: PATIENCE,
            connection_time: 10 * PATIENCE,
            keep_alive: false,
        }
    }

    /// A connection from one of this machine's addresses.
    async fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.bind((from, 0).into()).expect("it is this machine's");
        socket.connect(to).await.expect("the server listens")
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        // A server that refuses may cut the connection behind its answer.
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        let _ = read.expect("in time");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Reported: one address could hold all connections, for as long as a connection may last.
    #[tokio::test]
    async fn an_address_has_its_share() {
        let (to, _stop) = open(limits()).await;
        let mut held = [connect([127, 0, 0, 1], to).await, connect([127, 0, 0, 1], to).await];
        assert!(answer(&mut connect([127, 0, 0, 1], to).await).await.starts_with("HTTP/1.1 503"));
        let mut other = connect([127, 0, 0, 2], to).await;
        ask(&mut other, "/").await;
        assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
        ask(&mut held[0], "/").await;
        assert!(answer(&mut held[0]).await.starts_with("HTTP/1.1 200"), "those inside are not disturbed");
    }

    /// Reported: who asked and did not read kept its connection for as long as a connection may last.
    #[tokio::test]
    async fn who_does_not_read_is_cut() {
        let (to, _stop) = open(Limits { connections: 1, unread_time: Duration::from_millis(100), ..limits() }).await;
        let mut deaf = connect([127, 0, 0, 1], to).await;
        ask(&mut deaf, "/long").await;
        // There is one place, and it is free when that one is cut.
        let mut next = connect([127, 0, 0, 1], to).await;
        ask(&mut next, "/").await;
        assert!(answer(&mut next).await.starts_with("HTTP/1.1 200"));
    }
}
