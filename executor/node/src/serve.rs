//! Outputs over HTTP, for whoever checks results that L1 has not the input of.
//!
//! Owns a listener that answers GET and HEAD of blobs, and nothing else: nobody uploads here. Connections are bounded, and one that dawdles
//! over its request is cut.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use assay_node::blobs::BlobStore;
use assay_node::blobs::http::{BlobBody, BlobHttp};
use assay_protocol::rpc::blobs::PATH;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Connections that are served at once.
const CONNECTIONS_MAX: usize = 64;
/// How long the head of a request may take.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest life of a connection: a gibibyte over a slow line.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(3600);
/// How long to wait after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the token is cancelled.
pub(crate) async fn serve(listener: TcpListener, blobs: BlobStore, stop: CancellationToken) -> Result<(), Infallible> {
    let http = BlobHttp::new(blobs, 0, HEAD_TIME_MAX);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (http, stop) = (http.clone(), stop.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let http = http.clone();
                async move { Ok::<_, Infallible>(respond(&http, request).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
            let connection = builder.serve_connection(TokioIo::new(stream), answer);
            tokio::select! {
                () = stop.cancelled() => {}
                served = tokio::time::timeout(CONNECTION_TIME_MAX, connection) => {
                    if let Ok(Err(error)) = served {
                        debug!(%error, "a connection for blobs broke");
                    }
                }
            }
            drop(place);
        });
    }
}

async fn respond(http: &BlobHttp, request: Request<Incoming>) -> Response<BlobBody> {
    let status = match (request.method(), request.uri().path().starts_with(PATH)) {
        (&Method::GET | &Method::HEAD, true) => return http.respond(request).await,
        (_, false) => StatusCode::NOT_FOUND,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    let mut response = Response::new(BlobBody::Empty);
    *response.status_mut() = status;
    response
}
