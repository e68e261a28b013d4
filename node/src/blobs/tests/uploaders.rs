//! The same blob from several uploaders: each has its own upload of it, and the first that brings the bytes has brought it for all.

use std::thread;

use assay_protocol::rpc::blobs::UPLOAD_TOKEN;

use super::*;
use crate::blobs::partial::Tag;

#[tokio::test]
async fn nobody_holds_up_cuts_or_spoils_anothers_upload() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = open(&directory, BlobConfig::default());
    let http = BlobHttp::new(blobs.clone(), 4, Duration::from_secs(5));
    let content = bytes(700_001, 5);
    let blob = blob_root(&content);
    let to = path(&blob);
    // A stranger who knows what is coming brings zeros under its name, as slowly as it may.
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let slow = Request::put(to.as_str()).header(UPLOAD_TOKEN, "stranger").body(Dripping(receiver));
    let (beside, slow) = (http.clone(), slow.expect("it is a request"));
    let slow = tokio::spawn(async move { beside.respond(slow).await.status() });
    // Once the second piece is in the channel, the first was taken out of it by the upload.
    for _ in 0..2 {
        sender.send(hyper::body::Bytes::from_static(&[0; 300_000])).await.expect("it is being read");
    }
    let (status, _, body) = ask(&http, request("PUT", &to, &[(UPLOAD_TOKEN, "stranger")], &content)).await;
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(status == StatusCode::LOCKED && body.contains("\"retryable\":true"), "{status} {body}");

    let honest = (UPLOAD_TOKEN, "honest");
    let (status, offset, _) = ask(&http, request("PUT", &to, &[honest], &content[..300_000])).await;
    assert_eq!((status, offset.as_deref()), (StatusCode::ACCEPTED, Some("300000")));
    let others: [&[(&str, &str)]; 2] = [&[(UPLOAD_TOKEN, "other"), (UPLOAD_OFFSET, "0")], &[(UPLOAD_OFFSET, "0")]];
    for other in others {
        let (status, offset, _) = ask(&http, request("PUT", &to, other, &[])).await;
        assert_eq!((status, offset.as_deref()), (StatusCode::ACCEPTED, Some("0")), "{other:?}");
    }
    for (headers, left) in [(&[honest][..], "300000"), (others[0], "0"), (others[1], "0")] {
        let (status, offset, _) = ask(&http, request("HEAD", &to, headers, &[])).await;
        assert_eq!((status, offset.as_deref()), (StatusCode::NOT_FOUND, Some(left)), "{headers:?}");
    }
    let rest = request("PUT", &to, &[honest, (UPLOAD_OFFSET, "300000")], &content[300_000..]);
    assert_eq!(ask(&http, rest).await.0, StatusCode::CREATED);

    sender.send(hyper::body::Bytes::from_static(&[0; 100_001])).await.expect("it is being read");
    drop(sender);
    assert_eq!(slow.await.expect("it answers"), StatusCode::UNPROCESSABLE_ENTITY);
    for other in others {
        assert_eq!(ask(&http, request("PUT", &to, other, &[])).await.0, StatusCode::CREATED, "it is here");
    }
    assert_eq!(blobs.read_all(&blob, 1 << 30).expect("it reads"), Some(content));
    assert_eq!((blobs.partials().expect("it reads"), blobs.used()), (Vec::new(), 700_001));
}

