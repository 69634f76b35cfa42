//! Parts of addresses. These work on any text, because an address that cannot be parsed is shown too.

/// Scheme, host and port.
pub(super) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |position| position + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |length| host + length);
    &url[..end]
}

/// The address without user and password, to be shown.
pub(crate) fn without_user(url: &str) -> String {
    let origin = origin(url);
    let host = origin.find("://").map_or(0, |position| position + 3);
    let user = origin[host..].rfind('@').map_or(0, |position| position + 1);
    format!("{}{}", &url[..host], &url[host + user..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_user_and_password() {
        let check = |url: &str, shown: &str| assert_eq!(without_user(url), shown);
        check("http://user:secret@host:80/a@b", "http://host:80/a@b");
        check("https://user:se@cret@host", "https://host");
        check("https://host/x?y=a@b", "https://host/x?y=a@b");
        check("user:secret@host/x", "host/x");
        check("", "");
    }
}
