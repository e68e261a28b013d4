//! Connections: how many, from whom, and how slow they may be.
//!
//! Owns a listener. Paths of blobs go to the blobs, everything else to JSON-RPC; a request head or body that dawdles is cut, a peer that
//! does not read is not read from, a WebSocket over which nothing goes on is closed. When all places are taken a newcomer is refused at
//! once, so that those inside are not disturbed.

use std::convert::Infallible;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assay_node::addresses::Places;
use assay_node::blobs::Uploader;
use assay_node::blobs::http::BlobHttp;
use assay_node::stream::Paced;
use assay_protocol::rpc::ErrorCode;
use assay_protocol::rpc::blobs::PATH;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, HttpBody, MethodResponse, PingConfig, Server, ServerConfig, StopHandle, stop_channel, ws,
};
use jsonrpsee::types::Id;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::debug;

use super::activity::Activity;
use super::throttle::Throttle;
use super::{Answers, Cut, Peer, Rpc, Secret, executor};
use crate::config::RpcLimits;
use crate::context::time_ms;
use crate::metrics::SequencerMetrics;
use crate::refusal::Refusal;

/// How long to wait after a failed accept: too many open files do not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections have to end when the process stops.
const FAREWELL: Duration = Duration::from_millis(1500);

/// A port and what is said on it.
pub struct Listener {
    /// Bound.
    pub socket: TcpListener,
    /// What peers may cost.
    pub limits: RpcLimits,
    /// Figures.
    pub metrics: SequencerMetrics,
    /// When to stop.
    pub stop: CancellationToken,
}

/// What answers on a port.
#[derive(Clone)]
enum Door {
    /// Everybody.
    Public { rpc: Arc<Rpc>, blobs: BlobHttp },
    /// Whoever has the secret.
    Admin(Secret),
}

impl Door {
    /// Whether an executor has shown at an address who it is.
    fn knows(&self, address: IpAddr) -> bool {
        matches!(self, Self::Public { rpc, .. } if rpc.known.has(address))
    }
}

/// Serves the public methods and the blobs until the token is cancelled.
pub async fn serve(listener: Listener, answers: Answers, rpc: Arc<Rpc>, blobs: BlobHttp) {
    listener.accept(answers, Door::Public { rpc, blobs }).await;
}

/// Serves the admin's methods until the token is cancelled.
pub async fn serve_admin(listener: Listener, answers: Answers, secret: Secret) {
    listener.accept(answers, Door::Admin(secret)).await;
}

