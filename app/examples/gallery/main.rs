//! Writes every page in every state as static HTML into a folder, with made-up data: to look at, and for axe.
//!
//! `cargo run -p app --example gallery --features ssr -- target/gallery`; then `node end2end/…` or a browser.
//! The HTML refers to `/pkg/app.css`, `/boot.js`: serve the folder with the built stylesheet as `pkg/app.css`.

mod around;
mod data;
mod oncall;
mod people;
mod policy;
mod trains;

use app::{Site, Theme, Viewer, render};
use data::*;
use oncall::*;
use people::*;
use std::fs;
use std::path::Path;
use trains::*;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target/gallery".to_owned());
    fs::create_dir_all(&folder)?;
    for (name, html) in pages() {
        fs::write(Path::new(&folder).join(format!("{name}.html")), html)?;
    }
    println!("{} pages in {folder}", pages().len());
    Ok(())
}

fn site() -> Site {
    Site {
        js: "/pkg/app.js".into(),
        wasm: "/pkg/app.wasm".into(),
        css: "/pkg/app.css".into(),
        demo: true,
        organisation: "DevMatrix Example".into(),
    }
}

pub fn viewer(person: &str, path: &str, theme: Theme) -> Viewer {
    let matrix = matrix();
    let waiting = if person == "dmitri" { 2 } else { 0 };
    Viewer::of(actor(person), &matrix, waiting, theme, path)
}

fn pages() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for theme in [Theme::Light, Theme::Dark] {
        let mut add = |name: &str, html: String| all.push((format!("{name}-{}", theme.as_str()), html));
        let (bea, dmitri, viv) =
            (|path: &str| viewer("bea", path, theme), |path: &str| viewer("dmitri", path, theme), |path: &str| viewer("viv", path, theme));
        let site = site();
        add("home", render::home(&site, &dmitri("/"), &home(true), NOW));
        add("home-calm", render::home(&site, &bea("/"), &home(false), NOW));
        add("home-viewer", render::home(&site, &viv("/"), &home(false), NOW));
        add("components", render::components(&site, &bea("/components"), &components(), NOW));
        add("component", render::component(&site, &bea("/components/api"), &component("api"), NOW));
        add("component-held-up", render::component(&site, &bea("/components/postgres"), &held_up(), NOW));
        add("component-viewer", render::component(&site, &viv("/components/nginx"), &component("nginx"), NOW));
        for (name, data) in logs_pages() {
            add(name, render::logs(&site, &bea("/components/api/logs?environment=prod"), &data, NOW));
        }
        add("environments", render::environments(&site, &bea("/environments"), &environments(), NOW));
        add("environment", render::environment(&site, &bea("/environments/prod"), &environment("prod"), NOW));
        add("environment-lost", render::environment(&site, &bea("/environments/prod-central"), &environment("prod-central"), NOW));
        add("changes", render::changes(&site, &bea("/changes"), &changes(false), NOW));
        add("changes-nothing", render::changes(&site, &bea("/changes?state=stuck"), &changes(true), NOW));
        for (name, data) in change_pages() {
            add(&name, render::change(&site, &dmitri("/changes/CH-12"), &data, NOW));
        }
        add("change-viewer", render::change(&site, &viv("/changes/CH-12"), &change_pages()[0].1, NOW));
        for (name, data) in new_changes() {
            add(&name, render::new_change(&site, &bea("/changes/new"), &data, NOW));
        }
        for (name, data) in train_pages() {
            add(name, render::train(&site, &dmitri("/trains/TR-3"), &data, NOW));
        }
        for (name, data) in new_trains() {
            add(name, render::new_train(&site, &bea("/trains/new?environment=prod"), &data, NOW));
        }
        for (name, html) in policy::pages(&site, theme) {
            add(name, html);
        }
        add("approvals", render::approvals(&site, &dmitri("/approvals"), &approvals(true), NOW));
        add("approvals-none", render::approvals(&site, &viv("/approvals"), &approvals(false), NOW));
        for (name, data) in on_call_pages() {
            add(name, render::on_call(&site, &dmitri("/on-call"), &data, NOW));
        }
        add("on-call-viewer", render::on_call(&site, &viv("/on-call"), &on_call_pages()[0].1, NOW));
        add("severity", render::severity(&site, &bea("/severity"), &severity(true), NOW));
        add("severity-calm", render::severity(&site, &viv("/severity"), &severity(false), NOW));
        add("incidents", render::incidents(&site, &bea("/incidents"), &incidents(true), NOW));
        add("incidents-none", render::incidents(&site, &viv("/incidents"), &incidents(false), NOW));
        add("incident", render::incident(&site, &bea("/incidents/INC-118"), &one_incident(domain::incidents::State::Open), NOW));
        add("incident-over", render::incident(&site, &viv("/incidents/INC-118"), &one_incident(domain::incidents::State::Resolved), NOW));
        add("sign-in-demo", render::sign_in(&site, theme, &sign_in(true)));
        add("sign-in-token", render::sign_in(&Site { demo: false, ..site.clone() }, theme, &sign_in(false)));
        for (name, error) in errors() {
            add(&format!("error-{name}"), render::error(&site, Some(&bea("/components/nope")), theme, &error, NOW));
        }
    }
    all
}
