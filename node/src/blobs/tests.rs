//! Blobs on a real directory: names, uploads that break off, room, HTTP.

mod together;
mod uploaders;

use super::http::{BlobBody, BlobHttp};
use super::*;
use assay_protocol::data::blob_root;
use assay_protocol::rpc::blobs::{UPLOAD_OFFSET, path};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode};
use tempfile::TempDir;

fn open(directory: &TempDir, config: BlobConfig) -> BlobStore {
    let store = Store::open(&directory.path().join("store"), &schema(Schema::new("test", 1))).expect("it opens");
    BlobStore::open(&store, &directory.path().join("blobs"), config).expect("it opens")
}

fn bytes(length: usize, seed: u8) -> Bytes {
    (0..length).map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed)).collect::<Vec<u8>>().into()
}

#[test]
fn blobs_come_back_small_and_large_and_after_a_restart() {
    let directory = tempfile::tempdir().expect("there is room");
    let all = [bytes(0, 0), bytes(1, 1), bytes(65536, 2), bytes(65537, 3), bytes(3 << 20, 4)];
    let blobs = open(&directory, BlobConfig::default());
    let names: Vec<BlobRef> = all.iter().map(|bytes| blobs.put(bytes).expect("there is room")).collect();
    for (name, bytes) in names.iter().zip(&all) {
        assert_eq!(*name, blob_root(bytes));
        assert_eq!(blobs.read_all(name, 1 << 30).expect("it reads").as_ref(), Some(bytes));
    }
    let used = blobs.used();
    assert_eq!(used, all.iter().map(|bytes| bytes.len() as u64).sum::<u64>());
    drop(blobs);
    let blobs = open(&directory, BlobConfig::default());
    assert_eq!(blobs.used(), used);
    assert_eq!(blobs.read_all(&names[4], 1 << 30).expect("it reads").as_ref(), Some(&all[4]));
    assert!(matches!(blobs.read_all(&names[4], 10), Err(BlobError::TooLong { got: 3145728, most: 10 })));
    let other = BlobRef { length: 7, ..names[1] };
    assert!(blobs.read_all(&other, 1 << 30).expect("it reads").is_none(), "a root alone names nothing");
}

#[test]
fn uploads_go_on_where_they_broke_off_and_wrong_ones_leave_nothing() {
    let directory = tempfile::tempdir().expect("there is room");
    let content = bytes(1 << 20, 9);
    let blob = blob_root(&content);
    let blobs = open(&directory, BlobConfig::default());
    let mut upload = blobs.upload(&blob, 0).expect("there is room");
    assert!(matches!(blobs.upload(&blob, 0), Err(BlobError::Uploading)));
    upload.write(&content[..100_001]).expect("it writes");
    drop(upload);
    drop(blobs);
    let blobs = open(&directory, BlobConfig::default());
    assert_eq!((blobs.upload_offset(&blob), blobs.used()), (100_001, 100_001));
    assert!(matches!(blobs.upload(&blob, 100_002), Err(BlobError::Offset { got: 100_002, wanted: 100_001 })));
    // After a start the file is read again; from then on each piece is hashed once, as it comes.
    for (from, read_again) in [(100_001, 100_001), (100_101, 0), (100_201, 0)] {
        let mut upload = blobs.upload(&blob, from).expect("there is room");
        assert_eq!(upload.read_again(), read_again, "from byte {from}");
        upload.write(&content[from as usize..][..100]).expect("it writes");
    }
    // From before the end: what follows is written anew.
    let mut upload = blobs.upload(&blob, 50_000).expect("there is room");
    assert_eq!(upload.read_again(), 50_000);
    assert!(matches!(upload.write(&bytes(1 << 21, 0)), Err(BlobError::Overrun { .. })));
    upload.write(&content[50_000..]).expect("it writes");
    upload.finish().expect("it is the blob");
    assert_eq!(blobs.read_all(&blob, 1 << 30).expect("it reads"), Some(content.clone()));
    assert_eq!((blobs.upload_offset(&blob), blobs.used()), (0, 1 << 20));

    let wrong = BlobRef { root: B256::repeat_byte(1), length: content.len() as u64 };
    let mut upload = blobs.upload(&wrong, 0).expect("there is room");
    upload.write(&content).expect("it writes");
    assert!(matches!(upload.finish(), Err(BlobError::WrongBlob { got, .. }) if got == blob.root));
    assert_eq!(
        (blobs.contains(&wrong).expect("it reads"), blobs.upload_offset(&wrong), blobs.used()),
        (false, 0, 1 << 20)
    );
    let long = BlobRef { length: 2 << 30, ..blob };
    assert!(matches!(blobs.upload(&long, 0), Err(BlobError::TooLong { .. })));
}

