//! A line to L1 that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A port before another one of this machine: what comes is passed on, unless it is cut.
#[derive(Clone)]
pub struct Line {
    address: SocketAddr,
    is_cut: Arc<watch::Sender<bool>>,
}

impl Line {
    /// A line to a port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_cut = Arc::new(watch::channel(false).0);
        let switch = is_cut.clone();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let mut cut = switch.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.wait_for(|is_cut| *is_cut) => {}
                        () = async {
                            let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                        } => {}
                    }
                });
            }
        });
        Self { address, is_cut }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts every connection, and those to come, or lets them through again.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}