impl Listener {
    async fn accept(self, answers: Answers, door: Door) {
        let RpcLimits { connections_max, connections_per_address_max, connections_kept, .. } = self.limits;
        let places = Places::new(connections_max, connections_per_address_max, connections_kept);
        let (stop_handle, server_handle) = stop_channel();
        let (mut connections, numbers) = (JoinSet::new(), AtomicU64::new(0));
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = self.socket.accept() => accepted,
            };
            let Ok((stream, address)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Some(place) = places.take(address.ip(), door.knows(address.ip())) else {
                self.metrics.connections_refused.inc();
                refuse(stream);
                continue;
            };
            let peer = Peer(numbers.fetch_add(1, Ordering::Relaxed), address.ip());
            let connection = self.connection(stream, peer, answers.clone(), door.clone(), stop_handle.clone());
            let metrics = self.metrics.clone();
            connections.spawn(async move {
                metrics.connections.inc();
                connection.await;
                metrics.connections.dec();
                drop(place);
            });
        }
        // Connections hear of the stop by its handle; those that do not end are cut.
        let _ = server_handle.stop();
        let farewell = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        connections.abort_all();
    }

    /// One connection, from its first byte to its last.
    fn connection(
        &self,
        stream: TcpStream,
        peer: Peer,
        answers: Answers,
        door: Door,
        stop: StopHandle,
    ) -> impl Future<Output = ()> + Send + 'static {
        let limits = self.limits.clone();
        let request_time = Duration::from_secs(limits.request_seconds);
        let (in_flight_max, activity, cut) = (limits.in_flight_max, Activity::default(), Cut::default());
        let seen = activity.clone();
        let throttle = tower::layer::layer_fn(move |inner| Throttle::new(inner, in_flight_max, seen.clone()));
        let builder = Server::builder()
            .set_config(server_config(&limits))
            .set_rpc_middleware(RpcServiceBuilder::new().layer(throttle))
            .to_service_builder();
        // A session of its own to end: all end with the process, one when nothing goes on over it.
        let (end_handle, end) = stop_channel();
        let over_http = builder.clone().build(answers.http, end_handle.clone());
        let over_socket = builder.build(answers.socket, end_handle);
        if let Door::Public { rpc, .. } = &door {
            rpc.sessions.begin(peer.0);
        }
        // An upgraded connection outlives its HTTP: its place is kept until its session ends.
        let sessions = tokio_util::task::TaskTracker::new();
        let (tracked, ended, going, cutting) = (sessions.clone(), door.clone(), activity.clone(), cut.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(going.clone());
            request.extensions_mut().insert(cutting.clone());
            request.extensions_mut().insert(Uploader { address: peer.1, is_known: door.knows(peer.1) });
            let (mut over_http, mut over_socket) = (over_http.clone(), over_socket.clone());
            let (door, tracked) = (door.clone(), tracked.clone());
            async move {
                let response = match door {
                    Door::Public { blobs, .. } if request.uri().path().starts_with(PATH) => {
                        blobs.respond(request).await.map(HttpBody::new)
                    }
                    Door::Admin(secret) if !is_admin(&request, &secret) => {
                        plain(StatusCode::UNAUTHORIZED, "wanted Authorization: Bearer, a JWT of the admin's secret\n")
                    }
                    Door::Public { .. } | Door::Admin(_) if ws::is_upgrade_request(&request) => {
                        let closed = over_socket.on_session_closed();
                        tracked.spawn(closed);
                        answered(over_socket.call(request).await)
                    }
                    Door::Public { .. } | Door::Admin(_) => {
                        let call = tokio::time::timeout(request_time, over_http.call(request));
                        let late = |_| Ok(busy(StatusCode::REQUEST_TIMEOUT, "the request came too slowly"));
                        answered(call.await.unwrap_or_else(late))
                    }
                };
                Ok::<_, Infallible>(response)
            }
        });
        async move {
            let _ = stream.set_nodelay(true);
            let io = TokioIo::new(Paced::new(stream, Duration::from_secs(limits.unread_seconds)));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(request_time).max_buf_size(64 << 10);
            let connection = http.serve_connection(io, service).with_upgrades();
            tokio::pin!(connection);
            let served = tokio::select! {
                served = &mut connection => served,
                () = stop.clone().shutdown() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                debug!(%error, "a connection broke");
            }
            sessions.close();
            let idle_max = Duration::from_secs(limits.idle_seconds);
            tokio::select! {
                () = sessions.wait() => {}
                () = stop.shutdown() => {}
                () = cut.0.cancelled() => {}
                () = idle(&ended, peer, &activity, idle_max) => debug!("a connection was idle"),
            }
            let _ = end.stop();
            sessions.wait().await;
            if let Door::Public { rpc, .. } = ended {
                executor::ended(&rpc, peer).await;
            }
        }
    }
}

fn server_config(limits: &RpcLimits) -> ServerConfig {
    let ping = Duration::from_secs(limits.ping_seconds);
    ServerConfig::builder()
        .max_request_body_size(limits.request_bytes_max)
        .max_response_body_size(limits.response_bytes_max)
        .max_connections(u32::try_from(limits.in_flight_max).unwrap_or(u32::MAX))
        .max_subscriptions_per_connection(limits.subscriptions_max)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch_length_max))
        .set_message_buffer_capacity(u32::try_from(limits.in_flight_max).unwrap_or(u32::MAX))
        .enable_ws_ping(PingConfig::new().ping_interval(ping).inactive_limit(ping * 2).max_failures(1))
        .build()
}

fn answered(answer: Result<Response<HttpBody>, jsonrpsee::core::BoxError>) -> Response<HttpBody> {
    answer.unwrap_or_else(|error| {
        debug!(%error, "a request broke");
        plain(StatusCode::BAD_REQUEST, "the request broke\n")
    })
}

/// Returns when nothing has gone on over a connection for so long, and it is no executor's.
async fn idle(door: &Door, peer: Peer, activity: &Activity, idle_max: Duration) {
    loop {
        activity.ends(idle_max).await;
        match door {
            Door::Public { rpc, .. } if executor::is_seated(rpc, peer) => tokio::time::sleep(idle_max).await,
            Door::Public { .. } | Door::Admin(_) => return,
        }
    }
}

/// Says to a newcomer that there is no place, if that can be said without waiting.
fn refuse(stream: TcpStream) {
    let body = busy_body("too many connections, in all or from this address");
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(answer.as_bytes()));
}

/// BUSY, as an answer to a call that was not read.
fn busy_body(message: &str) -> String {
    let refusal = Refusal::new(ErrorCode::Busy, message);
    MethodResponse::error(Id::Null, jsonrpsee::types::ErrorObjectOwned::from(refusal)).as_json().get().to_owned()
}

fn busy(status: StatusCode, message: &str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(busy_body(message)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::from(text));
    *response.status_mut() = status;
    response
}

fn is_admin(request: &Request<Incoming>, secret: &Secret) -> bool {
    let given = request.headers().get(AUTHORIZATION).map(HeaderValue::to_str);
    let Some(Ok(given)) = given else { return false };
    secret.check(given, time_ms() / 1000).inspect_err(|error| debug!(%error, "an admin was refused")).is_ok()
}
