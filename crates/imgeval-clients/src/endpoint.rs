//! One model behind one interface over HTTP, whatever it answers with.

use imgeval_core::{Cost, EndpointMeta, Permit, ProviderDown};

use crate::{
    ClientError, ModelEntry, ProviderSettings,
    providers::price_told,
    transport::{ApiRequest, Call, Exchange, ReplyReader, Told, Transport, Tries},
};

pub(crate) struct Endpoint<P> {
    pub(crate) meta: EndpointMeta,
    pub(crate) transport: Transport,
    pub(crate) provider: P,
    pub(crate) entry: Option<ModelEntry>,
}

impl<P: ReplyReader> Endpoint<P> {
    /// `version` as [`EndpointMeta::version`].
    pub(crate) fn new(
        settings: &ProviderSettings,
        model: &str,
        version: u32,
        provider: P,
        entry: Option<ModelEntry>,
    ) -> Result<Self, ClientError> {
        let transport = Transport::new(settings)?;
        let meta = transport.meta(model, version);
        Ok(Self { meta, transport, provider, entry })
    }

    /// Sends a request of about this many tokens, like [`Transport::call`].
    pub(crate) async fn call(
        &self,
        request: &ApiRequest,
        permit: &dyn Permit,
        tokens: u64,
        earlier: Tries,
    ) -> Result<Exchange, ProviderDown> {
        let price: &(dyn Fn(&Told) -> Option<Cost> + Sync) = &|told| price_told(self.entry.as_ref(), told);
        let call = Call { request, reader: &self.provider, permit, price, tokens, earlier };
        self.transport.call(call).await
    }
}