#[test]
fn the_oldest_go_when_more_come_and_what_is_pinned_stays() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = open(&directory, BlobConfig { total_bytes_max: 300_000, grace_seconds: 0, ..BlobConfig::default() });
    let pinned = blobs.put(&bytes(100_000, 1)).expect("there is room");
    let mut batch = blobs.inner.store.batch();
    blobs.pin(&mut batch, &pinned, (1, 7)).expect("it can be written");
    batch.commit().expect("it can be written");
    let loose = blobs.put(&bytes(100_000, 2)).expect("there is room");
    blobs.put(&bytes(150_000, 3)).expect("the loose one makes room");
    assert!(blobs.contains(&pinned).expect("it reads") && !blobs.contains(&loose).expect("it reads"));
    let refused = blobs.put(&bytes(250_000, 4)).expect_err("what is pinned stays");
    assert!(matches!(refused, BlobError::NoRoom { got: 250_000, used: 100_000, most: 300_000 }), "{refused}");
    let mut batch = blobs.inner.store.batch();
    blobs.unpin(&mut batch, &pinned, (1, 7));
    batch.commit().expect("it can be written");
    blobs.put(&bytes(250_000, 4)).expect("nothing is pinned");
    assert!(!blobs.contains(&pinned).expect("it reads"));
}

