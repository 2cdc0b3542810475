//! What `make bench` needs beside the portal: `bench cluster NAME=DEPLOYMENTSxPODS...` serves simulated
//! clusters; `bench serve DIR` is the baseline, a bare axum handler that answers with bytes from memory; `bench load JSON`
//! asks one address again and again and prints how many answers came how fast.

mod bare;
mod cluster;
mod load;
mod orders;

use std::error::Error;

pub type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((verb, sizes)) if verb == "cluster" => cluster::serve(sizes),
        Some((verb, [directory])) if verb == "serve" => bare::serve(directory.as_ref()),
        Some((verb, [order])) if verb == "load" => load::run(serde_json::from_str(order)?),
        _ => Err("expected `cluster SIZE...`, `serve DIR` or `load JSON`".into()),
    }
}
