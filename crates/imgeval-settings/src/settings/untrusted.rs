//! What a settings file in the working folder may not do without trust. It may come with someone else's project, so
//! it may neither choose where a secret goes nor which secret is sent, nor turn a provider into a program.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use imgeval_clients::ProviderKind;

use super::{
    built_in,
    file::{ProviderSection, read_settings},
    is_vendor_address,
};
use crate::{SettingsError, UntrustedUse};

/// A settings file that is not trusted, and those of its entries that need trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Untrusted {
    path: PathBuf,
    /// By provider.
    refused: BTreeMap<String, Vec<String>>,
    /// Providers whose address stands in the file.
    addressed: BTreeSet<String>,
}

impl Untrusted {
    /// Sorts the sections of the file at `path`; `own` are those of the user's own settings. `None` if nothing in it needs trust.
    pub(super) fn of(
        path: PathBuf,
        sections: &BTreeMap<String, ProviderSection>,
        own: &BTreeMap<String, ProviderSection>,
    ) -> Option<Self> {
        let refused: BTreeMap<String, Vec<String>> = sections
            .iter()
            .map(|(name, section)| (name.clone(), refused_entries(name, section, own.get(name))))
            .filter(|(_, entries)| !entries.is_empty())
            .collect();
        let addressed: BTreeSet<String> = sections
            .iter()
            .filter(|(name, section)| !addresses(name, section).is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        let is_harmless = refused.is_empty() && addressed.is_empty();
        (!is_harmless).then_some(Self { path, refused, addressed })
    }

    /// Whether requests to this provider would go to an address of the file, or by its refused entries.
    pub(super) fn concerns(&self, provider: &str) -> bool {
        self.refused.contains_key(provider) || self.addressed.contains(provider)
    }

    /// Refuses a provider whose entries need trust; with a key of the command line, also one whose address is the file's.
    pub(super) fn check(&self, provider: &str, has_key_file: bool) -> Result<(), SettingsError> {
        if self.refused.contains_key(provider) {
            return Err(self.refusal());
        }
        if has_key_file && self.addressed.contains(provider) {
            return Err(self.distrust(provider));
        }
        Ok(())
    }

    /// That the address of this provider gets no key, and no call.
    pub(super) fn distrust(&self, provider: &str) -> SettingsError {
        SettingsError::Untrusted { path: self.path.clone(), used: UntrustedUse::Address(provider.to_owned()) }
    }

    /// All entries that need trust.
    fn refusal(&self) -> SettingsError {
        let sections = self.refused.iter().map(|(name, entries)| shown_section(name, entries));
        SettingsError::Untrusted { path: self.path.clone(), used: UntrustedUse::Entries(sections.collect()) }
    }
}

/// A settings file as it is shown before it is trusted.
pub struct ShownFile {
    /// One line for each provider with entries that need trust or lead requests elsewhere.
    pub sections: Vec<String>,
    /// What trust will hold for.
    pub text: String,
}

impl ShownFile {
    /// Reads the file at this path.
    ///
    /// # Errors
    /// If the file cannot be read or is no settings file.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let (file, text) = read_settings(path)?;
        let sections = file.providers.iter().map(|(name, section)| (name, sensitive_entries(name, section)));
        let mut sections: Vec<String> = sections
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(name, entries)| shown_section(name, &entries))
            .collect();
        sections.extend(file.ask_above_usd.map(|dollars| format!("ask_above_usd = {dollars}")));
        let catalogue = file.catalogue.iter().map(|path| entry("catalogue", &path.to_string_lossy()));
        sections.extend(catalogue);
        Ok(Self { sections, text })
    }
}

fn shown_section(name: &str, entries: &[String]) -> String {
    format!("[providers.{name}] {}", entries.join(", "))
}

/// Every entry of a section that decides where requests go, which secrets they carry, or what is run.
pub(super) fn sensitive_entries(name: &str, section: &ProviderSection) -> Vec<String> {
    let kind = section.kind.iter().filter(|_| kind_of(name, section).is_some_and(ProviderKind::is_local));
    let kind = kind.map(|kind| entry("kind", kind)).collect();
    [kind, addresses(name, section), secrets(section)].concat()
}

