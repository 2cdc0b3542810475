//! EKS: the token is what a cluster accepts, in time and with as few requests as there need be; what goes wrong is said.

use crate::aws;
use crate::server::{Asked, Clock, Server, Told, client, declared, eventually, surroundings, told, unauthorized, version, welcome};
use engine::clusters::connect::Way;
use futures::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const ROLE: &str = "arn:aws:iam::123456789012:role/portal";

/// STS and an EKS cluster that share a clock, and the pod with its token file that has another.
struct Aws {
    ours: Clock,
    theirs: Clock,
    sts: Server,
    api: Server,
    /// What STS answers instead of keys.
    instead: Arc<Mutex<Option<Told>>>,
    token_file: PathBuf,
    _folder: tempfile::TempDir,
}

type Keys = Arc<Mutex<BTreeMap<String, (String, String)>>>;

impl Aws {
    async fn new() -> Aws {
        let (ours, theirs) = (Clock::new(), Clock::new());
        let keys = Keys::default();
        let instead: Arc<Mutex<Option<Told>>> = Arc::default();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        fs::write(&token_file, "identity-1\n").unwrap();
        let sts = {
            let (keys, instead, clock) = (keys.clone(), instead.clone(), theirs.clone());
            let answer =
                move |asked: &Asked| instead.lock().unwrap().clone().unwrap_or_else(|| assume_role(asked, &keys, clock.after(3600)));
            Server::start(&theirs, answer).await
        };
        let api = {
            let clock = theirs.clone();
            let answer = move |asked: &Asked| {
                let signed_by = aws::identity(asked.bearer(), "prod", "us-east-1", clock.now(), &keys.lock().unwrap());
                signed_by.map_or_else(|_| unauthorized(), |_| welcome())
            };
            Server::start(&theirs, answer).await
        };
        Aws { ours, theirs, sts, api, instead, token_file, _folder: folder }
    }

    fn entry(&self) -> String {
        format!(
            "provider: eks, region: us-east-1, eks: {{endpoint: \"{}\", cluster_name: prod, sts_endpoint: \"{}\"}}",
            self.api.url, self.sts.url
        )
    }

    fn surroundings(&self) -> engine::clusters::credentials::Surroundings {
        let file = self.token_file.to_str().unwrap();
        surroundings(&self.ours, &[("AWS_ROLE_ARN", ROLE), ("AWS_WEB_IDENTITY_TOKEN_FILE", file)])
    }

    async fn client(&self) -> kube::Client {
        client(&self.entry(), &self.surroundings()).await
    }

    fn sts_says(&self, told: Option<Told>) {
        *self.instead.lock().unwrap() = told;
    }

    fn advance(&self, seconds: i64) {
        self.ours.advance(seconds);
        self.theirs.advance(seconds);
    }
}

fn assume_role(asked: &Asked, keys: &Keys, expiration: Timestamp) -> Told {
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/"), "a token does not belong into an address");
    let form = asked.form();
    assert_eq!((form["Action"].as_str(), form["Version"].as_str()), ("AssumeRoleWithWebIdentity", "2011-06-15"));
    assert_eq!((form["RoleArn"].as_str(), form["RoleSessionName"].as_str()), (ROLE, "devmatrix-portal"));
    assert!(form["WebIdentityToken"].starts_with("identity-"), "{form:?}");
    let mut keys = keys.lock().unwrap();
    let n = keys.len() + 1;
    let (id, secret, session) = (format!("ASIA{n}"), format!("sec/ret+{n}"), format!("FwoGZXIv+{n}/&=="));
    keys.insert(id.clone(), (secret.clone(), session.clone()));
    told(
        200,
        format!(
            r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser><AssumedRoleId>AROA:devmatrix-portal</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/portal</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{id}</AccessKeyId>
      <SecretAccessKey>{}</SecretAccessKey>
      <SessionToken>{}</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>"#,
            secret.replace('+', "&#43;"),
            session.replace('&', "&amp;"),
        ),
    )
}

fn error(status: u16, code: &str, message: &str) -> Told {
    told(
        status,
        format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"),
    )
}

#[tokio::test]
async fn the_token_is_what_a_cluster_accepts() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!((aws.sts.count(), aws.api.count()), (1, 1));
    assert_eq!(aws.sts.asked()[0].form()["WebIdentityToken"], "identity-1", "without the line's end");
}

#[tokio::test]
async fn fifty_at_once_cost_one_request() {
    let aws = Aws::new().await;
    let way = Way::of(&declared(&aws.entry()).access, &aws.surroundings()).await.unwrap();
    let clients: Vec<_> = (0..50).map(|_| way.client(false).unwrap()).collect();
    for answer in join_all(clients.iter().map(version)).await {
        assert_eq!(answer, Ok(()));
    }
    assert_eq!((aws.sts.count(), aws.api.count()), (1, 50));
}

