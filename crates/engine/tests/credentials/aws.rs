//! AWS' side: recomputes a signature by the steps of AWS' documentation, with nothing of the portal's code.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Step by step: hash of the canonical request, string to sign, signing key, signature.
pub fn signature(secret: &str, moment: &str, region: &str, service: &str, canonical_request: &str) -> String {
    let day = &moment[..8];
    let to_sign = format!("AWS4-HMAC-SHA256\n{moment}\n{day}/{region}/{service}/aws4_request\n{}", hex(&Sha256::digest(canonical_request)));
    let date_key = hmac(format!("AWS4{secret}").as_bytes(), day);
    let region_key = hmac(&date_key, region);
    let service_key = hmac(&region_key, service);
    let signing_key = hmac(&service_key, "aws4_request");
    hex(&hmac(&signing_key, &to_sign))
}

/// RFC 2104.
fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All but `A-Z a-z 0-9 - . _ ~` as `%XY` with capital letters.
fn uri_encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn uri_decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        assert_ne!(*first, b'+', "a plus stands for itself in AWS' canonical query: it must be encoded");
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Who signed a token, as a cluster of this name and STS find out: the access key's id. Else why they refuse.
pub fn identity(
    token: &str,
    cluster: &str,
    region: &str,
    now: Timestamp,
    keys: &BTreeMap<String, (String, String)>,
) -> Result<String, String> {
    let encoded = token.strip_prefix("k8s-aws-v1.").ok_or("not a token of EKS")?;
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).map_err(|error| error.to_string())?;
    let url = String::from_utf8(url).map_err(|error| error.to_string())?;
    let host = format!("sts.{region}.amazonaws.com");
    let query = url.strip_prefix(&format!("https://{host}/?")).ok_or_else(|| format!("not this region's STS: {url}"))?;
    let mut query: BTreeMap<String, String> =
        query.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(name, value)| (uri_decode(name), uri_decode(value))).collect();
    let given = query.remove("X-Amz-Signature").ok_or("no signature")?;
    let names: Vec<&str> = query.keys().map(String::as_str).collect();
    let expected = [
        "Action",
        "Version",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-SignedHeaders",
    ];
    assert_eq!(names, expected, "a cluster refuses any other parameter");
    assert_eq!((query["Action"].as_str(), query["X-Amz-Expires"].as_str()), ("GetCallerIdentity", "60"));
    assert_eq!(query["X-Amz-SignedHeaders"], "host;x-k8s-aws-id", "the cluster's name must be signed");

    let moment = &query["X-Amz-Date"];
    let signed_at = jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", moment).unwrap().to_datetime().unwrap();
    let signed_at = signed_at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    let age = now.duration_since(signed_at);
    if age > SignedDuration::from_secs(15 * 60) {
        return Err("the token is more than 15 minutes old".to_owned());
    }
    if age < SignedDuration::from_secs(-5 * 60) {
        return Err("SignatureDoesNotMatch: signature not yet current".to_owned());
    }

    let scope: Vec<&str> = query["X-Amz-Credential"].split('/').collect();
    assert_eq!(scope[1..], [&moment[..8], region, "sts", "aws4_request"]);
    let (secret, session) = keys.get(scope[0]).ok_or("InvalidClientTokenId")?;
    assert_eq!(query["X-Amz-Security-Token"], *session);
    let canonical_query: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", uri_encode(name), uri_encode(value))).collect();
    let canonical_request = format!(
        "GET\n/\n{}\nhost:{host}\nx-k8s-aws-id:{cluster}\n\nhost;x-k8s-aws-id\n{}",
        canonical_query.join("&"),
        hex(&Sha256::digest(""))
    );
    if given == signature(secret, moment, region, "sts", &canonical_request) {
        Ok(scope[0].to_owned())
    } else {
        Err("SignatureDoesNotMatch".to_owned())
    }
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[test]
fn these_steps_make_the_signatures_of_aws_documentation() {
    let list_users = "GET\n/\nAction=ListUsers&Version=2010-05-08\ncontent-type:application/x-www-form-urlencoded; charset=utf-8\n\
                      host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n\
                      e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let made = signature(SECRET, "20150830T123600Z", "us-east-1", "iam", list_users);
    assert_eq!(made, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");

    let credential = uri_encode("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request");
    let presigned_get = format!(
        "GET\n/test.txt\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400\
         &X-Amz-SignedHeaders=host\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD"
    );
    let made = signature(&SECRET.replace('+', "/"), "20130524T000000Z", "us-east-1", "s3", &presigned_get);
    assert_eq!(made, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}
