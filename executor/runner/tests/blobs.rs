//! Blobs between processes, over a real socket: whole, in pieces, broken off, and from peers that lie.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use alloy_primitives::Bytes;
use assay_node::blobs::http::{BlobBody, BlobHttp};
use assay_node::blobs::{self, BlobConfig, BlobError, BlobStore};
use assay_node::store::{Schema, Store};
use assay_protocol::{B256, BlobRef};
use assay_runner::{BlobPeer, FetchError, blob_of, input_of};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Longer than two pieces of a request, and no whole number of them.
const LENGTH: usize = (9 << 20) + 12_345;

fn bytes() -> Bytes {
    (0..LENGTH).map(|at| (at * 7 % 251) as u8).collect::<Vec<u8>>().into()
}

fn open(folder: &Path) -> BlobStore {
    let store = Store::open(&folder.join("store"), &blobs::schema(Schema::new("test", 1))).unwrap();
    BlobStore::open(&store, &folder.join("blobs"), BlobConfig::default()).unwrap()
}

/// Serves blobs at a port of this machine.
async fn serve(blobs: BlobStore) -> BlobPeer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http = BlobHttp::new(blobs, 4, Duration::from_secs(10));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let http = http.clone();
            let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
                let http = http.clone();
                async move { Ok::<_, Infallible>(http.respond(request).await) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    BlobPeer::new(&format!("ws://{address}/a/path?and=more")).unwrap()
}

/// A peer that answers everything with the same bytes, as if they were what was asked for.
async fn lie(status: StatusCode, body: &'static [u8]) -> BlobPeer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = service_fn(move |_: Request<hyper::body::Incoming>| async move {
                let mut response = Response::new(BlobBody::Whole(Some(Bytes::from_static(body))));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    BlobPeer::new(&format!("http://{address}")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_come_and_go_and_go_on_where_they_broke_off() {
    let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(theirs.path()), open(ours.path()));
    let peer = serve(there.clone()).await;
    let blob = there.put(&bytes()).unwrap();
    // An earlier attempt left the first bytes here.
    let mut begun = here.upload(&blob, 0).unwrap();
    begun.write(&bytes()[..5_000_000]).unwrap();
    drop(begun);
    peer.fetch(&here, &blob).await.unwrap();
    assert_eq!(here.read_all(&blob, 1 << 30).unwrap(), Some(bytes()));
    assert_eq!(input_of(&here, &blob).unwrap()[..], bytes()[..]);
    peer.fetch(&here, &blob).await.unwrap();

    // The other way round: the peer has the first bytes of another blob.
    let other = Bytes::from([&bytes()[..], b"more"].concat());
    let sent = here.put(&other).unwrap();
    let mut begun = there.upload(&sent, 0).unwrap();
    begun.write(&other[..6_000_000]).unwrap();
    drop(begun);
    peer.send(&here, &sent).await.unwrap();
    assert_eq!(there.read_all(&sent, 1 << 30).unwrap(), Some(other));
    peer.send(&here, &sent).await.unwrap();
    let empty = here.put(&Bytes::new()).unwrap();
    peer.send(&here, &empty).await.unwrap();
    assert!(there.contains(&empty).unwrap());

    // Many jobs want the same one.
    let short = there.put(&Bytes::from(vec![3; 300_000])).unwrap();
    let mut fetching = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (peer, here) = (peer.clone(), here.clone());
        fetching.spawn(async move { peer.fetch(&here, &short).await });
    }
    while let Some(fetched) = fetching.join_next().await {
        fetched.unwrap().unwrap();
    }
    let missing = BlobRef { root: B256::repeat_byte(1), length: 10 };
    assert!(matches!(peer.fetch(&here, &missing).await, Err(FetchError::Missing { .. })));
    assert!(matches!(peer.send(&here, &missing).await, Err(FetchError::Missing { .. })));
}

/// Who knows which output is coming can neither hold it up nor spoil it; who holds up its own upload is told so, though it is sending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_of_others_are_in_nobodys_way() {
    let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (there, here) = (open(theirs.path()), open(ours.path()));
    let peer = serve(there.clone()).await;
    let blob = here.put(&bytes()).unwrap();
    // It is of whoever sends no token: nothing is said of addresses here.
    let mut held = there.upload(&blob, 0).unwrap();
    held.write(&[0; 5_000_000]).unwrap();
    let error = peer.send(&here, &blob).await.unwrap_err();
    assert!(matches!(error, FetchError::Refused { got: 423, .. }), "{error}");
    peer.with_token(&B256::repeat_byte(1)).send(&here, &blob).await.unwrap();
    assert_eq!(there.read_all(&blob, 1 << 30).unwrap(), Some(bytes()));
    held.write(&bytes()[5_000_000..]).unwrap();
    assert!(matches!(held.finish(), Err(BlobError::WrongBlob { .. })));
    assert_eq!((there.contains(&blob).unwrap(), there.used()), (true, LENGTH as u64));
}

/// A byte now and then would keep whoever waits for ever; what came is there for the next attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_drips_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let here = open(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let blob = blob_of(&bytes());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        for byte in bytes() {
            pause.tick().await;
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    });
    let peer = BlobPeer::new(&format!("http://{address}")).unwrap().with_patience(Duration::from_millis(300), 1 << 20);
    let error = peer.fetch(&here, &blob).await.unwrap_err();
    assert!(matches!(error, FetchError::Slow { wanted: 0x10_0000, .. }), "{error}");
    assert!(!here.contains(&blob).unwrap());
    assert!(here.upload_offset(&blob) > 0, "what came is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_the_blob_is_not_taken() {
    let ours = tempfile::tempdir().unwrap();
    let here = open(ours.path());
    let blob = blob_of(b"exactly these bytes");
    let fetched = async |status, body| lie(status, body).await.fetch(&here, &blob).await.unwrap_err();
    let other = fetched(StatusCode::OK, b"exactly other bytes").await;
    assert!(matches!(other, FetchError::Blob(_)), "{other}");
    let longer = fetched(StatusCode::OK, b"exactly these bytes and more").await;
    assert!(matches!(longer, FetchError::Malformed { .. }), "{longer}");
    let shorter = fetched(StatusCode::OK, b"exactly").await;
    assert!(matches!(shorter, FetchError::Malformed { .. } | FetchError::Blob(_)), "{shorter}");
    let error = fetched(StatusCode::FORBIDDEN, b"no").await;
    assert!(matches!(&error, FetchError::Refused { got: 403, words, .. } if words == "no"), "{error}");
    let nobody = BlobPeer::new("http://127.0.0.1:1").unwrap().fetch(&here, &blob).await.unwrap_err();
    assert!(matches!(nobody, FetchError::Unreachable { .. }), "{nobody}");
    assert!(matches!(BlobPeer::new("ftp://here"), Err(FetchError::Address { .. })));
    assert!(!here.contains(&blob).unwrap());
}
