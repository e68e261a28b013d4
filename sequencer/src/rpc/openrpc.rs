//! The OpenRPC document, made of the table of methods: what `rpc.discover` answers, and `specs/openrpc.json`.

use assay_protocol::rpc::ErrorCode;
use serde_json::{Map, Value, json};

use super::methods::{METHODS, Method, OBJECTS, PLAIN};

/// The document.
pub fn document() -> Value {
    let plain = PLAIN.iter().map(|(name, schema)| {
        let schema = serde_json::from_str(schema).expect("the table is part of the program, and a test parses it");
        ((*name).to_owned(), schema)
    });
    let objects = OBJECTS.iter().map(|(name, fields)| ((*name).to_owned(), object(fields)));
    let errors = ErrorCode::ALL.iter().map(|code| (code.name().to_owned(), error(*code)));
    json!({
        "openrpc": "1.3.2",
        "info": { "title": "Assay sequencer", "version": env!("CARGO_PKG_VERSION"), "license": { "name": "Apache-2.0" } },
        "methods": METHODS.iter().map(described).collect::<Vec<_>>(),
        "components": {
            "schemas": plain.chain(objects).collect::<Map<_, _>>(),
            "errors": errors.collect::<Map<_, _>>(),
        },
    })
}

fn described(method: &Method) -> Value {
    let params = method
        .params
        .iter()
        .map(|(name, kind, required)| json!({ "name": name, "required": required, "schema": schema(kind) }));
    json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-position",
        "params": params.collect::<Vec<_>>(),
        "result": { "name": "result", "schema": schema(method.result) },
    })
}

fn object(fields: &[(&str, &str)]) -> Value {
    let properties: Map<_, _> = fields.iter().map(|(name, kind)| ((*name).to_owned(), schema(kind))).collect();
    let required: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn error(code: ErrorCode) -> Value {
    let data = json!({ "code": code.name(), "retryable": code.is_retryable() });
    json!({ "code": code.code(), "message": code.meaning().trim(), "data": data })
}

fn schema(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix('?') {
        return json!({ "oneOf": [schema(kind), { "type": "null" }] });
    }
    if let Some(kind) = kind.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema(kind) });
    }
    json!({ "$ref": format!("#/components/schemas/{kind}") })
}
