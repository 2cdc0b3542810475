//! AWS Signature Version 4 in a query: the presigned URL of GetCallerIdentity that an EKS cluster takes for a token.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};

/// All but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const SIGNED_HEADERS: &str = "host;x-k8s-aws-id";

/// Temporary credentials of a role.
pub struct Keys {
    pub id: String,
    pub secret: SecretString,
    pub session: SecretString,
}

/// The URL, signed for the EKS cluster of that name (header `x-k8s-aws-id`), good for a minute from `at`.
pub fn presigned(host: &str, region: &str, cluster: &str, keys: &Keys, at: Timestamp) -> String {
    let moment = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = at.strftime("%Y%m%d").to_string();
    let scope = format!("{day}/{region}/sts/aws4_request");
    let credential = format!("{}/{scope}", keys.id);
    // In the order of their names: the signature is over this text.
    let query = [
        ("Action", "GetCallerIdentity"),
        ("Version", "2011-06-15"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &moment),
        ("X-Amz-Expires", "60"),
        ("X-Amz-Security-Token", keys.session.expose_secret()),
        ("X-Amz-SignedHeaders", SIGNED_HEADERS),
    ]
    .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
    .join("&");
    let request = format!("GET\n/\n{query}\nhost:{host}\nx-k8s-aws-id:{cluster}\n\n{SIGNED_HEADERS}\n{}", sha256(""));
    let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", sha256(&request));
    let secret = format!("AWS4{}", keys.secret.expose_secret());
    let key = [&day, region, "sts", "aws4_request"].iter().fold(secret.into_bytes(), |key, part| hmac(&key, part));
    format!("https://{host}/?{query}&X-Amz-Signature={}", hex(&hmac(&key, &to_sign)))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