#[tokio::test]
async fn an_upload_is_its_tokens_or_its_addresss_and_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().expect("there is room");
    let content = bytes(100_000, 1);
    let to = path(&blob_root(&content));
    let start = || {
        let blobs = open(&directory, BlobConfig::default());
        (BlobHttp::new(blobs.clone(), 4, Duration::from_secs(5)), blobs)
    };
    let from = |address: &str, method: &str, headers: &[(&str, &str)], body: &[u8]| {
        let mut request = request(method, &to, headers, body);
        request.extensions_mut().insert(Uploader { address: address.parse().expect("it is one"), is_known: false });
        request
    };
    let token = (UPLOAD_TOKEN, "mine");
    let (http, blobs) = start();
    for (headers, sent) in [(&[token][..], 60_000), (&[][..], 30_000)] {
        let begun = ask(&http, from("192.0.2.1", "PUT", headers, &content[..sent])).await;
        assert_eq!(begun.0, StatusCode::ACCEPTED, "{headers:?}");
    }
    drop((http, blobs));
    let (http, blobs) = start();
    assert_eq!(blobs.used(), 90_000);
    for (address, headers, left) in [
        ("192.0.2.1", &[token][..], "60000"),
        ("192.0.2.9", &[token][..], "60000"),
        ("192.0.2.1", &[][..], "30000"),
        ("192.0.2.9", &[][..], "0"),
        ("192.0.2.9", &[(UPLOAD_TOKEN, "192.0.2.1")][..], "0"),
    ] {
        let (_, offset, _) = ask(&http, from(address, "HEAD", headers, &[])).await;
        assert_eq!(offset.as_deref(), Some(left), "{address} {headers:?}");
    }
    let rest = from("192.0.2.9", "PUT", &[token, (UPLOAD_OFFSET, "60000")], &content[60_000..]);
    assert_eq!(ask(&http, rest).await.0, StatusCode::CREATED);
    for wrong in ["", "two words", &"x".repeat(129)] {
        let (status, _, body) = ask(&http, from("192.0.2.1", "PUT", &[(UPLOAD_TOKEN, wrong)], &content)).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(status == StatusCode::BAD_REQUEST && body.contains("\"UPLOAD_TOKEN\""), "{wrong:?}: {status} {body}");
    }
}

#[test]
fn who_brings_a_blob_second_has_brought_it_too() {
    let directory = tempfile::tempdir().expect("there is room");
    let blobs = open(&directory, BlobConfig::default());
    let content = bytes(100_000, 1);
    let blob = blob_root(&content);
    let partials = [&b"a"[..], b"b", b"c"].map(|token| Partial { blob, tag: Tag::of_token(token) });
    let [first, second, third] = partials.map(|partial| {
        let upload = blobs.upload_missing(&partial, 0, 0).expect("there is room");
        let mut upload = upload.expect("it is not here");
        upload.write(&content).expect("it writes");
        upload
    });
    assert_eq!(blobs.used(), 300_000);
    // While another puts it in place or throws it away.
    let hold = blobs.hold(&blob).expect("nobody has it");
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        tell.send(()).expect("it is listened to");
        first.finish()
    });
    told.recv().expect("it begins");
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished() && !blobs.contains(&blob).expect("it reads"));
    drop(hold);
    waiting.join().expect("it does not panic").expect("it is the blob");
    second.finish().expect("it is here");
    // Broken off with all its bytes, which go when its uploader comes again.
    drop(third);
    assert_eq!(blobs.used(), 200_000);
    assert!(blobs.upload_missing(&partials[2], 100_000, 0).expect("it reads").is_none());
    assert_eq!((blobs.partials().expect("it reads"), blobs.used()), (Vec::new(), 100_000));
    drop(blobs);
    let blobs = open(&directory, BlobConfig::default());
    assert_eq!((blobs.read_all(&blob, 1 << 30).expect("it reads"), blobs.used()), (Some(content), 100_000));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_cut_is_worth_another_attempt() {
    let directory = tempfile::tempdir().expect("there is room");
    let http = BlobHttp::new(open(&directory, BlobConfig::default()), 1, Duration::from_secs(5));
    let (_sender, receiver) = tokio::sync::mpsc::channel(1);
    let request = Request::put(path(&blob_root(b"never"))).body(Dripping(receiver)).expect("it is a request");
    let response = http.respond(request).await;
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    let body = response.into_body().collect().await.expect("it reads").to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(body.contains("\"UPLOAD_OFFSET\"") && body.contains("\"retryable\":true"), "{body}");
}
