//! `/healthz`, `/readyz` and `/metrics` over HTTP.
//!
//! Owns the three pages, which `HEAD` gets without their bodies. At most [`CONNECTIONS_MAX`] connections, one request each; bodies of
//! requests are never read.

use super::{Health, Metrics, TelemetryError};
use crate::http::{self, Limits};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Connections that are served at once.
pub const CONNECTIONS_MAX: usize = 32;

/// How long a connection may last, from the first byte to the last.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);

/// Serves until the token is cancelled.
///
/// # Errors
/// [`TelemetryError::Server`] when the listener is unusable.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<(), TelemetryError> {
    listener.local_addr().map_err(|error| TelemetryError::Server { reason: error.to_string() })?;
    let limits = Limits {
        connections: CONNECTIONS_MAX,
        per_address: CONNECTIONS_MAX,
        unread_time: CONNECTION_TIME_MAX,
        head_time: CONNECTION_TIME_MAX,
        connection_time: CONNECTION_TIME_MAX,
        keep_alive: false,
    };
    let answer = move |request: Request<Incoming>| {
        std::future::ready(respond(request.method(), request.uri().path(), &health, &metrics))
    };
    http::serve(listener, limits, stop, answer).await;
    Ok(())
}

fn respond(method: &Method, path: &str, health: &Health, metrics: &Metrics) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    // What answers HEAD is written without its body.
    if method != Method::GET && method != Method::HEAD {
        return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are answered\n".into());
    }
    match path {
        "/healthz" => response(StatusCode::OK, TEXT, "alive\n".into()),
        "/readyz" => {
            let waits_for = health.waits_for();
            let lines: String = waits_for.iter().map(|(part, reason)| format!("{part}: {reason}\n")).collect();
            match waits_for.is_empty() {
                true => response(StatusCode::OK, TEXT, "ready\n".into()),
                false => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, lines),
            }
        }
        "/metrics" => {
            response(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.text())
        }
        _ => response(StatusCode::NOT_FOUND, TEXT, "there is /healthz, /readyz and /metrics\n".into()),
    }
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = String::new();
        // A server that cuts the connection has said all it had to say.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        ask(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
    }

    #[tokio::test]
    async fn the_three_pages_say_what_is() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (health, metrics, stop) = (Health::new(), Metrics::new("assay"), CancellationToken::new());
        let games = metrics.counter("games_won", "Games that were won");
        let part = health.part("l1");
        let server = tokio::spawn(serve(listener, health.clone(), metrics, stop.clone()));

        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
        let answer = get(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("l1: starting"), "{answer}");
        for (path, status) in [("/healthz", "200"), ("/readyz", "503")] {
            let answer = ask(address, &format!("HEAD {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
            let head = format!("HTTP/1.1 {status} ");
            assert!(answer.starts_with(&head) && answer.ends_with("\r\n\r\n"), "{path}: {answer}");
        }
        part.ready();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        games.inc_by(3);
        let answer = get(address, "/metrics").await;
        assert!(answer.contains("assay_games_won_total 3") && answer.contains("openmetrics"), "{answer}");

        assert!(get(address, "/other").await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await.starts_with("HTTP/1.1 405"));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
        let answer = ask(address, &long).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        ask(address, "\0\0nonsense\r\n\r\n").await;
        assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"), "it survives nonsense");

        stop.cancel();
        server.await.expect("it does not panic").expect("it ends well");
    }

    /// With every place taken by connections that say nothing, one more is served as soon as one of them goes.
    #[tokio::test]
    async fn connections_are_bounded() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, Health::new(), Metrics::new("assay"), stop.clone()));
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            silent.push(TcpStream::connect(address).await.expect("the server listens"));
        }
        let mut asked = tokio::spawn(async move { get(address, "/healthz").await });
        let early = tokio::time::timeout(Duration::from_millis(200), &mut asked).await;
        assert!(early.is_err(), "no place is free yet");
        silent.pop();
        assert!(asked.await.expect("it does not panic").starts_with("HTTP/1.1 200"));
        stop.cancel();
        server.await.expect("it does not panic").expect("it ends well");
    }
}
