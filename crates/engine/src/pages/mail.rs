//! E-mail by SMTP. A try that is repeated carries the same Message-ID: mail systems show it once.

use super::message::Message;
use super::outlet::{later, secret};
use domain::catalog::channels::{Security, Smtp};
use domain::pages::Answer;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use std::time::Duration;

/// For each command and its answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn send(smtp: &Smtp, message: &Message) -> Answer {
    let mail = match mail(smtp, message) {
        Ok(mail) => mail,
        Err(why) => return Answer::Never(why),
    };
    let transport = match transport(smtp).await {
        Ok(transport) => transport,
        Err(why) => return later(why),
    };
    match transport.send(mail).await {
        Ok(answer) => Answer::Taken(line(&format!("{}: {}", answer.code(), answer.message().collect::<Vec<_>>().join(" ")))),
        Err(error) if error.is_permanent() && !is_sign_in(&error) => {
            Answer::Never(line(&format!("{} refuses: {}", smtp.host, words(&error))))
        }
        Err(error) => later(line(&format!("{} cannot be used now: {}", smtp.host, words(&error)))),
    }
}

/// A password that is being exchanged is read anew at each try (RFC 4954: 530, 534, 535, 538).
fn is_sign_in(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538))
}

async fn transport(smtp: &Smtp) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = || TlsParameters::new(smtp.host.clone()).map_err(|error| format!("TLS cannot be used: {}", words(&error)));
    let tls = match smtp.security {
        Security::StartTls => Tls::Required(tls()?),
        Security::Tls => Tls::Wrapper(tls()?),
        Security::Nothing => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host).port(smtp.port).tls(tls).timeout(Some(PATIENCE));
    if let Some(login) = &smtp.login {
        let password = secret(&login.password).await?;
        builder = builder.credentials(Credentials::new(login.username.clone(), password.expose_secret().to_owned()));
    }
    Ok(builder.build())
}

fn mail(smtp: &Smtp, message: &Message) -> Result<lettre::Message, String> {
    let host = smtp.from.rsplit_once('@').map_or("localhost", |(_, host)| host);
    let mailbox = |name: &str, address: &str| -> Result<Mailbox, String> {
        let address = address.parse().map_err(|_| format!("`{address}` is not an e-mail address."))?;
        Ok(Mailbox::new(Some(name.to_owned()), address))
    };
    let mut mail = lettre::Message::builder()
        .from(mailbox("DevMatrix Portal", &smtp.from)?)
        .to(mailbox(&message.person, &message.delivery.address)?)
        .subject(message.title())
        .message_id(Some(format!("<{}@{host}>", message.delivery.id)))
        .date(std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(message.made().0).unwrap_or(0)))
        .header(ContentType::TEXT_PLAIN);
    if let Some(incident) = &message.page.incident {
        // One conversation for each incident.
        mail = mail.references(format!("<{incident}@{host}>"));
    }
    mail.body(message.text()).map_err(|error| format!("No mail can be made of it: {error}."))
}

/// The innermost reason.
fn words(error: &dyn std::error::Error) -> String {
    let mut source = error;
    while let Some(inner) = source.source() {
        source = inner;
    }
    source.to_string()
}

/// Somebody else's text, on one line of bounded length.
fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