fn refused_entries(name: &str, section: &ProviderSection, own: Option<&ProviderSection>) -> Vec<String> {
    let kind = kind_of(name, section);
    let is_local = section.kind.is_some() && kind.is_some_and(ProviderKind::is_local);
    let usual = kind.map_or(&[][..], ProviderKind::key_variables);
    let names_a_secret = section.key_env.as_deref().is_some_and(|variable| !usual.contains(&variable))
        || section.key_file.is_some()
        || section.proxy_env.is_some()
        || !section.headers_env.is_empty();
    let has_key = section.key_env.is_some() || section.key_file.is_some();
    // A built-in provider's own key goes along without being named.
    let takes_usual_key = !has_key && section.kind.is_none() && !usual.is_empty();
    let leads_a_key_elsewhere = (has_key || takes_usual_key) && !addresses(name, section).is_empty();
    let mut entries = Vec::new();
    if is_local || names_a_secret || leads_a_key_elsewhere {
        entries = sensitive_entries(name, section);
        if takes_usual_key {
            entries.push(format!("no key_env, so {}", usual.join(" or ")));
        }
    }
    if own.is_some_and(|own| own.kind.is_some() || !sensitive_entries(name, own).is_empty()) {
        entries.push("the whole section, replacing the one in your own settings".to_owned());
    }
    entries
}

fn kind_of(name: &str, section: &ProviderSection) -> Option<ProviderKind> {
    section.kind.as_deref().map_or_else(|| built_in(name), ProviderKind::from_name)
}

/// Entries that lead requests, or the connection that they go over, elsewhere.
fn addresses(name: &str, section: &ProviderSection) -> Vec<String> {
    let is_elsewhere =
        |url: &&String| !kind_of(name, section).is_some_and(|kind| is_vendor_address(kind, url));
    let base_url = section.base_url.iter().filter(is_elsewhere);
    let mut entries: Vec<String> = base_url.map(|url| entry("base_url", &shown_url(url))).collect();
    entries.extend(section.proxy.iter().map(|url| entry("proxy", &shown_url(url))));
    entries.extend(section.proxy_env.iter().map(|variable| entry("proxy_env", &shown_variable(variable))));
    // Servers that hold many sites choose among them by this header.
    let hosts = section.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    entries.extend(hosts.map(|(name, host)| entry(&format!("headers.{name}"), host)));
    if section.allow_plain_http {
        entries.push("allow_plain_http = true".to_owned());
    }
    entries
}

/// Entries that name a key or a header's value.
fn secrets(section: &ProviderSection) -> Vec<String> {
    let mut entries: Vec<String> =
        section.key_env.iter().map(|variable| entry("key_env", &shown_variable(variable))).collect();
    let path = section.key_file.iter().map(|path| path.to_string_lossy());
    entries.extend(path.map(|path| entry("key_file", &path)));
    let headers = section.headers_env.iter();
    entries.extend(
        headers.map(|(name, variable)| entry(&format!("headers_env.{name}"), &shown_variable(variable))),
    );
    entries
}

fn entry(name: &str, value: &str) -> String {
    format!("{name} = \"{value}\"")
}

/// A URL without user, password and query, which may be secrets.
fn shown_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