#[tokio::test]
async fn it_is_renewed_before_it_runs_out() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    let minutes = 5 * 60;
    for minute in 0..minutes {
        assert_eq!(version(&client).await, Ok(()), "minute {minute}");
        aws.advance(60);
        tokio::task::yield_now().await;
    }
    assert_eq!(aws.api.count(), minutes, "no token was refused, none was sent twice");
    assert!((6..=8).contains(&aws.sts.count()), "keys of an hour, renewed when a quarter is left: {}", aws.sts.count());
    let tokens: std::collections::BTreeSet<_> = aws.api.asked().iter().map(|asked| asked.bearer().to_owned()).collect();
    assert!((20..=26).contains(&tokens.len()), "a token serves for twelve minutes or so: {}", tokens.len());
}

#[tokio::test]
async fn nothing_is_sent_that_is_too_old() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    // Longer than the token lives; the keys still live.
    aws.advance(20 * 60);
    assert_eq!(version(&client).await, Ok(()));
    // Longer than the keys live.
    aws.advance(2 * 3600);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!((aws.sts.count(), aws.api.count()), (2, 3));
}

#[tokio::test]
async fn old_keys_serve_while_sts_is_out_of_order() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    aws.sts_says(Some(told(503, "")));
    for _ in 0..59 {
        aws.advance(60);
        assert_eq!(version(&client).await, Ok(()), "until the keys end");
        tokio::task::yield_now().await;
    }
    let tries = aws.sts.count() - 1;
    assert!((1..=15).contains(&tries), "at most once a minute in the last quarter: {tries}");
    aws.advance(120);
    let said = version(&client).await.unwrap_err();
    assert!(said.contains("AWS STS is out of order (503"), "{said}");
    aws.sts_says(None);
    aws.advance(300);
    assert_eq!(version(&client).await, Ok(()));
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    for throttled in [error(400, "Throttling", "Rate exceeded").with("retry-after", 30), told(429, "").with("retry-after", 30)] {
        let before = aws.sts.count();
        aws.sts_says(Some(throttled));
        for _ in 0..20 {
            let said = version(&client).await.unwrap_err();
            assert!(said.contains("AWS STS asks for fewer requests"), "{said}");
            aws.advance(1);
        }
        assert_eq!(aws.sts.count() - before, 1, "it is left alone for thirty seconds");
        aws.sts_says(None);
        aws.advance(300);
        assert_eq!(version(&client).await, Ok(()));
        aws.advance(7200);
    }
}

#[tokio::test]
async fn failures_are_tried_again_less_and_less_often() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    aws.sts_says(Some(told(500, "")));
    for _ in 0..1000 {
        version(&client).await.unwrap_err();
        aws.advance(1);
    }
    assert!((9..=12).contains(&aws.sts.count()), "1, 2, 4, … 256, 300 s: {}", aws.sts.count());
    assert_eq!(aws.api.count(), 0, "nothing is sent without a credential");
}

#[tokio::test]
async fn a_refusal_says_what_to_check() {
    let table = [
        (
            error(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
            "its trust policy names this cluster's OIDC",
        ),
        (error(400, "ExpiredTokenException", "Token expired"), "is renewed"),
        (error(400, "InvalidIdentityToken", "No OpenIDConnect provider found"), "that IAM knows the issuer"),
        (error(400, "RequestExpired", "Request has expired"), "this machine's clock"),
        (error(403, "SignatureDoesNotMatch", "Signature expired"), "this machine's clock"),
        (told(403, "<html>blocked by the proxy"), "AWS STS refuses (403): check the role"),
    ];
    for (answer, expected) in table {
        let aws = Aws::new().await;
        aws.sts_says(Some(answer.clone()));
        let said = version(&aws.client().await).await.unwrap_err();
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(said.contains("AWS STS refuses (4") && !said.contains("identity-1"), "{said}");
    }
}

#[tokio::test]
async fn answers_without_sense_are_no_keys() {
    let keys = Keys::default();
    let asked = |clock: &Clock| {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("Action", "AssumeRoleWithWebIdentity"),
                ("Version", "2011-06-15"),
                ("RoleArn", ROLE),
                ("RoleSessionName", "devmatrix-portal"),
                ("WebIdentityToken", "identity-1"),
            ])
            .finish();
        let headers = [("content-type".parse().unwrap(), "application/x-www-form-urlencoded".parse().unwrap())].into_iter().collect();
        assume_role(&Asked { method: "POST".into(), path: "/".into(), headers, body }, &keys, clock.after(3600)).body
    };
    let good = asked(&Clock::new());
    let past = Clock::new().after(-3600).to_string();
    let table = [
        (String::new(), "`AccessKeyId` is missing"),
        ("<html>a portal of a hotel</html>".to_owned(), "`AccessKeyId` is missing"),
        ("<a><b></a>".to_owned(), "it is no XML"),
        (good.split("<SessionToken>").next().unwrap().to_owned(), "`SessionToken` is missing"),
        (good.replace("SessionToken", "Session"), "`SessionToken` is missing"),
        (good.replace("2026-", "MMXXVI-"), "`Expiration` is no time"),
        (good.replace(&Clock::new().after(3600).to_string(), &past), "the keys have ended already"),
    ];
    for (body, expected) in table {
        let aws = Aws::new().await;
        aws.sts_says(Some(told(200, &body)));
        let said = version(&aws.client().await).await.unwrap_err();
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!said.contains("sec/ret") && !said.contains("FwoGZXIv"), "{said}");
    }
}

