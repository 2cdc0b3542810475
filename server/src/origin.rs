//! Where the portal is, as a browser sees it, and what follows from that: which requests come from its own pages, which
//! Host is believed, how the session's cookie is called.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use std::net::SocketAddr;

/// The name of the session's cookie on HTTPS: the prefix makes browsers insist on Secure, Path=/ and no Domain.
const SECURE_COOKIE: &str = "__Host-devmatrix";
/// Over plain HTTP a browser would refuse the prefix.
const PLAIN_COOKIE: &str = "devmatrix";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No address is configured: this machine only. Any port is its own, since tunnels end at other ports.
    Loopback(SocketAddr),
    /// `https://portal.example`, without a path.
    External(String),
}

impl Origin {
    pub fn of(external_url: Option<&str>, address: SocketAddr) -> Origin {
        match external_url {
            Some(url) => Origin::External(without_path(url).to_ascii_lowercase()),
            None => Origin::Loopback(address),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Origin::Loopback(address) => format!("http://{address}"),
            Origin::External(url) => url.clone(),
        }
    }

    pub fn is_secure(&self) -> bool {
        matches!(self, Origin::External(url) if url.starts_with("https://"))
    }

    pub fn cookie_name(&self) -> &'static str {
        if self.is_secure() { SECURE_COOKIE } else { PLAIN_COOKIE }
    }

    /// Against DNS rebinding: on loopback only a loopback name may be asked for.
    pub fn believes_host(&self, headers: &HeaderMap) -> bool {
        match self {
            Origin::External(_) => true,
            Origin::Loopback(_) => host(headers).is_some_and(is_loopback_host),
        }
    }

    /// Whether a request that changes something comes from one of our own pages. Browsers say so themselves in
    /// `Sec-Fetch-Site`; older ones at least name the `Origin`. Neither: nobody vouches for it.
    pub fn is_own_request(&self, headers: &HeaderMap) -> bool {
        if let Some(site) = headers.get("sec-fetch-site") {
            return site == "same-origin" || site == "none";
        }
        let Some(origin) = headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else { return false };
        match self {
            Origin::External(url) => origin == url,
            Origin::Loopback(_) => host(headers).is_some_and(|host| is_loopback_host(host) && origin.strip_prefix("http://") == Some(host)),
        }
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|value| value.to_str().ok())
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn without_path(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    url[after_scheme..].find('/').map_or(url, |slash| &url[..after_scheme + slash])
}

/// A path of this portal to return to, or `/`: never another site's address, in none of the spellings that browsers
/// take for one (`//host`, `/\host`, with tabs or line breaks in between).
pub fn return_path(text: &str) -> &str {
    let bytes = text.as_bytes();
    let local = bytes.first() == Some(&b'/') && bytes.get(1) != Some(&b'/');
    let plain = bytes.iter().all(|c| (0x21..0x7f).contains(c) && *c != b'\\');
    if local && plain && text.len() <= 1024 { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_own_pages_may_change_something() {
        let demo = Origin::of(None, ([127, 0, 0, 1], 3000).into());
        let real = Origin::of(Some("https://Portal.example/x"), ([0, 0, 0, 0], 3000).into());
        type Row = (&'static [(&'static str, &'static str)], bool, bool);
        let table: [Row; 8] = [
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "none")], true, true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://portal.example")], false, false),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (&[("host", "localhost:3000"), ("origin", "http://localhost:3000")], true, false),
            (&[("host", "evil.example:3000"), ("origin", "http://evil.example:3000")], false, false),
            (&[("origin", "https://portal.example")], false, true),
            (&[("host", "127.0.0.1:3000"), ("origin", "null")], false, false),
        ];
        for (pairs, in_demo, in_real) in table {
            assert_eq!(demo.is_own_request(&headers(pairs)), in_demo, "{pairs:?}");
            assert_eq!(real.is_own_request(&headers(pairs)), in_real, "{pairs:?}");
        }
        assert!(!demo.is_own_request(&HeaderMap::new()));
    }

    #[test]
    fn a_loopback_portal_believes_loopback_names_only() {
        let demo = Origin::of(None, ([127, 0, 0, 1], 3000).into());
        for (host, believed) in [
            ("127.0.0.1:3000", true),
            ("localhost", true),
            ("[::1]:3000", true),
            ("evil.example", false),
            ("127.0.0.1.evil.example", false),
        ] {
            assert_eq!(demo.believes_host(&headers(&[("host", host)])), believed, "{host}");
        }
        assert!(!demo.believes_host(&HeaderMap::new()));
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for good in ["/", "/changes/CH-1", "/changes?state=running&component=api"] {
            assert_eq!(return_path(good), good);
        }
        for bad in ["", "changes", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/\t/evil.example", "/ä"] {
            assert_eq!(return_path(bad), "/", "{bad:?}");
        }
    }
}
