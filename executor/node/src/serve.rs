//! Outputs over HTTP, for whoever checks results that L1 has not the input of.
//!
//! Owns what is answered: GET and HEAD of blobs, and nothing else, for nobody uploads here.

use std::convert::Infallible;
use std::time::Duration;

use assay_node::blobs::BlobStore;
use assay_node::blobs::http::{BlobBody, BlobHttp};
use assay_node::http::{self, Limits};
use assay_protocol::rpc::blobs::PATH;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A connection may last as long as a gibibyte takes over a slow line, if it is read all the time. One address has an eighth of all.
const LIMITS: Limits = Limits {
    connections: 128,
    per_address: 16,
    head_time: Duration::from_secs(10),
    unread_time: Duration::from_secs(30),
    connection_time: Duration::from_secs(3600),
    keep_alive: true,
};

/// Serves until the token is cancelled.
pub(crate) async fn serve(listener: TcpListener, blobs: BlobStore, stop: CancellationToken) -> Result<(), Infallible> {
    let blobs = BlobHttp::new(blobs, 0, LIMITS.head_time);
    let answer = move |request| {
        let blobs = blobs.clone();
        async move { respond(&blobs, request).await }
    };
    http::serve(listener, LIMITS, stop, answer).await;
    Ok(())
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
