//! Peers that don't keep to the rules: bytes on a socket, from whichever address of this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use assay_protocol::rpc::ErrorCode;
use jsonrpsee::core::client::Error;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// An address of this machine that is not the one from which everything comes that does not choose.
pub fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, number).into()
}

/// A socket from an address of this machine.
pub async fn socket_from(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Kibibytes of memory that this process has, as the system counts them.
pub fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[track_caller]
pub fn refused<T: std::fmt::Debug>(answer: Result<T, Error>, code: ErrorCode) {
    match answer {
        Err(Error::Call(error)) => {
            assert_eq!(error.code(), code.code(), "{error:?}");
            let data: Value = serde_json::from_str(error.data().unwrap().get()).unwrap();
            assert_eq!(
                (data["code"].as_str(), data["retryable"].as_bool()),
                (Some(code.name()), Some(code.is_retryable()))
            );
            assert!(error.message().len() > 10, "{error:?}");
        }
        other => panic!("{other:?}, wanted {}", code.name()),
    }
}

/// Sends bytes on a connection of their own, and reads until it ends.
pub async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses may close before all is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn post(body: &str, extra: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{extra}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
