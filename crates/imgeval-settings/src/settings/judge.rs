//! How judges are named: by provider and model as generators are, or by the address of a server and its model.

use imgeval_clients::ProviderKind;

use super::{ModelName, Overrides, ResolvedModel, Settings, file::ProviderSection};
use crate::SettingsError;

impl Settings {
    /// As [`Self::resolve`], of a judge: `openai:MODEL`, `gemini:MODEL`, a provider of the settings, or the address of a server
    /// that speaks chat completions, `http://host:port/v1#MODEL`. Such a server is sent no key but that of `overrides.key_file`:
    /// neither the environment nor the settings say that theirs is for it.
    ///
    /// # Errors
    /// As [`Self::resolve`], and if the provider cannot judge or the address is incomplete or may hold a key.
    pub fn resolve_judge(&self, name: &str, overrides: &Overrides) -> Result<ResolvedModel, SettingsError> {
        let Some((base_url, model)) = judge_address(name)? else {
            let name = ModelName::parse(name)?;
            let section = self.section(&name.provider, overrides.key_file.is_some())?;
            let kind = self.kind_of(&name.provider, &section)?.judge_kind();
            let kind = kind.ok_or_else(|| SettingsError::CannotJudge { provider: name.provider.clone() })?;
            return self.resolve_as(name, kind, &section, overrides);
        };
        if overrides.base_url.is_some() {
            return Err(SettingsError::SecondAddress);
        }
        let kind = ProviderKind::OpenaiChat;
        let (provider, base_url) = (kind.name().to_owned(), Some(base_url));
        let section =
            ProviderSection { kind: Some(provider.clone()), base_url, ..ProviderSection::default() };
        let resolved = self.resolve_as(ModelName { provider, model }, kind, &section, overrides)?;
        Ok(ResolvedModel { keeps_key_back: false, ..resolved })
    }
}

/// Base URL and model of `http://host:port/v1#MODEL`; `None` if the name is no address. What is refused is not shown, because
/// it may hold a key.
fn judge_address(name: &str) -> Result<Option<(String, String)>, SettingsError> {
    let Some((scheme, rest)) = name.split_once("://") else { return Ok(None) };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Ok(None);
    }
    let (address, model) = rest.split_once('#').unwrap_or((rest, ""));
    let host = address.split('/').next().unwrap_or_default();
    if host.contains('@') || name.contains('?') {
        return Err(SettingsError::SecretInAddress);
    }
    if model.is_empty() || host.is_empty() {
        return Err(SettingsError::IncompleteAddress);
    }
    Ok(Some((format!("{scheme}://{address}"), model.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroUsize};

    use imgeval_clients::{Catalogue, open_judge};
    use imgeval_core::{Usd, sentence_of};

    use super::{super::file::SettingsFile, *};

    fn settings(text: &str) -> Settings {
        let file: SettingsFile = toml::from_str(text).unwrap();
        let (files, catalogue) = (vec![], Catalogue::built_in());
        Settings { files, providers: file.providers, catalogue, untrusted: None, ask_above: Usd::ZERO }
    }

    fn judge(name: &str, overrides: &Overrides) -> Result<ResolvedModel, String> {
        settings(OWN).resolve_judge(name, overrides).map_err(|error| sentence_of(&error))
    }

    const OWN: &str = "
[providers.openai]
base_url = 'https://images.example/v1'
organization = 'org'
concurrency = 3
[providers.local]
kind = 'openai-chat'
base_url = 'http://127.0.0.1:9/v1'
[providers.tool]
kind = 'cmd'
";

    #[test]
    fn a_judge_is_named_by_provider_and_model() {
        for (name, kind, url, concurrent) in [
            ("openai:gpt-4o", ProviderKind::OpenaiChat, "https://images.example/v1", 3),
            ("local:a/b:c", ProviderKind::OpenaiChat, "http://127.0.0.1:9/v1", 4),
        ] {
            let judge = judge(name, &Overrides::default()).unwrap();
            let settings = &judge.settings;
            assert_eq!((settings.kind, settings.base_url.as_str()), (kind, url), "{name}");
            assert_eq!(settings.limits.concurrent.get(), concurrent);
            assert_eq!(name, format!("{}:{}", judge.name.provider, judge.name.model));
        }
        let official = judge("openai:gpt-4o-2024-05-13", &Overrides::default()).unwrap();
        let end = official.entry.unwrap().retires.map(|day| day.to_string());
        assert_eq!(end.as_deref(), Some("2026-10-23"), "chat models are looked up, not image models");
        let gemini = judge("gemini:m", &Overrides::default()).unwrap();
        assert_eq!(gemini.settings.kind, ProviderKind::Gemini);
        for (name, words) in [
            ("tool:judge.sh", "the provider `tool` cannot judge"),
            ("folder:x", "the provider `folder` cannot judge"),
            ("openai-responses:m", "the provider `openai-responses` cannot judge"),
            ("nobody:m", "unknown provider `nobody`"),
            ("gpt-4o", "does not name a provider and a model"),
        ] {
            let error = judge(name, &Overrides::default()).err().unwrap();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_judge_is_named_by_its_servers_address() {
        let overrides = Overrides { concurrency: NonZeroUsize::new(96), ..Overrides::default() };
        let judge = judge("http://127.0.0.1:8000/v1#Qwen/Qwen3.5-35B-A3B", &overrides).unwrap();
        assert_eq!(judge.name.model, "Qwen/Qwen3.5-35B-A3B");
        assert!(judge.settings.key.is_none() && judge.settings.organization.is_none());
        assert_eq!(judge.settings.limits.concurrent.get(), 96);
        let judge = open_judge(judge.settings, &judge.name.model, judge.entry).unwrap();
        let meta = judge.meta();
        assert_eq!(
            (meta.provider.as_str(), meta.endpoint.as_str()),
            ("openai-chat", "http://127.0.0.1:8000/v1")
        );
    }

    #[test]
    fn a_servers_key_comes_from_a_file_and_goes_unencrypted_to_this_machine_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "sk-canary-1234\n").unwrap();
        let overrides = Overrides { key_file: Some(file), ..Overrides::default() };
        for (name, is_fine) in [
            ("http://localhost:8000/v1#m", true),
            ("https://judge.example/v1#m", true),
            ("http://judge.example/v1#m", false),
        ] {
            let judge = judge(name, &overrides).unwrap();
            assert!(judge.settings.key.is_some());
            assert_eq!(open_judge(judge.settings, "m", None).is_ok(), is_fine, "{name}");
        }
    }

    #[test]
    fn an_address_that_may_hold_a_key_is_refused_and_not_shown() {
        for name in [
            "http://sk-canary@127.0.0.1/v1#m",
            "https://me:sk-canary@judge.example#m",
            "https://judge.example/v1?key=sk-canary#m",
            "https://judge.example/v1#m?key=sk-canary",
            "https://judge.example/sk-canary",
            "https://judge.example/sk-canary#",
            "http:///sk-canary#m",
        ] {
            let error = judge(name, &Overrides::default()).err().unwrap();
            assert!(!error.contains("canary") && error.contains("the judge's address"), "{error}");
        }
        let overrides = Overrides { base_url: Some("https://a.example".to_owned()), ..Overrides::default() };
        assert!(
            judge("http://127.0.0.1/v1#m", &overrides)
                .err()
                .unwrap()
                .contains("already contains its address")
        );
    }
}
