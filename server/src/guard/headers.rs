//! The security headers of every answer.

use crate::portal::Portal;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

/// No page has an inline script or style, so there is neither nonce nor hash.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
);

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");
const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");

/// `Cache-Control` is the file server's own where it set one: what else there is was made for one person and moment.
pub fn add(portal: &Portal, headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(REFERRER_POLICY, SAME_ORIGIN);
    if portal.origin.is_secure() {
        headers.insert(STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
}
