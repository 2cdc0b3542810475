//! The static files: where they are, and under which hashed names `scripts/site` left them.
//!
//! Its `hash.txt` has a line `EXTENSION: HASH` for each of js, wasm and css: `pkg/devmatrix.HASH.js`. A portal without these files
//! still serves every page: they only make it better.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use tower_http::services::ServeDir;

pub struct Files {
    pub root: PathBuf,
    hashes: HashMap<String, String>,
}

impl Files {
    /// `given`, else LEPTOS_SITE_ROOT, else a `site` folder beside the executable, else `target/site` here.
    pub fn find(given: Option<PathBuf>) -> Files {
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)).unwrap_or_default();
        let root = given
            .or_else(|| std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from))
            .or_else(|| Some(beside.join("site")).filter(|path| path.is_dir()))
            .unwrap_or_else(|| PathBuf::from("target/site"));
        let mut hashes = fs::read_to_string(root.join("hash.txt")).map(|text| read_hashes(&text)).unwrap_or_default();
        hashes.retain(|extension, hash| root.join("pkg").join(format!("devmatrix.{hash}.{extension}")).is_file());
        Files { root, hashes }
    }

    pub fn site(&self, demo: bool, organisation: &str) -> app::Site {
        app::Site { js: self.path("js"), wasm: self.path("wasm"), css: self.path("css"), demo, organisation: organisation.to_owned() }
    }

    fn path(&self, extension: &str) -> String {
        match self.hashes.get(extension) {
            Some(hash) => format!("/pkg/devmatrix.{hash}.{extension}"),
            None => format!("/pkg/devmatrix.{extension}"),
        }
    }
}

/// base64url of 16 bytes of MD5, without padding.
const HASH_LENGTH: usize = 22;

/// A name with a hash in it means one content for ever; the others are asked for again, by their time.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The file at this path, if there is one.
pub async fn serve(files: &Files, request: Request) -> Option<Response> {
    let age = if is_hashed(request.uri().path()) { FOREVER } else { ASK_AGAIN };
    let mut folder = ServeDir::new(&files.root).precompressed_br().precompressed_gzip().append_index_html_on_directories(false);
    let mut response = folder.try_call(request).await.ok()?.into_response();
    if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
        return None;
    }
    response.headers_mut().insert(CACHE_CONTROL, age);
    Some(response)
}

/// Whether a file of `/pkg` carries a hash in its name, so that it never changes: `devmatrix.Zm9v….js`.
pub fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with("/pkg/") && name.split('.').any(|part| part.len() == HASH_LENGTH)
}

fn read_hashes(text: &str) -> HashMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(extension, hash)| (extension.trim().to_owned(), hash.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_names_are_used_when_their_files_are_there() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("pkg")).unwrap();
        fs::write(root.path().join("hash.txt"), "js: AAAAAAAAAAAAAAAAAAAAAA\nwasm: gone\ncss: BBBBBBBBBBBBBBBBBBBBBB\n").unwrap();
        fs::write(root.path().join("pkg/devmatrix.AAAAAAAAAAAAAAAAAAAAAA.js"), "").unwrap();
        let site = Files::find(Some(root.path().to_path_buf())).site(true, "DevMatrix");
        assert_eq!((site.js.as_str(), site.wasm.as_str()), ("/pkg/devmatrix.AAAAAAAAAAAAAAAAAAAAAA.js", "/pkg/devmatrix.wasm"));
        assert!(is_hashed(&site.js) && !is_hashed(&site.wasm) && !is_hashed("/boot.js"));
    }
}