#[tokio::test]
async fn a_rotated_token_file_is_read_anew() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    fs::write(&aws.token_file, "identity-2").unwrap();
    aws.advance(7200);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(aws.sts.asked()[1].form()["WebIdentityToken"], "identity-2");
    for (content, expected) in [(Some(""), "does not hold a token"), (Some("two words"), "does not hold a token"), (None, "cannot be read")]
    {
        aws.advance(7200);
        match content {
            Some(content) => fs::write(&aws.token_file, content).unwrap(),
            None => fs::remove_file(&aws.token_file).unwrap(),
        }
        let said = version(&client).await.unwrap_err();
        assert!(said.contains(expected) && said.contains(aws.token_file.to_str().unwrap()), "{said}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_does_not_lock_us_out() {
    for off in [-1200, 1200] {
        let aws = Aws::new().await;
        aws.ours.advance(off);
        let client = aws.client().await;
        for _ in 0..120 {
            assert_eq!(version(&client).await, Ok(()), "off by {off} s");
            aws.advance(60);
            tokio::task::yield_now().await;
        }
        assert_eq!(aws.api.count(), 120, "no token was refused");
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong_is_noticed_at_the_first_refusal() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    aws.theirs.advance(1200);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(aws.api.count(), 3, "one refused, one with the other time");
}

#[tokio::test]
async fn a_cluster_that_knows_nobody_is_asked_twice_and_then_left_alone() {
    let aws = Aws::new().await;
    let stranger = Server::start(&aws.theirs, |_| unauthorized()).await;
    let entry = aws.entry().replace(&aws.api.url, &stranger.url);
    let client = client(&entry, &aws.surroundings()).await;
    let said = version(&client).await.unwrap_err();
    assert!(said.starts_with("authentication failed: ") && said.contains(ROLE) && said.contains("aws-auth"), "{said}");
    assert_eq!((stranger.count(), aws.sts.count()), (2, 2));
    for _ in 0..20 {
        version(&client).await.unwrap_err();
    }
    assert_eq!((stranger.count(), aws.sts.count()), (22, 2), "no new keys within half a minute");
    aws.advance(31);
    version(&client).await.unwrap_err();
    assert_eq!(aws.sts.count(), 3);
}

#[tokio::test]
async fn what_is_nowhere_declared_is_named() {
    let aws = Aws::new().await;
    let clock = Clock::new();
    let failed =
        async |variables: &[(&str, &str)]| Way::of(&declared(&aws.entry()).access, &surroundings(&clock, variables)).await.err().unwrap();
    assert_eq!(failed(&[]).await, "`eks` needs `role_arn` in the configuration, or AWS_ROLE_ARN in the environment");
    let said = failed(&[("AWS_ROLE_ARN", ROLE)]).await;
    assert_eq!(said, "`eks` needs `web_identity_token_file` in the configuration, or AWS_WEB_IDENTITY_TOKEN_FILE in the environment");
    let entry = aws.entry().replace("region: us-east-1, ", "");
    let said = Way::of(&declared(&entry).access, &surroundings(&clock, &[])).await.err().unwrap();
    assert_eq!(said, "`eks` needs `region` in the configuration, or AWS_REGION in the environment");
}

#[tokio::test]
async fn a_renewal_does_not_hold_up_requests() {
    let aws = Aws::new().await;
    let client = aws.client().await;
    assert_eq!(version(&client).await, Ok(()));
    let first = aws.api.asked()[0].bearer().to_owned();
    aws.advance(13 * 60);
    assert_eq!(version(&client).await, Ok(()));
    assert_eq!(aws.api.asked()[1].bearer(), first, "the old one is still good");
    eventually("the new one is used", async || {
        version(&client).await.unwrap();
        (aws.api.asked().last()?.bearer() != first).then_some(())
    })
    .await;
}