async fn ask(http: &BlobHttp, request: Request<Full<hyper::body::Bytes>>) -> (StatusCode, Option<String>, Vec<u8>) {
    let response: Response<BlobBody> = http.respond(request).await;
    let offset = response.headers().get(UPLOAD_OFFSET).map(|value| value.to_str().expect("it is text").to_owned());
    let status = response.status();
    (status, offset, response.into_body().collect().await.expect("it reads").to_bytes().to_vec())
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Full<hyper::body::Bytes>> {
    let builder = headers
        .iter()
        .fold(Request::builder().method(method).uri(path), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Full::new(hyper::body::Bytes::copy_from_slice(body))).expect("it is a request")
}

#[tokio::test]
async fn http_serves_ranges_and_resumes_uploads() {
    let directory = tempfile::tempdir().expect("there is room");
    let http = BlobHttp::new(open(&directory, BlobConfig::default()), 1, Duration::from_secs(5));
    let content = bytes(700_001, 5);
    let blob = blob_root(&content);
    let path = path(&blob);
    let (status, offset, _) = ask(&http, request("HEAD", &path, &[], &[])).await;
    assert_eq!((status, offset.as_deref()), (StatusCode::NOT_FOUND, Some("0")));
    let (status, offset, _) = ask(&http, request("PUT", &path, &[], &content[..300_000])).await;
    assert_eq!((status, offset.as_deref()), (StatusCode::ACCEPTED, Some("300000")));
    let (status, offset, body) = ask(&http, request("PUT", &path, &[("upload-offset", "400000")], &[])).await;
    assert_eq!((status, offset.as_deref()), (StatusCode::CONFLICT, Some("300000")), "{body:?}");
    let (status, ..) = ask(&http, request("PUT", &path, &[("upload-offset", "300000")], &content)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let (status, ..) = ask(&http, request("PUT", &path, &[("upload-offset", "300000")], &content[300_000..])).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, ..) = ask(&http, request("PUT", &path, &[], &content)).await;
    assert_eq!(status, StatusCode::CREATED, "again is no error");

    let (status, _, body) = ask(&http, request("GET", &path, &[], &[])).await;
    assert!(status == StatusCode::OK && body == content);
    let tag = format!("\"{}\"", assay_protocol::rpc::blobs::name(&blob));
    for (range, wanted, status) in [
        ("bytes=10-19", &content[10..20], StatusCode::PARTIAL_CONTENT),
        ("bytes=600000-", &content[600_000..], StatusCode::PARTIAL_CONTENT),
        ("bytes=-5", &content[699_996..], StatusCode::PARTIAL_CONTENT),
        ("bytes=700001-", &[][..], StatusCode::RANGE_NOT_SATISFIABLE),
        ("lines=1-2", &content[..], StatusCode::OK),
        ("bytes=5-3", &content[..], StatusCode::OK),
    ] {
        let (got, _, body) = ask(&http, request("GET", &path, &[("range", range)], &[])).await;
        assert!(got == status && body == wanted, "{range}: {got}");
    }
    let (status, ..) = ask(&http, request("GET", &path, &[("if-none-match", &tag)], &[])).await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
    for (method, path, wanted) in
        [("GET", "/v1/blobs/zz", StatusCode::BAD_REQUEST), ("DELETE", path.as_str(), StatusCode::METHOD_NOT_ALLOWED)]
    {
        assert_eq!(ask(&http, request(method, path, &[], &[])).await.0, wanted, "{method} {path}");
    }
    let wrong = assay_protocol::rpc::blobs::path(&BlobRef { root: B256::ZERO, length: 3 });
    let (status, _, body) = ask(&http, request("PUT", &wrong, &[], b"abc")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8_lossy(&body).contains("\"WRONG_BLOB\""));
}

/// More than any disk has.
const NEVER: u64 = 1 << 60;

/// A pinned blob, one that nobody needs, both large, and an upload that broke off.
fn fill(blobs: &BlobStore) -> [BlobRef; 3] {
    let pinned = blobs.put(&bytes(100_000, 1)).expect("there is room");
    let mut batch = blobs.inner.store.batch();
    blobs.pin(&mut batch, &pinned, (1, 7)).expect("it can be written");
    batch.commit().expect("it can be written");
    let loose = blobs.put(&bytes(100_000, 2)).expect("there is room");
    let begun = blob_root(&bytes(200_000, 3));
    let mut upload = blobs.upload(&begun, 0).expect("there is room");
    upload.write(&bytes(200_000, 3)[..70_000]).expect("it writes");
    [pinned, loose, begun]
}

#[test]
fn a_disk_that_gets_full_costs_what_nobody_needs_and_then_the_newcomer() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = open(&directory, BlobConfig { grace_seconds: 0, ..BlobConfig::default() });
    let [pinned, loose, begun] = fill(&blobs);
    let new = blob_root(&bytes(90_000, 4));
    let refused = blobs.upload_above(&new, 0, NEVER).expect_err("the disk is smaller");
    assert!(matches!(refused, BlobError::DiskLow { got: 90_000, reserve: NEVER, .. }), "{refused}");
    assert!(blobs.contains(&pinned).expect("it reads") && !blobs.contains(&loose).expect("it reads"));
    assert_eq!((blobs.upload_offset(&begun), blobs.used()), (0, 100_000));

    // An upload that began when there was room stops when there is none, and keeps what it has.
    let mut upload = blobs.upload(&new, 0).expect("there is room");
    upload.write(&bytes(90_000, 4)[..50_000]).expect("there is room");
    upload.reserve = NEVER;
    assert!(matches!(upload.write(&bytes(90_000, 4)[50_000..]), Err(BlobError::DiskLow { .. })));
    drop(upload);
    assert_eq!(blobs.upload_offset(&new), 50_000);
}

#[test]
fn a_full_disk_is_relieved_at_the_start_however_new_the_blobs_are() {
    let directory = tempfile::tempdir().expect("there is room");
    let [pinned, loose, begun] = fill(&open(&directory, BlobConfig::default()));
    let blobs = open(&directory, BlobConfig { disk_reserve_bytes: NEVER, ..BlobConfig::default() });
    assert!(blobs.contains(&pinned).expect("it reads") && !blobs.contains(&loose).expect("it reads"));
    assert_eq!((blobs.upload_offset(&begun), blobs.used()), (0, 100_000));
    assert!(matches!(blobs.put(&bytes(5, 5)), Err(BlobError::DiskLow { .. })));
}

/// A body whose bytes come when somebody sends them.
struct Dripping(tokio::sync::mpsc::Receiver<hyper::body::Bytes>);

impl hyper::body::Body for Dripping {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(hyper::body::Frame::data(bytes))))
    }
}

