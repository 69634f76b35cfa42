//! Asks a provider for its list of models: free, and enough to know whether key and endpoint work.

use std::{collections::BTreeSet, time::Duration};

use imgeval_core::{Always, Outcome, ProviderDown};
use reqwest::Method;
use serde_json::Value;

use crate::{
    ProviderSettings,
    providers::judge_error,
    transport::{ApiRequest, Body, Call, Reply, ReplyReader, Transport, Tries, Verdict},
};

/// Longer is not waited for.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What is known of a provider.
#[derive(Debug)]
pub enum Reachability {
    NotTried,
    /// It answers; with the models that it lists, if it lists any.
    Answers {
        models: Option<BTreeSet<String>>,
    },
    /// It does not, and why.
    Fails(ProviderDown),
}

struct ModelList(ProviderSettings);

impl ReplyReader for ModelList {
    fn judge(&self, reply: &Reply) -> Verdict {
        if (200..300).contains(&reply.status) { Verdict::Answer } else { judge_error(self.0.kind, "", reply) }
    }
}

/// Asks for the list of models once, without trying again.
pub async fn probe(settings: &ProviderSettings) -> Reachability {
    let mut settings = settings.clone();
    settings.retries = 0;
    settings.rate_limit_patience = Duration::ZERO;
    settings.timeout = settings.timeout.min(TIMEOUT);
    let transport = match Transport::new(&settings) {
        Ok(transport) => transport,
        Err(error) => {
            let hint = error.hint();
            return Reachability::Fails(ProviderDown { message: error.to_string(), hint });
        }
    };
    let path = "/models".to_owned();
    let request = ApiRequest { method: Method::GET, path, body: Body::Empty };
    let reader = ModelList(settings);
    let (earlier, tokens) = (Tries::default(), 0);
    let call =
        Call { request: &request, reader: &reader, permit: &Always, price: &|_| None, tokens, earlier };
    match transport.call(call).await {
        Ok(exchange) => match exchange.outcome {
            Outcome::Done(reply) => Reachability::Answers { models: read_models(&reply) },
            Outcome::Failed(failure) => {
                let hint = "check the base URL, the proxy and the network".to_owned();
                Reachability::Fails(ProviderDown { message: failure.detail, hint })
            }
        },
        Err(down) => Reachability::Fails(down),
    }
}

/// OpenAI's `{"data": [{"id"}]}` and Google's `{"models": [{"name": "models/..."}]}`; `None` if it is neither, or only
/// the first page of a longer list.
fn read_models(reply: &Value) -> Option<BTreeSet<String>> {
    let is_whole = reply["nextPageToken"].is_null() && reply["has_more"] != true;
    let entries = reply["data"].as_array().or_else(|| reply["models"].as_array())?;
    let name = |entry: &Value| {
        let name = entry["id"].as_str().or_else(|| entry["name"].as_str())?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    let names: BTreeSet<String> = entries.iter().filter_map(name).collect();
    (is_whole && !names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_both_vendors_are_read() {
        let expected = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let openai = json!({"object": "list", "data": [{"id": "b"}, {"id": "a"}]});
        assert_eq!(read_models(&openai), Some(expected.clone()));
        let google = json!({"models": [{"name": "models/a"}, {"name": "models/b"}]});
        assert_eq!(read_models(&google), Some(expected));
        assert_eq!(read_models(&json!({"models": [{"name": "models/a"}], "nextPageToken": "x"})), None);
        assert_eq!(read_models(&json!({"hello": 1})), None);
    }
}
