//! What every JSON-RPC server of Ethereum answers, so that common clients find their way.

use jsonrpsee::RpcModule;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;

use super::{Rpc, client::VERSION, openrpc};

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_chainId", |_, rpc, _| {
        Ok::<_, ErrorObjectOwned>(alloy_primitives::U64::from(rpc.context.deployment.chain_id))
    })?;
    module.register_method("net_version", |_, rpc, _| {
        Ok::<_, ErrorObjectOwned>(rpc.context.deployment.chain_id.to_string())
    })?;
    module.register_method("web3_clientVersion", |_, _, _| Ok::<_, ErrorObjectOwned>(VERSION))?;
    module.register_method("rpc_modules", |_, _, _| {
        let modules = ["assay", "eth", "executor", "net", "rpc", "web3"].map(|name| (name.to_owned(), "1.0".into()));
        Ok::<_, ErrorObjectOwned>(serde_json::Value::Object(modules.into_iter().collect()))
    })?;
    module.register_method("rpc.discover", |_, _, _| Ok::<_, ErrorObjectOwned>(openrpc::document()))?;
    Ok(())
}