/// An upload whose bytes come in pieces, so much time after each other.
async fn drip(http: &BlobHttp, content: &Bytes, piece: usize, pause: Duration) -> StatusCode {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (pieces, path) = (content.clone(), path(&blob_root(content)));
    let drips = tokio::spawn(async move {
        for bytes in pieces.chunks(piece) {
            tokio::time::sleep(pause).await;
            if sender.send(hyper::body::Bytes::copy_from_slice(bytes)).await.is_err() {
                return;
            }
        }
    });
    let request = Request::put(path).body(Dripping(receiver)).expect("it is a request");
    let status = http.respond(request).await.status();
    drips.abort();
    status
}

#[tokio::test(start_paused = true)]
async fn uploads_keep_up_a_rate_or_are_cut() {
    let directory = tempfile::tempdir().expect("there is room");
    let http = BlobHttp::new(open(&directory, BlobConfig::default()), 1, Duration::from_secs(15));
    let began = tokio::time::Instant::now();
    let status = drip(&http, &bytes(1 << 20, 1), 1 << 10, Duration::from_secs(10)).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "1 KiB in ten seconds");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let began = tokio::time::Instant::now();
    let status = drip(&http, &bytes(4 << 20, 2), 64 << 10, Duration::from_millis(900)).await;
    assert_eq!(status, StatusCode::CREATED, "a little more than 64 KiB in a second");
    assert!(began.elapsed() > Duration::from_secs(50), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_address_takes_all_uploads() {
    let directory = tempfile::tempdir().expect("there is room");
    let limits = UploadLimits { per_address: 2, kept: 1, ..UploadLimits::new(4, Duration::from_secs(15)) };
    let http = BlobHttp::with_limits(open(&directory, BlobConfig::default()), limits);
    let from = |address: &str, is_known| Uploader { address: address.parse().expect("it is one"), is_known };
    let put = |content: &Bytes, uploader: Uploader| {
        let mut request = request("PUT", &path(&blob_root(content)), &[], content);
        request.extensions_mut().insert(uploader);
        let http = http.clone();
        async move { ask(&http, request).await.0 }
    };
    let mut slow = Vec::new();
    for (seed, uploader) in (0..).zip([from("192.0.2.1", false), from("192.0.2.1", false), from("192.0.2.2", false)]) {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let mut request =
            Request::put(path(&blob_root(&bytes(99, seed)))).body(Dripping(receiver)).expect("it is a request");
        request.extensions_mut().insert(uploader);
        let http = http.clone();
        let task = tokio::spawn(async move { http.respond(request).await.status() });
        // Once the second piece is in the channel, the first was taken out of it by the upload.
        for _ in 0..2 {
            sender.send(hyper::body::Bytes::from_static(b"x")).await.expect("it is being read");
        }
        slow.push((sender, task));
        if seed == 1 {
            let status = put(&bytes(3, 3), from("192.0.2.1", false)).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "two are all of one address");
            assert_eq!(put(&bytes(3, 3), from("192.0.2.3", false)).await, StatusCode::CREATED);
        }
    }
    assert_eq!(put(&bytes(4, 4), from("192.0.2.3", false)).await, StatusCode::SERVICE_UNAVAILABLE, "the last is kept");
    assert_eq!(put(&bytes(4, 4), from("192.0.2.3", true)).await, StatusCode::CREATED);
    assert_eq!(put(&bytes(5, 5), from("192.0.2.1", true)).await, StatusCode::CREATED, "beside its own two");
    for (sender, task) in slow {
        drop(sender);
        assert_eq!(task.await.expect("it answers"), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn http_says_that_the_disk_is_low_and_known_peers_may_use_more() {
    let directory = tempfile::tempdir().expect("there is room");
    let free = free_bytes(directory.path()).expect("this system says");
    let config = BlobConfig { disk_reserve_bytes: free.saturating_mul(2), ..BlobConfig::default() };
    let http = BlobHttp::new(open(&directory, config), 1, Duration::from_secs(5));
    let content = bytes(70_000, 1);
    let (status, _, body) = ask(&http, request("PUT", &path(&blob_root(&content)), &[], &content)).await;
    assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE);
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(body.contains("\"UNAVAILABLE\"") && body.contains("\"retryable\":true"), "{body}");
    let mut known = request("PUT", &path(&blob_root(&content)), &[], &content);
    known.extensions_mut().insert(Uploader { address: [192, 0, 2, 1].into(), is_known: true });
    assert_eq!(ask(&http, known).await.0, StatusCode::CREATED);
}
