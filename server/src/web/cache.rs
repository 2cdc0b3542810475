//! Rendered pages, kept for a moment: a burst of requests for the same page of the same person costs one rendering and one
//! compression.
//!
//! Invariant: what is served from here is younger than [`FRESH`] and was begun after the last change of anything that is
//! shown; and it was made for the same person, roles, scopes and theme.

use super::HTML;
use app::Theme;
use axum::body::{Body, Bytes};
use axum::response::Response;
use domain::Result;
use domain::access::{Actor, Role, Scope};
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, StatusCode};
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// Ages on a page count seconds, so a page is never older.
const FRESH: Duration = Duration::from_secs(1);

/// So many pages are kept.
const BOUND: usize = 256;

/// Smaller pages are not worth compressing.
const WORTH_COMPRESSING: usize = 1024;

/// Quality 4 of 11: close to the size of more, at a fraction of the time.
const BROTLI_QUALITY: i32 = 4;

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    path: String,
    person: String,
    roles: Vec<Role>,
    scopes: Vec<Scope>,
    theme: &'static str,
}

impl Key {
    pub fn of(path: &str, actor: &Actor, theme: Theme) -> Key {
        Key {
            path: path.to_owned(),
            person: actor.person.name.clone(),
            roles: actor.person.roles.clone(),
            scopes: actor.scopes.clone(),
            theme: theme.as_str(),
        }
    }
}

struct Slot {
    made: Instant,
    version: u64,
    page: OnceCell<Arc<Page>>,
}

impl Slot {
    fn is_fresh(&self, version: u64) -> bool {
        self.version == version && self.made.elapsed() < FRESH
    }
}

#[derive(Default)]
pub struct Pages {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

impl Pages {
    /// The page of `key` at `version`; whoever comes first makes it, the others wait for it.
    pub async fn get(&self, key: Key, version: u64, make: impl Future<Output = Result<String>>) -> Result<Arc<Page>> {
        let slot = self.slot(key, version);
        slot.page.get_or_try_init(|| async { Ok(Arc::new(Page::of(make.await?))) }).await.cloned()
    }

    fn slot(&self, key: Key, version: u64) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key).filter(|slot| slot.is_fresh(version)) {
            return slot.clone();
        }
        if slots.len() >= BOUND {
            slots.retain(|_, slot| slot.is_fresh(version));
        }
        let slot = Arc::new(Slot { made: Instant::now(), version, page: OnceCell::new() });
        if slots.len() < BOUND {
            slots.insert(key, slot.clone());
        }
        slot
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Brotli,
    Gzip,
}

impl Encoding {
    /// The smallest that the client takes.
    pub fn accepted(headers: &HeaderMap) -> Encoding {
        let accepts = |name: &str| {
            let mut all =
                headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
            all.any(|item| takes(item, name))
        };
        if accepts("br") {
            Encoding::Brotli
        } else if accepts("gzip") {
            Encoding::Gzip
        } else {
            Encoding::Plain
        }
    }
}

/// `br;q=0` refuses what `br` accepts.
fn takes(item: &str, name: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let named = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(name));
    named && !parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
}

pub struct Page {
    plain: Bytes,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

impl Page {
    fn of(html: String) -> Page {
        Page { plain: html.into(), brotli: OnceCell::new(), gzip: OnceCell::new() }
    }

    pub async fn response(&self, encoding: Encoding) -> Response {
        let (bytes, coding) = match encoding {
            _ if self.plain.len() < WORTH_COMPRESSING => (self.plain.clone(), None),
            Encoding::Plain => (self.plain.clone(), None),
            Encoding::Brotli => (self.compressed(&self.brotli, brotli).await, Some("br")),
            Encoding::Gzip => (self.compressed(&self.gzip, gzip).await, Some("gzip")),
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HTML);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }

    /// Compressed once, away from the threads that answer.
    async fn compressed(&self, cell: &OnceCell<Bytes>, compress: fn(&[u8]) -> Vec<u8>) -> Bytes {
        let plain = self.plain.clone();
        let make = || async move { tokio::task::spawn_blocking(move || Bytes::from(compress(&plain))).await.unwrap_or_default() };
        cell.get_or_init(make).await.clone()
    }
}

fn brotli(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() / 4);
    let params = brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, size_hint: plain.len(), ..Default::default() };
    // Writing to memory does not fail.
    let _ = brotli::BrotliCompress(&mut &plain[..], &mut out, &params);
    out
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), flate2::Compression::new(5));
    let _ = encoder.write_all(plain);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::Person;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(person: &str) -> Key {
        let person = Person { name: person.into(), title: String::new(), teams: vec![], roles: vec![Role::Viewer] };
        Key::of("/", &Actor { person, scopes: vec![], via: "session" }, Theme::Dark)
    }

    #[tokio::test]
    async fn a_burst_renders_once_and_a_change_renders_again() {
        let (pages, renders) = (Pages::default(), AtomicUsize::new(0));
        let get = |person: &'static str, version: u64| {
            pages.get(key(person), version, async {
                tokio::task::yield_now().await;
                Ok(renders.fetch_add(1, Ordering::SeqCst).to_string())
            })
        };
        let burst = futures::future::join_all((0..50).map(|_| get("bea", 1))).await;
        assert!(burst.into_iter().all(|page| page.unwrap().plain == "0"));
        assert_eq!(get("bea", 2).await.unwrap().plain, "1");
        assert_eq!(get("ben", 2).await.unwrap().plain, "2");
    }

    #[tokio::test]
    async fn an_error_is_not_kept_and_the_table_is_bounded() {
        let pages = Pages::default();
        assert!(pages.get(key("bea"), 1, async { Err(domain::Error::Unauthenticated) }).await.is_err());
        assert!(pages.get(key("bea"), 1, async { Ok("good".into()) }).await.is_ok());
        for n in 0..2 * BOUND {
            pages.get(key(&n.to_string()), 1, async { Ok(String::new()) }).await.unwrap();
        }
        assert!(pages.slots.lock().unwrap().len() <= BOUND);
    }

    #[tokio::test]
    async fn the_encodings_are_the_same_page() {
        let page = Page::of("matrix ".repeat(1000));
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &page.compressed(&page.brotli, super::brotli).await[..], &mut plain).unwrap();
        assert_eq!(plain, page.plain);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&page.compressed(&page.gzip, gzip).await[..]), &mut text).unwrap();
        assert_eq!(text, page.plain);
    }

    #[test]
    fn the_smallest_accepted_encoding_is_taken() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip;q=0.5, br;q=0", Encoding::Gzip),
            ("identity", Encoding::Plain),
            ("brotli", Encoding::Plain),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(Encoding::accepted(&headers), expected, "{value}");
        }
    }
}
