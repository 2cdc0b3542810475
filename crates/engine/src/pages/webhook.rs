//! A generic webhook: JSON of a version, signed, with the delivery's id as idempotency key.
//!
//! The signature is `v1=` and the hexadecimal HMAC-SHA256 of `TIMESTAMP.BODY` by the secret; the timestamp is in a header of its
//! own, so that a receiver can refuse what is old.

use super::http::Service;
use super::message::Message;
use super::outlet::{later, secret};
use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use domain::Time;
use domain::catalog::channels::Webhook;
use domain::pages::Answer;
use ring::hmac;
use secrecy::ExposeSecret;

pub async fn send(http: &Service, hook: &Webhook, message: &Message, now: Time) -> Answer {
    let secret = match secret(&hook.secret).await {
        Ok(secret) => secret,
        Err(why) => return later(why),
    };
    let (body, stamp) = (message.json().to_string(), now.0.div_euclid(1000).to_string());
    let signature = signature(secret.expose_secret(), &stamp, &body);
    let texts = [("idempotency-key", &message.delivery.id), ("devmatrix-timestamp", &stamp), ("devmatrix-signature", &signature)];
    let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    headers.extend(texts.into_iter().filter_map(|(name, text)| Some((HeaderName::from_static(name), text.parse().ok()?))));
    http.post(&hook.url, headers, body).await
}

fn signature(secret: &str, stamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let sum = hmac::sign(&key, format!("{stamp}.{body}").as_bytes());
    let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={hex}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_what_other_tools_compute() {
        // printf '%s' '1700000000.{"version":1}' | openssl dgst -sha256 -hmac 'secret'
        let expected = "6c49492c841520e805df0f6652ac4859b2bf8a94b97b7fe2664f0c02e62d2c85";
        assert_eq!(super::signature("secret", "1700000000", "{\"version\":1}"), format!("v1={expected}"));
    }
}