/// The name of a variable; anything else may be a key that somebody put in its place.
fn shown_variable(variable: &str) -> String {
    let is_name =
        |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    if variable.chars().all(is_name) { variable.to_owned() } else { "...".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{super::file::SettingsFile, *};

    fn sections(toml: &str) -> BTreeMap<String, ProviderSection> {
        toml::from_str::<SettingsFile>(toml).unwrap().providers
    }

    fn untrusted(toml: &str, own: &str) -> Option<Untrusted> {
        Untrusted::of(PathBuf::from("imgeval.toml"), &sections(toml), &sections(own))
    }

    fn refused(toml: &str) -> Vec<String> {
        untrusted(toml, "").map_or_else(Vec::new, |file| file.refused.into_values().flatten().collect())
    }

    #[test]
    fn an_address_does_not_go_together_with_a_key() {
        let address = "base_url = \"https://a.example/v1\"";
        for (toml, entries) in [
            (
                "[providers.openai]\nbase_url = 'https://a.example/v1'",
                vec![address, "no key_env, so OPENAI_API_KEY"],
            ),
            (
                "[providers.gemini]\nbase_url = 'https://a.example/v1'",
                vec![address, "no key_env, so GEMINI_API_KEY or GOOGLE_API_KEY"],
            ),
            (
                "[providers.openai]\nkey_env = 'OPENAI_API_KEY'\nbase_url = 'https://me:pass@a.example/v1?key=1'",
                vec![address, "key_env = \"OPENAI_API_KEY\""],
            ),
            (
                "[providers.mine]\nkind = 'openai-chat'\nkey_env = 'sk-canary'\nbase_url = 'https://a.example/v1'",
                vec![address, "key_env = \"...\""],
            ),
            (
                "[providers.openai]\nproxy = 'http://p.example:1'",
                vec!["proxy = \"http://p.example:1\"", "no key_env, so OPENAI_API_KEY"],
            ),
            (
                "[providers.openai-chat]\nheaders = { Host = 'a.example' }",
                vec!["headers.Host = \"a.example\"", "no key_env, so OPENAI_API_KEY"],
            ),
            (
                "[providers.openai]\nallow_plain_http = true\nkey_env = 'OPENAI_API_KEY'",
                vec!["allow_plain_http = true", "key_env = \"OPENAI_API_KEY\""],
            ),
        ] {
            assert_eq!(refused(toml), entries, "{toml}");
        }
    }

    #[test]
    fn which_secret_is_sent_and_what_is_run_needs_trust_without_an_address_too() {
        for toml in [
            "[providers.openai]\nkey_file = '/home/me/.token'",
            "[providers.openai]\nkey_env = 'CLOUD_SECRET'",
            "[providers.openai]\nheaders_env = { x = 'CLOUD_SECRET' }",
            "[providers.mine]\nkind = 'openai-chat'\nproxy_env = 'CLOUD_SECRET'",
            "[providers.mine]\nkind = 'cmd'",
            "[providers.openai]\nkind = 'cmd-lines'",
        ] {
            assert_ne!(refused(toml), Vec::<String>::new(), "{toml}");
        }
    }

    #[test]
    fn what_sends_no_secret_elsewhere_needs_no_trust() {
        for toml in [
            "",
            "[providers.openai]\nconcurrency = 3\nheaders = { x-title = 'a' }",
            "[providers.openai]\nkey_env = 'OPENAI_API_KEY'\nbase_url = 'https://api.openai.com/v1/'",
            "[providers.openai]\nkey_env = 'OPENAI_API_KEY'",
        ] {
            assert_eq!(untrusted(toml, "[providers.openai]\nconcurrency = 1"), None, "{toml}");
        }
    }

    #[test]
    fn without_a_key_an_address_may_be_used_but_gets_none_of_the_command_line() {
        let mine = "[providers.mine]\nkind = 'openai-chat'\nbase_url = 'http://127.0.0.1:9/v1'";
        let file = untrusted(mine, "").unwrap();
        assert!(file.concerns("mine") && !file.concerns("openai"));
        assert!(file.check("mine", false).is_ok() && file.check("openai", true).is_ok());
        assert!(file.check("mine", true).unwrap_err().to_string().contains("the address of provider `mine`"));
    }

    #[test]
    fn the_users_own_address_is_not_replaced() {
        let file = "[providers.openai]\nconcurrency = 3";
        let own = "[providers.openai]\nbase_url = 'https://gateway.example/v1'\nkey_env = 'GATEWAY_KEY'";
        let error = untrusted(file, own).unwrap().check("openai", false).unwrap_err();
        assert!(error.to_string().contains("replacing the one in your own settings"), "{error}");
    }
}
