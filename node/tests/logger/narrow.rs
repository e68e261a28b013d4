//! A provider with a limit: anvil behind a port that refuses to give more than some number of logs at once.
//!
//! Owns the port, and what was asked for receipts. Knows what a reader asks and nothing else.

use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::http::{Limits, serve};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a reader asks.
const METHODS: [&str; 4] = ["eth_chainId", "eth_getBlockByNumber", "eth_getLogs", "eth_getBlockReceipts"];

/// A running provider, ended when dropped.
pub struct Narrow {
    pub endpoint: Endpoint,
    limit: Arc<Limit>,
    _stop: DropGuard,
}

struct Limit {
    node: Endpoint,
    logs_max: usize,
    /// The blocks whose receipts were asked for, as they were named.
    receipts_of: Mutex<Vec<Value>>,
}

impl Narrow {
    /// Stands before a node. At first it has no receipts, then it refuses them, then it has an empty list of them, and from the fourth time on it gives them.
    pub async fn before(node: Endpoint, logs_max: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let endpoint = Endpoint::new(&EndpointConfig::new(format!("http://{address}"))).expect("a good address");
        let limit = Arc::new(Limit { node, logs_max, receipts_of: Mutex::default() });
        let asked = limit.clone();
        let answer = move |request: Request<Incoming>| {
            let limit = asked.clone();
            async move {
                let body = request.into_body().collect().await.expect("a question comes whole").to_bytes();
                let question: Value = serde_json::from_slice(&body).expect("a question is JSON");
                let id = &question["id"];
                let answer = match limit.answer(&question).await {
                    Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
                    Err(message) => {
                        json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32005, "message": message } })
                    }
                };
                Response::new(Full::new(Bytes::from(answer.to_string())))
            }
        };
        let time = Duration::from_secs(60);
        let limits = Limits {
            connections: 8,
            per_address: 8,
            head_time: time,
            connection_time: time,
            unread_time: time,
            keep_alive: true,
        };
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, limits, stop.clone(), answer));
        Narrow { endpoint, limit, _stop: stop.drop_guard() }
    }

    /// The blocks whose receipts were asked for, as they were named.
    pub fn receipts_of(&self) -> Vec<Value> {
        self.limit.receipts_of.lock().expect("nobody panics with it").clone()
    }
}

impl Limit {
    async fn answer(&self, question: &Value) -> Result<Value, String> {
        let known = METHODS.into_iter().find(|known| question["method"] == **known);
        let method = known.ok_or_else(|| format!("no reader asks {question}"))?;
        if method == "eth_getBlockReceipts" {
            let mut receipts_of = self.receipts_of.lock().expect("nobody panics with it");
            receipts_of.push(question["params"][0].clone());
            match receipts_of.len() {
                1 => return Ok(Value::Null),
                2 => return Err("later".to_owned()),
                3 => return Ok(json!([])),
                _ => {}
            }
        }
        let parameters = question.get("params").cloned().unwrap_or_else(|| json!([]));
        let asked = self.node.request::<Value>("pass a question on", method, parameters);
        let result = asked.await.map_err(|error| error.to_string())?;
        let logs = if method == "eth_getLogs" { result.as_array().map_or(0, Vec::len) } else { 0 };
        match logs > self.logs_max {
            true => Err(format!("query returned more than {} results", self.logs_max)),
            false => Ok(result),
        }
    }
}
